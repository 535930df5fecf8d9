"""Does a sweep's memory grow with its trials? Peak resident size of a process that sweeps n trials, for growing n.

Read from Linux's VmHWM: getrusage's figure is inherited from the process that started it.
"""

import os

from experiments.benchmarks import timing

CODE = """
from pathlib import Path
from experiments.benchmarks import workload
import jaxnn
x, y = workload.digits()
def build(learning_rate):
    return workload.recipe(learning_rate).replace(epochs=2)
space = {{"learning_rate": jaxnn.LogUniform(1e-4, 1e-2)}}
jaxnn.sweep(build, space, (x, y), search=jaxnn.Random({trials}))
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(status["VmHWM"].split()[0]) / 1024)
"""


def measure(*, smoke: bool) -> dict[str, float]:
    """Peak MiB by number of trials, and what one more trial costs in KiB."""
    few, many = (4, 16) if smoke else (64, 2048)
    peak = {trials: timing.printed_seconds(CODE.format(trials=trials), os.environ) for trials in (few, many)}
    sizes = {f"peak memory of {trials} trials (MiB)": value for trials, value in peak.items()}
    return {**sizes, "KiB a trial more": 1024 * (peak[many] - peak[few]) / (many - few)}
