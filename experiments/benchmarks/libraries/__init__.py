"""W2 to W4 in other libraries, as their documentation writes it but without needless work; those not installed are left out.

Each file holds a library's networks and its one loop. Training only, the same work by all: batches, epochs, Adam, every epoch in a new
order, the last, smaller batch counted. What is compiled is compiled once, as by a user who trains again with other data.
"""

import importlib
import importlib.util
from collections.abc import Callable

from experiments.benchmarks.whole_run import Work
from experiments.benchmarks.workload import Train

FILES = {
    "PyTorch": ("torch", "pytorch", "train"),
    "PyTorch, channels last": ("torch", "pytorch", "train_channels_last"),
    "Keras on JAX": ("keras", "keras_on_jax", "train"),
    "Flax Linen": ("flax", "flax_linen", "train"),
    "Equinox": ("equinox", "equinox_modules", "train"),
    "scikit-learn": ("sklearn", "scikit_learn", "train"),
}
ONLY = {"PyTorch, channels last": "cnn", "scikit-learn": "mlp"}
"""What makes sense, or is there, for one network only."""


def installed(work: Work) -> dict[str, Callable[[Work], Train]]:
    """The libraries that can run this work here."""
    found = {}
    for name, (package, file, function) in FILES.items():
        if importlib.util.find_spec(package) and ONLY.get(name, work.network) == work.network:
            found[name] = getattr(importlib.import_module(f"{__name__}.{file}"), function)
    return found
