"""The multi-layer perceptron."""

from collections.abc import Sequence

from jaxnn import layers
from jaxnn.checks import check_sizes
from jaxnn.layers import Activation, Chain, Dense, Dropout, Layer


def mlp(hidden: Sequence[int], outputs: int, *, activation: str | Activation = "relu", dropout: float | None = None) -> Chain:
    """Dense layers of the hidden widths, each followed by the activation and dropout, then a Dense layer of outputs.

    Kernels are drawn by the initialiser that suits the activation (He, LeCun or Glorot), the last one by Glorot; the outputs
    have no activation, for the losses bring theirs. ``hidden=()`` is linear or logistic regression. ``dropout=None`` leaves
    the layer out; a rate, even 0.0, keeps it in, so that rates can be swept in one program. x is (batch, inputs).

    >>> [type(layer).__name__ for layer in mlp((8,), 2, dropout=0.1).layers]
    ['Dense', 'ReLU', 'Dropout', 'Dense']
    """
    return Chain((*hidden_layers("mlp", hidden, activation, dropout), Dense(outputs)))


def hidden_layers(where: str, hidden: Sequence[int], activation: str | Activation, dropout: float | None) -> list[Layer]:
    """Dense layers of those widths, each followed by the activation and, with a rate, dropout."""
    check_sizes(where, "hidden", hidden, "a sequence of widths", f"Write ({hidden},) for one hidden layer.", least=0)
    function = layers.activation(activation)
    network: list[Layer] = []
    for width in hidden:
        network += [Dense(width, initializer=type(function).initializer), function]
        network += [] if dropout is None else [Dropout(dropout)]
    return network
