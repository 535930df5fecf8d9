"""Spaces of hyperparameters: a name and where its values may lie.

Each kind maps the unit interval onto its values: ``at(u)`` for u in [0, 1), so that every search that draws points of the unit
cube (random, Sobol, a surrogate's proposals) works on every space.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxnn.checks import sentence


@dataclass(frozen=True)
class Uniform:
    """Numbers of [low, high], all equally likely.

    >>> Uniform(0, 10).at(0.25)
    2.5
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_bounds("Uniform", self.low, self.high)

    def at(self, u: float) -> float:
        """(1 - u) low + u high, which hits both ends and overflows for no bounds."""
        return float(min(max((1 - u) * self.low + u * self.high, self.low), self.high))

    def grid(self, points: int) -> list[Any]:
        """`points` values, both ends among them."""
        return [self.at(u) for u in _ends(points)]


@dataclass(frozen=True)
class LogUniform:
    """Positive numbers of [low, high] whose logarithm is uniform: for scales, such as a learning rate.

    >>> LogUniform(1e-4, 1e-2).at(0.5)
    0.001
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_bounds("LogUniform", self.low, self.high, above_zero=True)

    def at(self, u: float) -> float:
        """low^(1 - u) high^u, rounded to 15 digits so that 1e-3 is 0.001."""
        return float(min(max(float(f"{self.low ** (1 - u) * self.high**u:.15g}"), self.low), self.high))

    def grid(self, points: int) -> list[Any]:
        """`points` values, evenly spaced in the logarithm, both ends among them."""
        return [self.at(u) for u in _ends(points)]


@dataclass(frozen=True)
class Integer:
    """Whole numbers from low to high, both included. Mind that each value of a structural number is one more program.

    >>> Integer(1, 3).at(0.5)
    2
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        if not all(isinstance(end, int) for end in (self.low, self.high)):
            raise TypeError(sentence("Integer", "low and high", "whole numbers", f"{self.low!r} and {self.high!r}"))
        if self.low > self.high:
            raise ValueError(sentence("Integer", "low", f"at most high ({self.high})", self.low))

    def at(self, u: float) -> int:
        """low + floor(u (high - low + 1))."""
        return min(self.low + int(u * (self.high - self.low + 1)), self.high)

    def grid(self, points: int) -> list[Any]:
        """At most `points` different values, both ends among them."""
        return sorted({round(self.low + u * (self.high - self.low)) for u in _ends(points)})


@dataclass(frozen=True, init=False)
class Choice:
    """One of the options, all equally likely.

    >>> Choice("relu", "tanh").at(0.7)
    'tanh'
    """

    options: tuple[Any, ...]

    def __init__(self, *options: Any) -> None:
        if not options:
            raise ValueError(sentence("Choice", "options", "at least one value", "none", "Write Choice(32, 64)."))
        object.__setattr__(self, "options", options)

    def at(self, u: float) -> Any:
        """The option number floor(u n)."""
        return self.options[min(int(u * len(self.options)), len(self.options) - 1)]

    def grid(self, points: int) -> list[Any]:
        """All options, whatever `points` says."""
        return list(self.options)


Dimension = Uniform | LogUniform | Integer | Choice
Space = Mapping[str, Dimension]


def check_space(where: str, space: Any) -> None:
    """Refuses anything but a mapping of names to dimensions; an empty one has one point, and all is fixed."""
    if not isinstance(space, Mapping):
        raise TypeError(sentence(where, "space", "a dictionary of names and dimensions", repr(space)))
    for name, dimension in space.items():
        if not isinstance(dimension, Dimension):
            advice = "Use Uniform, LogUniform, Integer or Choice."
            raise TypeError(sentence(where, f"space[{name!r}]", "a dimension", repr(dimension), advice))


def _check_bounds(where: str, low: Any, high: Any, *, above_zero: bool = False) -> None:
    got = f"{low!r} and {high!r}"
    if not all(isinstance(end, int | float) for end in (low, high)):
        raise TypeError(sentence(where, "low and high", "numbers", got))
    if not (-math.inf < low < high < math.inf) or (above_zero and low <= 0):
        raise ValueError(sentence(where, "low and high", f"finite numbers with {'0 < ' * above_zero}low < high", got))


def _ends(points: int) -> list[float]:
    return [0.5] if points == 1 else [index / (points - 1) for index in range(points)]
