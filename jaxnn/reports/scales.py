"""From values to pixels, and where the ticks stand."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from jaxnn.reports.text import short

# Beyond this the difference of two values may overflow; nobody reads such a chart by its numbers.
LARGEST = 1e300


class Scale(Protocol):
    """One axis: `scale(value)` is a pixel, `ticks` are (pixel, label)."""

    @property
    def ticks(self) -> Sequence[tuple[float, str]]: ...

    def __call__(self, value: Any) -> float: ...


@dataclass(frozen=True)
class Linear:
    """Equal differences are equal distances."""

    low: float
    high: float
    start: float
    end: float
    ticks: Sequence[tuple[float, str]] = ()

    def __call__(self, value: Any) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)


@dataclass(frozen=True)
class Logarithmic:
    """Equal ratios are equal distances; low and high are positive."""

    low: float
    high: float
    start: float
    end: float
    ticks: Sequence[tuple[float, str]] = ()

    def __call__(self, value: Any) -> float:
        low, high = math.log(self.low), math.log(self.high)
        share = (math.log(value) - low) / (high - low) if value > 0 else 0.0
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)


@dataclass(frozen=True)
class Categories:
    """Each option in the middle of its own strip."""

    options: Sequence[str]
    start: float
    end: float

    @property
    def ticks(self) -> Sequence[tuple[float, str]]:
        """One for each option."""
        return [(self(option), option) for option in self.options]

    @property
    def strip(self) -> float:
        """The width that belongs to one option."""
        return (self.end - self.start) / max(len(self.options), 1)

    def __call__(self, value: Any) -> float:
        return self.start + self.strip * (self.options.index(value) + 0.5)


def drawable(values: Iterable[Any]) -> list[float]:
    """The values that can be placed at all."""
    return [float(value) for value in values if isinstance(value, int | float) and abs(value) < LARGEST]


def linear(values: Iterable[Any], start: float, end: float, *, count: int = 5, whole: bool = False, nice: bool = True) -> Linear:
    """A linear scale over the values, widened to round numbers where `nice`; ticks only at whole numbers where `whole`."""
    low, high = _bounds(drawable(values), whole)
    step = _step((high - low) / count)
    if whole:
        step = max(1.0, float(round(step)))
    if nice:
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    bare = Linear(low, high, start, end)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Linear(low, high, start, end, [(bare(i * step), _label(i * step, step)) for i in range(first, last + 1)])


def logarithmic(values: Iterable[Any], start: float, end: float) -> Scale:
    """A logarithmic scale over the positive values; a linear one where there are none, or where they hardly differ."""
    positive = [value for value in drawable(values) if value > 0]
    if not positive or max(positive) < 1.5 * min(positive):
        return linear(values, start, end, nice=False)
    bare = Logarithmic(min(positive), max(positive), start, end)
    return Logarithmic(bare.low, bare.high, start, end, [(bare(value), _plain(value)) for value in _decades(bare.low, bare.high)])


def focused(values: Iterable[Any]) -> list[float]:
    """The range worth looking at: a few scores far below the rest are left out, for they would flatten all others.

    >>> focused([0.90, 0.93, 0.94, 0.95, -400.0])
    [0.9, 0.95]
    """
    ordered = sorted(set(drawable(values)))  # distinct ones: many perfect scores must not make the others look far off
    if not ordered:
        return [0.0, 1.0]
    quarter = ordered[len(ordered) // 4]
    floor = quarter - 1.5 * (ordered[-1] - quarter)
    return [min(value for value in ordered if value >= floor), ordered[-1]]


def spaced(ticks: Sequence[tuple[float, str]], room: float, letter: float = 6.4) -> list[tuple[float, str]]:
    """Labels cut to their room; every second, third, ... one where they would still touch."""
    if len(ticks) < 2:
        return [(at, short(label, max(3, int(room / letter)))) for at, label in ticks]
    gap = abs(ticks[1][0] - ticks[0][0])
    longest = max(len(label) for _, label in ticks)
    every = max(1, math.ceil(min(longest, 14) * letter / max(gap, 1.0)))
    return [(at, short(label, 14)) for at, label in ticks[::every]]


def _bounds(values: Sequence[float], whole: bool = False) -> tuple[float, float]:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if whole:
        low, high = float(math.floor(low)), float(math.ceil(high))
    if high - low > 1e-9 * max(abs(low), abs(high)) and high - low > 1e-300:
        return low, high
    pad = max(0.1 * abs(low), 1.0 if whole or abs(low) < 1e-290 else 0.0)
    return low - pad, high + pad


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * nice for nice in (1.0, 2.0, 2.5, 5.0, 10.0) if power * nice >= rough * 0.999)


def _decades(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    within = (1.0, 2.0, 5.0) if high < 200 * low else (1.0,)
    every = max(1, (last - first) // 6)
    values = [inner * 10.0**power for power in range(first, last + 1, every) for inner in within]
    return [value for value in values if low * 0.999 <= value <= high * 1.001]


def _label(value: float, step: float) -> str:
    if abs(value) >= 1e7 or step < 1e-5:
        return f"{value:.3g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    decimals += round(step * 10**decimals, 6) != round(step * 10**decimals)  # a step of 2.5 needs one more
    return f"{0.0 if value == 0 else value:,.{decimals}f}"


def _plain(value: float) -> str:
    return f"{value:,.10g}" if 1e-4 <= value < 1e6 else f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
