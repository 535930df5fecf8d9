"""Is a run over a file as fast as one in memory, and does it stay in bounded memory?

Floor: the run in memory, which reads its rows from RAM where the stream copies them from the system's cache of the file. Prediction before
measuring: a second thread reads while the device works, so 0.95 of the speed with a core to spare and 0.9 where all are busy; peak
memory is what JAX takes (0.36 GiB), six blocks of 16 MiB and 256 MiB of the file, whatever its size. Both files are larger than that.
"""

import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
import optax

import jaxnn
from experiments.benchmarks import timing
from experiments.benchmarks.workload import Train
from jaxnn.data import streaming

COLUMNS, CLASSES = 784, 10
CAP = 768
"""MiB that the process may take, for a file of more than twice that."""

CODE = """
from pathlib import Path
from experiments.benchmarks import streaming
import jaxnn
jaxnn.fit_stream(streaming.recipe(1), streaming.source({path!r}))
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(status["VmHWM"].split()[0]) / 1024)
"""


def measure(*, smoke: bool) -> dict[str, float]:
    """Seconds of runs of equal rows and their ratio; MiB of a file and of the process that trains on it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        x, y = write(path, 1_000 if smoke else 120_000)
        contenders = {"in memory": _in_memory(x, y, 1 if smoke else 5), "stream": _stream(path, 1 if smoke else 5)}
        seconds = timing.rounds(contenders, 1 if smoke else 9)
        write(path, 2_000 if smoke else 550_000)
        size, peak = path.stat().st_size / 2**20, timing.printed_seconds(CODE.format(path=str(path)), os.environ)
    return {
        **{f"{name} (s)": statistics.median(values) for name, values in seconds.items()},
        "throughput, stream / in memory (at least 0.9)": timing.ratio(seconds, "in memory", "stream"),
        "file (MiB)": size,
        f"peak memory of the process (MiB, at most {CAP})": peak,
    }


def write(path: Path, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """An NPZ file of noise, and what is in it."""
    random = np.random.default_rng(0)
    x, y = random.random((rows, COLUMNS), np.float32), random.integers(0, CLASSES, rows).astype(np.int32)
    np.savez(path, x=x, y=y)
    return x, y


def recipe(epochs: int) -> jaxnn.Recipe:
    """An MLP 784-128-64-10, Adam, batches of 128."""
    task = jaxnn.Classification(jaxnn.models.mlp((128, 64), CLASSES))
    return jaxnn.Recipe(task, jaxnn.optimizer(optax.adam, learning_rate=1e-3), epochs=epochs, batch_size=128)


def source(path: str | Path) -> streaming.Source:
    """The rows of such a file."""
    return streaming.npz(path)


def _in_memory(x: np.ndarray, y: np.ndarray, epochs: int) -> Train:
    def train(seed: int) -> None:
        jaxnn.fit(recipe(epochs), (x, y), key=seed)

    return train


def _stream(path: Path, epochs: int) -> Train:
    rows = source(path)  # opened, and its checksums compared, before the clock runs, as the rows in memory are there before

    def train(seed: int) -> None:
        jaxnn.fit_stream(recipe(epochs), rows, key=seed)

    return train
