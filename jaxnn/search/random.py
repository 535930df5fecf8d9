"""Random search."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxnn.checks import check_whole
from jaxnn.search.space import Space, check_space


@dataclass(frozen=True)
class Random:
    """Independent draws: with few dimensions that matter it covers each better than a grid of equal size (Bergstra and Bengio 2012).

    Trial i depends on the seed and i alone, so a longer search begins with the trials of a shorter one.

    >>> from jaxnn.search import Uniform
    >>> len(Random(3).propose({"a": Uniform(0, 1)}, seed=0))
    3
    """

    trials: int

    def __post_init__(self) -> None:
        check_whole("Random", "trials", self.trials, low=1)

    def propose(self, space: Space, *, seed: int) -> list[dict[str, Any]]:
        """The hyperparameters of every trial."""
        check_space("Random", space)
        points = np.random.default_rng(seed).random((self.trials, len(space)))
        return [{name: dimension.at(float(u)) for (name, dimension), u in zip(space.items(), row, strict=True)} for row in points]
