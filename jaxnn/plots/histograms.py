"""How the numbers of a network are distributed: its weights, and what its layers give."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from jaxnn.checks import check_whole, sentence
from jaxnn.layers import Layer
from jaxnn.layers.base import children
from jaxnn.plots.style import BLACK, BLUE, ORANGE
from jaxnn.summaries.models import short
from jaxnn.typing import Params
from jaxnn.watching import watched

COLUMNS = 4
"""Histograms side by side."""


def weight_histograms(figure: FigureBase, params: Params, *, bins: int = 40) -> None:
    """A histogram for each array of two axes or more among the parameters: kernels and tables; biases and scales are left out.

    Titles say where in the tree it is, mean and standard deviation. Raises ValueError where there is no such array.
    """
    check_whole("weight_histograms", "bins", bins, low=1)
    found = {jax.tree_util.keystr(path): np.asarray(leaf, float) for path, leaf in jax.tree.leaves_with_path(params) if np.ndim(leaf) > 1}
    if not found:
        raise ValueError(sentence("weight_histograms", "params", "a tree with arrays of two axes or more", "none"))
    for axes, (path, values) in zip(_panels(figure, len(found)), found.items(), strict=True):
        _histogram(axes, values, bins, BLUE)
        axes.set_title(f"{path}\n{values.mean():.2g} ± {values.std():.2g}", fontsize=8)


def activation_histograms(figure: FigureBase, layer: Layer, params: Params, x: Any, *, bins: int = 40) -> None:
    """A histogram of what each layer of a network gives for a batch x (rows, ...), in order, without dropout and the like.

    Left out are layers that hold others, those inside a Repeat and those that give no floating point. Titles say the layer, mean and
    standard deviation, and the share of numbers that are exactly 0 where there are any: a ReLU that has gone silent has all of them
    there. Raises ValueError for a network that gives none.
    """
    check_whole("activation_histograms", "bins", bins, low=1)
    seen: list[tuple[str, np.ndarray]] = []

    def see(path: str, inside: Layer, call: Any) -> None:
        known = hasattr(call.y, "dtype") and not isinstance(call.y, jax.core.Tracer)
        if known and not children(inside) and jnp.issubdtype(call.y.dtype, jnp.floating):
            seen.append((f"{path} {type(inside).__name__}".strip(), np.asarray(call.y, float)))

    watched(layer, see).apply(params, x)
    if not seen:
        raise ValueError(sentence("activation_histograms", "layer", "one whose layers give floating point", short(layer)))
    for axes, (name, values) in zip(_panels(figure, len(seen)), seen, strict=True):
        _histogram(axes, values, bins, ORANGE)
        zeros = float((values == 0).mean())
        axes.set_title(f"{name}\n{values.mean():.2g} ± {values.std():.2g}{f', {zeros:.0%} are 0' if zeros else ''}", fontsize=8)


def _panels(figure: FigureBase, count: int) -> list[Axes]:
    columns = min(count, COLUMNS)
    grid = figure.subplots(math.ceil(count / columns), columns, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.remove()
    return list(grid[:count])


def _histogram(axes: Axes, values: np.ndarray, bins: int, shade: str) -> None:
    axes.hist(values.ravel(), bins=bins, color=shade)
    axes.axvline(0, color=BLACK, linewidth=0.5)
    axes.set_yticks([])
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right", "left"]].set_visible(False)
