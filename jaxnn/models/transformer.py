"""Small transformers."""

from typing import Literal

from jaxnn.checks import check_whole, sentence
from jaxnn.layers import (
    GELU,
    Chain,
    Dense,
    Dropout,
    Embedding,
    GlobalAveragePool,
    Layer,
    LayerNorm,
    MultiHeadAttention,
    PositionalEncoding,
    Repeat,
    Residual,
    Timewise,
)


def transformer(
    outputs: int,
    *,
    width: int = 64,
    depth: int = 2,
    heads: int = 4,
    tokens: int | None = None,
    causal: bool = False,
    returns: Literal["mean", "all"] = "mean",
    dropout: float | None = None,
    feed_forward: int = 4,
) -> Chain:
    """Positions are added to the steps, ``depth`` blocks of attention and feed-forward layers follow, then a Dense layer of outputs.

    x is (batch, time, features); with ``tokens`` it is whole numbers (batch, time) below tokens. Either may be the values of
    ``Sequences`` with lengths: steps beyond them are neither looked at nor averaged. y by ``returns``: "mean" (batch, outputs), from
    the mean over a row's steps; "all" (batch, time, outputs), from each step, as Sequences where x has lengths. For NextToken write
    ``transformer(tokens, tokens=tokens, causal=True, returns="all")``, with ``causal`` because no step may see those after it.

    A block is x + attention(norm(x)), then x + feed_forward(norm(x)) with ``feed_forward`` times the width inside: norms stand before
    and not behind, so that the way round is free (Xiong et al. 2020). All blocks are one loop of the program (``Repeat``), so depth
    costs no compiling. dropout follows both of a block's layers; a rate, even 0.0, keeps it in. Source: Vaswani et al. 2017.
    Raises ValueError for another word, whole numbers < 1, and a width that heads do not divide.

    >>> import jax, jax.numpy as jnp
    >>> model, x = transformer(3, width=8, heads=2, tokens=50), jnp.ones((5, 7), int)
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (5, 3)
    """
    for name, value in (("width", width), ("heads", heads), ("feed_forward", feed_forward)):
        check_whole("transformer", name, value, low=1)
    if width % heads:
        raise ValueError(sentence("transformer", "width", f"a multiple of heads ({heads})", width))
    if returns not in ("mean", "all"):
        raise ValueError(sentence("transformer", "returns", "'mean' or 'all'", repr(returns)))
    thinned: list[Layer] = [] if dropout is None else [Dropout(dropout)]
    attention = Chain((Timewise(LayerNorm()), MultiHeadAttention(heads, causal=causal), *map(Timewise, thinned)))
    inner = Dense(feed_forward * width, initializer=GELU.initializer)
    wide = Timewise(Chain((LayerNorm(), inner, GELU(), Dense(width), *thinned)))
    begin = Chain((Dense(width) if tokens is None else Embedding(tokens, width), PositionalEncoding(), *thinned))
    end: list[Layer] = [GlobalAveragePool(), Dense(outputs)] if returns == "mean" else [Timewise(Dense(outputs))]
    blocks = Repeat(Chain((Residual(attention), Residual(wide))), depth)
    return Chain((Timewise(begin), blocks, Timewise(LayerNorm()), *end))
