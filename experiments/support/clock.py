"""How long training takes, on a machine that may have other work to do."""

import time

from jaxnn import Recipe, fit


def epoch_seconds(recipe: Recipe, data: object, repeats: int) -> float:
    """Processor time of an epoch, of all threads: waiting for a core does not count, compiling neither; the least of ``repeats`` runs."""
    fit(recipe, data)
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        fit(recipe, data)
        seconds.append(time.process_time() - began)
    return min(seconds) / recipe.epochs
