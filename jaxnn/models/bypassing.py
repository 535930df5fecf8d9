"""Multi-layer perceptrons with ways round their layers."""

from collections.abc import Sequence

from jaxnn import layers
from jaxnn.checks import check_whole, sentence
from jaxnn.layers import Activation, Chain, Concat, Dense, Dropout, Identity, Layer, LayerNorm, Repeat, Residual
from jaxnn.models.mlp import hidden_layers


def wide_deep(hidden: Sequence[int], outputs: int, *, activation: str | Activation = "relu", dropout: float | None = None) -> Chain:
    """The inputs themselves beside what hidden layers make of them, both into one Dense layer of outputs: y = W [x, deep(x)] + b.

    The wide way learns what is linear, the deep one what is left. x is (batch, inputs); hidden layers as of ``mlp``, at least one.
    Source: Cheng et al. 2016, with both ways trained by one optimizer. Raises as ``mlp``, and ValueError without hidden layers.

    >>> import jax, jax.numpy as jnp
    >>> model, x = wide_deep((8, 4), 1), jnp.ones((5, 3))
    >>> model.init(jax.random.key(0), x)[-1]["kernel"].shape
    (7, 1)
    """
    deep = hidden_layers("wide_deep", hidden, activation, dropout)
    if not deep:
        raise ValueError(sentence("wide_deep", "hidden", "a sequence of at least one width", repr(hidden), "Write mlp((), ...) without."))
    return Chain((Concat((Identity(), Chain(tuple(deep)))), Dense(outputs)))


def residual_mlp(width: int, depth: int, outputs: int, *, activation: str | Activation = "relu", dropout: float | None = None) -> Chain:
    """A Dense layer to the width, ``depth`` blocks x + f(x), a LayerNorm and a Dense layer of outputs.

    f is LayerNorm, Dense, the activation, dropout if there is a rate, Dense: the norm stands inside, so that the way round is free
    and errors reach the first block however many there are (He et al. 2016). All blocks are one loop of the program (``Repeat``), so depth
    costs no compiling. x is (batch, inputs). Raises ValueError for whole numbers < 1.

    >>> import jax, jax.numpy as jnp
    >>> model, x = residual_mlp(8, 20, 3), jnp.ones((5, 4))
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (5, 3)
    """
    check_whole("residual_mlp", "width", width, low=1)
    check_whole("residual_mlp", "depth", depth, low=1)
    function = layers.activation(activation)
    thinned: list[Layer] = [] if dropout is None else [Dropout(dropout)]
    block = Chain((LayerNorm(), Dense(width, initializer=type(function).initializer), function, *thinned, Dense(width)))
    return Chain((Dense(width), Repeat(Residual(block), depth), LayerNorm(), Dense(outputs)))
