"""How fast is a fit once its program is compiled, and a population on all cores?

Floor: the matrix products of the steps alone. Prediction before measuring: fit does what the hand-written scan does plus one
finiteness check an epoch, so a ratio of 1.0 to 1.05; a population of n cores runs n programs side by side, so 0.95 n.
"""

import numpy as np

import jaxnn
from experiments.benchmarks import peers, timing, workload
from jaxnn.populations import plan


def measure(*, smoke: bool) -> dict[str, float]:
    """Medians in seconds and ratios."""
    x, y = workload.digits()
    contenders = {
        "matrix products": workload.matrix_products(x, y),
        "by hand": workload.by_hand(x, y),
        "jaxnn.fit": workload.with_jaxnn(x, y),
    }
    quick = timing.rounds(contenders, 3 if smoke else 31)
    slow = timing.rounds({name: make(x, y) for name, make in peers.installed().items()}, 1 if smoke else 5)
    medians = {f"{name} (s)": float(np.median(values)) for name, values in {**quick, **slow}.items()}
    against = {f"{name} / jaxnn.fit": medians[f"{name} (s)"] / medians["jaxnn.fit (s)"] for name in slow}
    return {
        **medians,
        "jaxnn.fit / by hand (at most 1.1)": timing.ratio(quick, "jaxnn.fit", "by hand"),
        "jaxnn.fit / matrix products": timing.ratio(quick, "jaxnn.fit", "matrix products"),
        **against,
        **_population(x, y, smoke=smoke),
    }


def _population(x: np.ndarray, y: np.ndarray, *, smoke: bool) -> dict[str, float]:
    recipes = [workload.recipe(rate) for rate in np.geomspace(1e-4, 1e-2, 4 if smoke else 32)]
    cores = len(plan().slots)

    def alone(seed: int) -> None:
        for recipe in recipes:
            jaxnn.fit(recipe, (x, y), key=seed)

    def together(seed: int) -> None:
        jaxnn.fit_many(recipes, (x, y), key=seed)

    seconds = timing.rounds({"one after the other": alone, "fit_many": together}, 1 if smoke else 7)
    gain = timing.ratio(seconds, "one after the other", "fit_many")
    return {"cores": cores, f"population gain (at least {0.9 * cores:.1f})": gain}
