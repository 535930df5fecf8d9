"""Recurrent networks: how they are put together, lengths throughout, what they hold, and what is refused."""

import jax
import jax.numpy as jnp
import pytest

from jaxnn import models
from jaxnn.layers import GRU, LSTM, Bidirectional, Recurrent, SimpleRNN
from jaxnn.typing import Sequences
from tests.programs import quick_jit
from tests.tolerances import assert_close, draw


def parameters(model, x):
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(model.init, jax.random.key(0), x)))


def lstm(inputs, units):
    return 4 * units * (inputs + units + 1)


def gru(inputs, units):
    """Two biases for each gate in Keras, of which one is enough but where r comes between."""
    return 3 * units * (inputs + units + 1) + units


def test_all_layers_but_the_last_give_all_steps():
    layers = models.rnn((8, 4), 3, cell="gru", dropout=0.1, truncate=5).layers
    assert [type(layer).__name__ for layer in layers] == ["Recurrent", "Timewise", "Recurrent", "Timewise", "Timewise"]
    assert (layers[0], layers[2]) == (Recurrent(GRU(8), "all", truncate=5), Recurrent(GRU(4), "last", truncate=5))
    assert models.rnn((8,), 3, bidirectional=True, returns="all").layers[0] == Bidirectional(LSTM(8), "all")


def test_cells_come_by_name_or_by_what_makes_them():
    for cell, made in (("simple", SimpleRNN(8)), ("lstm", LSTM(8)), (GRU, GRU(8)), (lambda units: LSTM(units, 0.0), LSTM(8, 0.0))):
        assert models.rnn((8,), 3, cell=cell).layers[0] == Recurrent(made)


def test_parameters_are_as_many_as_counted_by_hand():
    series, words = jnp.ones((1, 5, 2)), jnp.ones((1, 5), jnp.int32)
    assert parameters(models.rnn((8, 4), 3), series) == lstm(2, 8) + lstm(8, 4) + 5 * 3
    assert parameters(models.rnn((8,), 3, cell="gru", bidirectional=True), series) == 2 * gru(2, 8) + 17 * 3
    assert parameters(models.rnn((8,), 3, tokens=50, embedding=6), words) == 50 * 6 + lstm(6, 8) + 9 * 3


@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "returns": "all"}], ids=["last", "all, both ways"])
def test_steps_beyond_the_length_are_not_there(options):
    model, x, lengths = models.rnn((3, 2), 2, cell="gru", **options), draw((3, 6, 2)), jnp.array([6, 1, 4])
    params, apply = quick_jit(model.init)(jax.random.key(0), x), quick_jit(model.apply)
    y = apply(params, Sequences(x, lengths))
    for row, length in enumerate(lengths.tolist()):
        alone = apply(params, x[row : row + 1, :length])
        assert_close(y.values[row : row + 1, :length] if options else y[row : row + 1], alone, "float32")
    assert not options or y.lengths.tolist() == [6, 1, 4]


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: models.rnn(64, 2), TypeError, r"rnn: units must be a sequence of sizes, got 64\. Write \(64,\) for one recurrent layer"),
        (lambda: models.rnn((), 2), TypeError, r"rnn: units must be a sequence of sizes, got \(\)"),
        (lambda: models.rnn((8,), 2, cell="lstn"), ValueError, r"rnn: no cell is called 'lstn'\. Did you mean lstm\?"),
        (lambda: models.rnn((8,), 2, cell=LSTM(8)), TypeError, r"rnn: cell must be a name, or a function .* got LSTM\(8\)\. Write"),
        (lambda: models.rnn((8,), 2, cell=float), TypeError, "rnn: cell must be a name, or a function from units to a Cell"),
        (lambda: models.rnn((8,), 2, returns="state"), ValueError, "rnn: returns must be 'last' or 'all', got 'state'"),
    ],
)
def test_what_is_refused(make, error, match):
    with pytest.raises(error, match=match):
        make()
