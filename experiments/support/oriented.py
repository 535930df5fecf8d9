"""Bars and filters of any orientation, as numbers a convolution can take: what Hubel and Wiesel showed, and cells that look for it."""

from collections.abc import Callable

import numpy as np

FINE = 5
"""Points along each side of a pixel: what a pixel sees is their mean, so that edges are smooth at every angle."""


def coordinates(side: int, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Of FINE x FINE points in each pixel the distances (u, v) from the middle, across and along a line at that angle.

    Degrees, counted from the horizontal against the clock, as on paper: rows count downwards, so up is their negative.
    """
    places = (np.arange(side * FINE) + 0.5) / FINE - side / 2
    right, up, radians = places[None, :], -places[:, None], np.deg2rad(angle)
    return up * np.cos(radians) - right * np.sin(radians), right * np.cos(radians) + up * np.sin(radians)


def pixels(fine: np.ndarray) -> np.ndarray:
    """The mean of each pixel's points."""
    side = len(fine) // FINE
    return fine.reshape(side, FINE, side, FINE).mean(axis=(1, 3))


def bar(side: int, angle: float, width: float, position: float = 0.0) -> np.ndarray:
    """An image (side, side): a bright bar from edge to edge, that far beside the middle."""
    return pixels((np.abs(coordinates(side, angle)[0] - position) <= width / 2).astype(float))


def bar_filter(side: int, angle: float) -> np.ndarray:
    """A bar a fifth as wide as the filter, with a flank as wide on each side that takes as much as the bar gives, in a round window."""
    u, v = coordinates(side, angle)
    inside, bright = np.hypot(u, v) <= side / 2, np.abs(u) <= side / 10
    flanks = (np.abs(u) <= 3 * side / 10) & ~bright & inside
    return _balanced(pixels((bright & inside).astype(float)), pixels(flanks.astype(float)))


def gabor_filter(side: int, angle: float) -> np.ndarray:
    """A wave across, its wavelength two fifths of the filter, under a bell twice as long as wide."""
    u, v = coordinates(side, angle)
    bell = np.exp(-(u**2 + (v / 2) ** 2) / (2 * (side / 7.5) ** 2)) * (np.hypot(u, v) <= side / 2)
    wave = bell * np.cos(2 * np.pi * u / (2 * side / 5))
    return _balanced(pixels(np.maximum(wave, 0)), pixels(np.maximum(-wave, 0)))


def _balanced(gives: np.ndarray, takes: np.ndarray) -> np.ndarray:
    """Weights of sum 0, so that even light says nothing, and of norm 1."""
    weights = gives / gives.sum() - takes / takes.sum()
    return weights / np.sqrt(np.square(weights).sum())


FILTERS: dict[str, Callable[[int, float], np.ndarray]] = {"bar": bar_filter, "Gabor": gabor_filter}
