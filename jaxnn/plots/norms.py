"""How large gradients are from layer to layer."""

from collections.abc import Mapping, Sequence

import jax
import numpy as np
from matplotlib.axes import Axes

from jaxnn.checks import sentence
from jaxnn.plots.style import colour, line
from jaxnn.typing import Params

LETTERS = 32
"""Of all names together: more would run into each other across, and are written upwards."""


def gradient_norms(axes: Axes, groups: Mapping[str, Params], *, names: Sequence[str] | None = None) -> None:
    """The Euclidean norm of each layer's gradient, from the first layer to the last, on a logarithmic scale: a line for each name.

    groups: gradients in trees of equal structure, as ``Task.gradients`` gives them: of two activations, say, or early and late in
    training. What stands together in a dictionary, kernel and bias, is one layer. A norm of 0 has no place on the scale and is left
    out. Parameters may be given as well. names: of the layers that have parameters, by default their places in the tree.
    Raises ValueError for another number of names.
    """
    for number, (name, tree) in enumerate(groups.items()):
        norms = layer_norms(tree)
        heights = np.array([norm or np.nan for norm in norms.values()])
        axes.plot(range(len(norms)), heights, line(number), marker="o", markersize=4, color=colour(number), label=name)
        if names is not None and len(names) != len(norms):
            raise ValueError(sentence("gradient_norms", "names", f"one for each of the {len(norms)} layers", f"{len(names)} of them"))
        words = list(names or norms)
        axes.set_xticks(range(len(norms)), words, rotation=90 if sum(map(len, words)) > LETTERS else 0)
    axes.set_yscale("log")
    axes.set_xlabel("layer")
    axes.set_ylabel("norm of the gradient")
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def layer_norms(tree: Params) -> dict[str, float]:
    """Norms by place in the tree.

    >>> layer_norms(({"kernel": np.array([[3.0]]), "bias": np.array([4.0])}, (), {"scale": np.array([2.0])}))
    {'0': 5.0, '2': 2.0}
    """
    squares: dict[str, float] = {}
    for path, leaf in jax.tree.leaves_with_path(tree):
        layer = jax.tree_util.keystr(path[:-1], simple=True, separator=".")
        squares[layer] = squares.get(layer, 0.0) + float(np.square(np.asarray(leaf, float)).sum())
    return {layer: square**0.5 for layer, square in squares.items()}
