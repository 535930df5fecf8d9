"""Grid search: every combination."""

import itertools
from dataclasses import dataclass
from typing import Any

from jaxnn.checks import check_whole
from jaxnn.search.space import Space, check_space


@dataclass(frozen=True)
class Grid:
    """Every combination of `points` values of each dimension (all options of a Choice), the last name turning fastest.

    >>> from jaxnn.search import Choice, Uniform
    >>> Grid(points=2).propose({"a": Uniform(0, 1), "b": Choice("x", "y")}, seed=0)[1]
    {'a': 0.0, 'b': 'y'}
    """

    points: int = 4

    def __post_init__(self) -> None:
        check_whole("Grid", "points", self.points, low=1)

    def propose(self, space: Space, *, seed: int) -> list[dict[str, Any]]:
        """The hyperparameters of every trial; the seed has no part in it."""
        del seed
        check_space("Grid", space)
        values = [dimension.grid(self.points) for dimension in space.values()]
        return [dict(zip(space, combination, strict=True)) for combination in itertools.product(*values)]
