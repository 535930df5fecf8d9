"""What a network makes of one example on the way: the maps of its convolutions, the places that attention looks at."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from jaxnn.checks import nearest, sentence
from jaxnn.layers import Layer
from jaxnn.layers.base import children
from jaxnn.plots.images import draw_tiles, image_grid, in_rows
from jaxnn.plots.style import AMOUNTS, SIGNED
from jaxnn.summaries.models import short
from jaxnn.typing import Params
from jaxnn.watching import Call, watched

COLUMNS = 8
"""Maps side by side."""
Seen = dict[str, tuple[Layer, Call]]


def feature_maps(
    figure: FigureBase, layer: Layer, params: Params, x: Any, *, after: Sequence[int | str] | None = None, most: int = 16
) -> None:
    """What layers of a network make of one image x (height, width[, channels]): the image, and the maps of each, eight side by side.

    after: which layers, by number in a Chain or by path as ``summary`` has it ("layers[1].layers[0]"); by default those whose parameters
    hold a kernel of a convolution. most: maps drawn of each. Every layer has its own scale: from white at 0 to blue, or where numbers
    are below 0, blue below and red above. Raises ValueError for layers that are not there or make no maps (1, height, width, channels).
    """
    seen: Seen = {}
    x = np.asarray(x)
    watched(layer, lambda path, layer, call: seen.update({path: (layer, call)})).apply(params, x[None])
    chosen = _convolutions(seen) if after is None else [_known(place, seen) for place in after]
    heights = [math.ceil(min(most, seen[path][1].y.shape[-1]) / COLUMNS) for path in chosen]
    grid = figure.add_gridspec(len(chosen), 2, width_ratios=(1, 5), height_ratios=heights)
    image = figure.add_subplot(grid[:, 0])
    image_grid(image, x[None] if x.ndim == 2 or x.shape[-1] in (1, 3) else np.moveaxis(x, -1, 0))
    image.set_title("x", fontsize=9)
    for row, path in enumerate(chosen):
        shown, call = seen[path]
        _draw_maps(figure.add_subplot(grid[row, 1]), np.asarray(call.y)[0], most, f"{path} {short(shown)}")


def attention_map(axes: Axes, weights: Any, *, queries: Sequence[Any] | None = None, keys: Sequence[Any] | None = None) -> None:
    """How much each query (rows) looks at each key (columns): weights (queries, keys) of one head, from white at 0 to blue.

    queries, keys: words for the rows and columns. Raises ValueError for another shape.
    """
    weights = np.asarray(weights)
    if weights.ndim != 2:
        advice = "Choose an example and a head: weights[0, 0]."
        raise ValueError(sentence("attention_map", "weights", "of shape (queries, keys)", f"shape {weights.shape}", advice))
    axes.imshow(weights, cmap=AMOUNTS, vmin=0)
    for place, names, count in ((axes.yaxis, queries, weights.shape[0]), (axes.xaxis, keys, weights.shape[1])):
        if names is not None:
            place.set_ticks(range(count), [str(name) for name in names])
    axes.set_xlabel("looks at")
    axes.tick_params(length=0)


def _draw_maps(axes: Axes, maps: np.ndarray, most: int, name: str) -> None:
    height, width, channels = maps.shape
    tiles = in_rows(np.moveaxis(maps[..., :most], -1, 0), COLUMNS)
    if float(np.nanmin(tiles)) < 0:
        largest = float(np.nanmax(np.abs(tiles)))
        draw_tiles(axes, tiles, (-largest, largest), palette=SIGNED)
    else:
        draw_tiles(axes, tiles, (0, float(np.nanmax(tiles)) or 1.0), palette=AMOUNTS)
    some = f"{most} of {channels}" if channels > most else f"{channels}"
    axes.set_title(f"{name}: {some} maps of {height} × {width}", fontsize=9, loc="left")


def _is_maps(call: Call) -> bool:
    return isinstance(call.y, jax.Array) and not isinstance(call.y, jax.core.Tracer) and call.y.ndim == 4


def _convolutions(seen: Seen) -> list[str]:
    """Layers without layers inside that have a parameter of four axes, as the kernel of a convolution in the plane has."""
    maps = {path: layer for path, (layer, call) in seen.items() if _is_maps(call) and not children(layer)}
    found = [path for path in maps if any(np.ndim(leaf) == 4 for leaf in jax.tree.leaves(seen[path][1].params))]
    if not found:
        advice = f"Name them by after=: {', '.join(maps)}." if maps else ""
        raise ValueError(sentence("feature_maps", "layer", "a network with a convolution of images", f"{short(seen[''][0])}", advice))
    return found


def _known(place: int | str, seen: Seen) -> str:
    path = f"layers[{place}]" if isinstance(place, int) else place
    maps = [name for name, (_, call) in seen.items() if _is_maps(call)]
    if path not in maps:
        raise ValueError(sentence("feature_maps", "after", "layers that make maps", repr(path), nearest(path, maps)))
    return path
