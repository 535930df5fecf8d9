"""From one sequence to another."""

from collections.abc import Callable, Sequence

from jaxnn.checks import check_sizes
from jaxnn.layers import Cell, Chain, Dense, Dropout, Embedding, EncoderDecoder, Layer, Parallel, Timewise
from jaxnn.models.rnn import cell_of


def seq2seq(
    source_tokens: int,
    target_tokens: int,
    units: Sequence[int],
    *,
    cell: str | Callable[[int], Cell] = "lstm",
    embedding: int = 32,
    reverse: bool = False,
    dropout: float | None = None,
) -> Chain:
    """Encoder and decoder: at each level of units one cell reads the source, and a second goes on from its final state over the target.

    x is (source, target), whole numbers (batch, time) below source_tokens and below target_tokens, each with a time of its own;
    either may be the values of Sequences with lengths, which hold throughout. The target is what has been written so far,
    beginning with a token that stands for the start. y (batch, time of the target, target_tokens): the log odds of what is written next, as
    Sequences where the target has lengths. Learnt by ``NextToken``, used by ``translate``. Without attention: all that the decoder
    knows of the source is in the states.

    cell: as in ``rnn``. reverse: the source is read from its end, see ``EncoderDecoder``. dropout: behind the embeddings and each level; a
    rate, even 0.0, keeps it in. Source: Sutskever, Vinyals and Le 2014. Raises as ``rnn``.

    >>> import jax, jax.numpy as jnp
    >>> model, x = seq2seq(50, 20, (8, 8), cell="gru"), (jnp.ones((5, 7), int), jnp.ones((5, 4), int))
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (5, 4, 20)
    """
    check_sizes("seq2seq", "units", units, "a sequence of sizes", "Write (64,) for one level.")
    thinned: list[Layer] = [] if dropout is None else [Timewise(Dropout(dropout))]
    network: list[Layer] = [Parallel(tuple(Timewise(Embedding(tokens, embedding)) for tokens in (source_tokens, target_tokens)))]
    for number, size in enumerate(units, start=1):
        network += [Parallel((layer, layer)) for layer in thinned]
        own = cell_of("seq2seq", cell, size)
        network.append(EncoderDecoder(own, returns="target" if number == len(units) else "both", reverse=reverse))
    return Chain((*network, *thinned, Timewise(Dense(target_tokens))))
