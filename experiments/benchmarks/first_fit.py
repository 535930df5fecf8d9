"""How long does a user wait for the first fit after import: with an empty cache, and in a later process with the cache?

Floor: a hand-written program has to trace and compile the same training loop. Prediction: about that, because the initialiser
is compiled on its own without optimisation.
"""

import os
import statistics
import tempfile

from experiments.benchmarks import timing

CODE = """
import time
import jaxnn, jax
from experiments.benchmarks import workload
{cache}
x, y = workload.digits()
jax.devices()
began = time.perf_counter()
workload.{contender}(x, y)(0)
print(time.perf_counter() - began)
"""
CACHE = "jaxnn.enable_compilation_cache()"


def measure(*, smoke: bool) -> dict[str, float]:
    """Medians in seconds over fresh processes, contenders taking turns."""
    cold: dict[str, list[float]] = {"by hand": [], "jaxnn.fit": []}
    warm: list[float] = []
    for _ in range(1 if smoke else 7):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "JAXNN_CACHE_DIR": folder}
            cold["by hand"].append(timing.printed_seconds(CODE.format(cache="", contender="by_hand"), environment))
            cold["jaxnn.fit"].append(timing.printed_seconds(CODE.format(cache=CACHE, contender="with_jaxnn"), environment))
            warm.append(timing.printed_seconds(CODE.format(cache=CACHE, contender="with_jaxnn"), environment))
    return {
        "first fit by hand, empty cache (s)": statistics.median(cold["by hand"]),
        "first jaxnn.fit, empty cache (s; at most 1.2)": statistics.median(cold["jaxnn.fit"]),
        "first jaxnn.fit, empty cache / by hand (at most 1.33)": timing.ratio(cold, "jaxnn.fit", "by hand"),
        "first jaxnn.fit, later process (s; at most 0.4)": statistics.median(warm),
    }
