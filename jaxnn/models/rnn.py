"""Recurrent networks."""

from collections.abc import Callable, Sequence
from typing import Literal

from jaxnn.checks import check_sizes, nearest, sentence
from jaxnn.layers import GRU, LSTM, Bidirectional, Cell, Chain, Dense, Dropout, Embedding, Layer, Recurrent, SimpleRNN, Timewise

CELLS: dict[str, Callable[[int], Cell]] = {"gru": GRU, "lstm": LSTM, "simple": SimpleRNN}


def rnn(
    units: Sequence[int],
    outputs: int,
    *,
    cell: str | Callable[[int], Cell] = "lstm",
    tokens: int | None = None,
    embedding: int = 32,
    returns: Literal["last", "all"] = "last",
    bidirectional: bool = False,
    truncate: int | None = None,
    dropout: float | None = None,
) -> Chain:
    """Recurrent layers of those units, each followed by dropout, then a Dense layer of outputs.

    x is (batch, time, features); with ``tokens`` it is whole numbers (batch, time) below tokens, which an Embedding makes
    ``embedding`` features of. Either may be the values of ``Sequences`` with lengths, which hold throughout. y by ``returns``: "last"
    (batch, outputs), from the output at a row's own last step; "all" (batch, time, outputs), from that at each step, as Sequences
    where x has lengths: what NextToken learns.

    cell: "lstm", "gru", "simple", or a function from units to a ``Cell``. ``bidirectional``: each layer reads both ways, with so many
    units for each. truncate: see ``Recurrent``. dropout: a rate, even 0.0, keeps the layers in. Raises TypeError for units that are no
    sequence and a cell that makes none, ValueError for unknown words.

    >>> import jax, jax.numpy as jnp
    >>> model, x = rnn((8, 8), 2, cell="gru", tokens=50), jnp.ones((5, 7), int)
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (5, 2)
    """
    check_sizes("rnn", "units", units, "a sequence of sizes", "Write (64,) for one recurrent layer.")
    if returns not in ("last", "all"):
        raise ValueError(sentence("rnn", "returns", "'last' or 'all'", repr(returns)))
    network: list[Layer] = [] if tokens is None else [Timewise(Embedding(tokens, embedding))]
    for number, size in enumerate(units, start=1):
        given = returns if number == len(units) else "all"
        network.append((Bidirectional if bidirectional else Recurrent)(cell_of("rnn", cell, size), returns=given, truncate=truncate))
        network += [] if dropout is None else [Timewise(Dropout(dropout))]
    return Chain((*network, Timewise(Dense(outputs))))


def cell_of(where: str, cell: str | Callable[[int], Cell], units: int) -> Cell:
    """The cell of that name, or that the function makes. Raises ValueError for an unknown name, TypeError for what is no cell."""
    if isinstance(cell, str) and cell not in CELLS:
        raise ValueError(f"{where}: no cell is called {cell!r}. {nearest(cell, CELLS)}")
    made = CELLS[cell](units) if isinstance(cell, str) else cell(units) if callable(cell) else None
    if not isinstance(made, Cell):
        expected = "a name, or a function from units to a Cell"
        raise TypeError(sentence(where, "cell", expected, repr(cell), 'Write cell="gru", or cell=GRU.'))
    return made
