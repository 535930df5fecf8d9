"""Figures of digits: rows with names, grids beside each other, and codes of two numbers."""

import numpy as np
from matplotlib.axes import Axes

from jaxnn.plots import COLOURS, image_grid


def named_rows(axes: Axes, rows: dict[str, np.ndarray]) -> None:
    """Images (n, height, width, 1) from 0, white, to 1, black: for each name a row of n."""
    images = np.concatenate(list(rows.values()))
    image_grid(axes, 1 - images, columns=len(images) // len(rows), limits=(0, 1))
    height, (top, bottom) = images.shape[1], sorted(axes.get_ylim())
    axes.set_yticks(np.linspace(top + height / 2, bottom - height / 2, len(rows)), list(rows))
    axes.tick_params(length=0)
    axes.set_anchor("W")  # else an image that is not as wide as its place moves away from the names


def grid_of_64(axes: Axes, images: np.ndarray, title: str) -> None:
    """The first 64 images (n, height, width, 1), 8 by 8."""
    image_grid(axes, 1 - images[:64], columns=8, limits=(0, 1))
    axes.set_title(title, fontsize=11)


def scatter_digits(axes: Axes, codes: np.ndarray, y: np.ndarray) -> None:
    """Codes (n, 2), each drawn as its digit; all but the outermost hundredth along each axis are seen."""
    for digit, colour in enumerate((*COLOURS, "#888888", "#7A4B1E")):
        axes.scatter(codes[y == digit, 0], codes[y == digit, 1], s=26, marker=f"${digit}$", color=colour, linewidths=0.3)
    low, high = np.quantile(codes, (0.005, 0.995), axis=0)
    margin = 0.08 * (high - low)
    axes.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]), xticks=[], yticks=[])
