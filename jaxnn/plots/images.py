"""Images beside each other: examples, samples, reconstructions, filters."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from jaxnn.checks import check_whole, sentence
from jaxnn.plots.style import GREY, PALE, SIGNED, bare

Limits = tuple[float, float]
"""The numbers that are drawn in the first and in the last shade of a scale."""


def image_grid(
    axes: Axes,
    images: Any,
    *,
    titles: Sequence[Any] | None = None,
    columns: int | None = None,
    limits: Limits | None = None,
    palette: Colormap = GREY,
) -> None:
    """Images (n, height, width), or with one or three channels last, row by row in one Axes: examples, or samples of a model.

    titles: a word above each. columns: by default a grid about as wide as high. limits: of the numbers; by default the smallest and
    the largest of all, for colours 0 and 1, or 255 where a number is above 1. palette: the shades of images without colour.
    Raises ValueError for another shape, or another number of titles.
    """
    images = _images("image_grid", "images", images)
    if titles is not None and len(titles) != len(images):
        raise ValueError(sentence("image_grid", "titles", f"one for each of the {len(images)} images", f"{len(titles)} of them"))
    columns = _columns("image_grid", columns, len(images))
    height, width = images.shape[1:3]
    gap = _gap(height, words=titles is not None), _gap(width)
    draw_tiles(axes, in_rows(images, columns), limits or _limits(images), gap=gap, palette=palette)
    for place, title in enumerate([] if titles is None else titles):
        row, column = divmod(place, columns)
        middle, top = column * (width + gap[1]) + (width - 1) / 2, row * (height + gap[0]) - 1
        axes.text(middle, top, str(title), ha="center", va="bottom", fontsize=8)


def reconstructions(axes: Axes, originals: Any, reconstructed: Any, *, columns: int = 10, limits: Limits | None = None) -> None:
    """Each image (n, height, width[, channels]) above what became of it, with the root of the mean squared error beneath.

    columns: how many pairs side by side. limits: as ``image_grid``, by default those of the originals.
    Raises ValueError for images of other shapes.
    """
    originals, reconstructed = np.asarray(originals), np.asarray(reconstructed)
    if originals.shape != reconstructed.shape:
        raise ValueError(sentence("reconstructions", "reconstructed", f"of shape {originals.shape}, as originals", reconstructed.shape))
    pairs = [_images("reconstructions", "originals", images) for images in (originals, reconstructed)]
    count, height, width = pairs[0].shape[:3]
    columns, between, gap = min(_columns("reconstructions", columns, count), count), _gap(height), (_gap(height, words=True), _gap(width))
    blank = np.full((count, between, *pairs[0].shape[2:]), np.nan)
    tiles = in_rows(np.concatenate([pairs[0], blank, pairs[1]], axis=1), columns)
    draw_tiles(axes, tiles, limits or _limits(pairs[0]), gap=gap)
    errors = np.sqrt(np.square(pairs[1].astype(float) - pairs[0]).mean(axis=tuple(range(1, pairs[0].ndim))))
    step = tiles.shape[2] + gap[0]
    for place, error in enumerate(errors):
        row, column = divmod(place, columns)
        middle, bottom = column * (width + gap[1]) + (width - 1) / 2, row * step + tiles.shape[2]
        axes.text(middle, bottom, f"{error:.2g}", ha="center", va="top", fontsize=8)
    middles = [row * step + part * (height + between) + (height - 1) / 2 for row in range(len(tiles)) for part in (0, 1)]
    axes.set_yticks(middles, ["original", "reconstructed\nand its error"] * len(tiles))
    axes.tick_params(length=0)


def filters(axes: Axes, kernel: Any, *, columns: int | None = None) -> None:
    """The kernel of a convolution (height, width, inputs, outputs): blue below 0, white at 0, red above, one scale for all.

    With one input the outputs in rows; else an input a row, an output a column, so that each column is what one map looks for.
    columns: of the first form. Raises ValueError for another shape.
    """
    kernel = np.asarray(kernel)
    if kernel.ndim != 4 or 0 in kernel.shape:
        advice = "Slice a large one: kernel[..., :8, :16]."
        raise ValueError(sentence("filters", "kernel", "of shape (height, width, inputs, outputs)", f"shape {kernel.shape}", advice))
    tiles, (inputs, outputs) = np.transpose(kernel, (2, 3, 0, 1)), kernel.shape[2:]
    if inputs == 1:
        tiles = in_rows(tiles[0], _columns("filters", columns, outputs))
    most = float(np.abs(kernel).max()) or 1.0
    drawn = draw_tiles(axes, tiles, (-most, most), gap=(1, 1), palette=SIGNED)
    axes.set_xlabel(f"{outputs} outputs")
    axes.set_ylabel(f"{inputs} inputs" if inputs > 1 else "")
    axes.figure.colorbar(drawn, ax=axes, shrink=0.7)


def draw_tiles(axes: Axes, tiles: np.ndarray, limits: Limits, *, gap: tuple[int, int] | None = None, palette: Colormap = GREY) -> AxesImage:
    """Tiles (rows, columns, height, width[, 3]) as one image, with nothing in the gaps; a tile of NaN is left out.

    On scales that have white in them a thin frame shows where a tile ends.
    """
    rows, columns, height, width = tiles.shape[:4]
    (below, beside), (low, high) = gap or (_gap(height), _gap(width)), limits
    canvas = np.full((rows * (height + below) - below, columns * (width + beside) - beside, *tiles.shape[4:]), np.nan)
    for row, column in np.ndindex(rows, columns):
        top, left = row * (height + below), column * (width + beside)
        canvas[top : top + height, left : left + width] = tiles[row, column]
        if palette is not GREY and np.isfinite(tiles[row, column]).any():
            axes.add_patch(Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor=PALE, linewidth=0.5, clip_on=False))
    bare(axes)
    if canvas.ndim == 3:
        seen = np.isfinite(canvas).all(axis=-1, keepdims=True).astype(float)  # of colours the gaps have to be said to be transparent
        scaled = np.clip((np.nan_to_num(canvas, nan=low) - low) / ((high - low) or 1.0), 0, 1)
        return axes.imshow(np.concatenate([scaled, seen], axis=-1), interpolation="nearest")
    return axes.imshow(canvas, cmap=palette, vmin=low, vmax=high, interpolation="nearest")


def _images(where: str, argument: str, images: Any) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if not (images.ndim == 3 or (images.ndim == 4 and images.shape[-1] == 3)) or 0 in images.shape:
        advice = "Give flat ones their shape back: x.reshape(-1, 28, 28)."
        raise ValueError(sentence(where, argument, "of shape (n, height, width[, 1 or 3])", f"shape {images.shape}", advice))
    return images


def in_rows(images: np.ndarray, columns: int) -> np.ndarray:
    """(rows, columns, height, width[, 3]), the last row filled up with NaN."""
    rows = math.ceil(len(images) / columns)
    filled = np.full((rows * columns, *images.shape[1:]), np.nan)
    filled[: len(images)] = images
    return filled.reshape(rows, columns, *images.shape[1:])


def _columns(where: str, columns: int | None, count: int) -> int:
    """As asked for, or as many as make a square."""
    if columns is None:
        return math.ceil(math.sqrt(count))
    check_whole(where, "columns", columns, low=1)
    return columns


def _gap(size: int, *, words: bool = False) -> int:
    return max(round(size * (0.3 if words else 0.08)), 1)


def _limits(images: np.ndarray) -> Limits:
    if images.ndim == 4:
        return 0.0, 255.0 if images.max() > 1 else 1.0
    return float(images.min()), float(images.max())
