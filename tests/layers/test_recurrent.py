"""Recurrence against a loop over rows and steps in NumPy, against flax's cells, and against itself cut in two."""

import functools
from typing import Any, ClassVar

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from jaxnn.layers import GRU, LSTM, Bidirectional, Cell, Chain, Dense, Recurrent, SimpleRNN
from jaxnn.layers.base import no_cotangent
from jaxnn.layers.recurrent import RETURNS
from jaxnn.typing import Sequences
from tests.programs import quick_jit
from tests.tolerances import DTYPES, assert_close, draw, precision

UNITS, TIME, ROWS = 2, 4, 2
LENGTHS = np.array([3, 4])
CELLS = {"SimpleRNN": SimpleRNN(UNITS), "GRU": GRU(UNITS), "LSTM": LSTM(UNITS)}
every_cell = pytest.mark.parametrize("name", CELLS)


class Leaky(Cell):
    """What a user may write: h' = h / 2 + tanh(b + h U)."""

    gates: ClassVar[int] = 1

    def step(self, params: Any, b: Any, state: Any) -> tuple[Any, Any]:
        y = jnp.tanh(b + state @ params["recurrent_kernel"])
        return state / 2 + y, y

    def step_backward(self, params: Any, state: Any, kept: Any, dstate: Any) -> tuple[Any, Any]:
        delta = dstate * (1 - kept * kept)
        return delta, dstate / 2 + delta @ params["recurrent_kernel"].T


def sigmoid(xp, b):
    return 1 / (1 + xp.exp(-b))


def loop_step(xp, name, params, x, state):
    """One step of one row, by the formulas of the docstrings."""
    kernel, recurrent_kernel, bias = params["kernel"], params["recurrent_kernel"], params["bias"]
    h = state[0] if name == "LSTM" else state
    block = lambda array, k: array[..., k * UNITS : (k + 1) * UNITS]  # noqa: E731
    read = [x @ block(kernel, k) + block(bias, k) for k in range(kernel.shape[1] // UNITS)]
    before = [h @ block(recurrent_kernel, k) for k in range(len(read))]
    if name == "SimpleRNN":
        return xp.tanh(read[0] + before[0])
    if name == "GRU":
        r, z = (sigmoid(xp, read[k] + before[k]) for k in range(2))
        n = xp.tanh(read[2] + r * (before[2] + block(bias, 3)))
        return (1 - z) * n + z * h
    i, f, o = (sigmoid(xp, read[k] + before[k]) for k in (0, 1, 3))
    c = f * state[1] + i * xp.tanh(read[2] + before[2])
    return o * xp.tanh(c), c


def loop(xp, name, params, x, *, reverse=False, truncate=None):
    """Outputs of each row's own steps (zero after them) and final states: row by row, step by step."""
    outputs, finals = [], []
    for row, length in enumerate(np.asarray(x.lengths)):
        state, own = jax.tree.map(lambda leaf, row=row: leaf[row], x.state), {}
        for number, t in enumerate(range(length)[::-1] if reverse else range(length)):
            if truncate and number and number % truncate == 0:
                state = lax.stop_gradient(state)
            state = loop_step(xp, name, params, x.values[row, t], state)
            own[t] = state[0] if name == "LSTM" else state
        outputs.append(xp.stack([own.get(t, xp.zeros_like(own[0])) for t in range(TIME)]))
        finals.append(state)
    return xp.stack(outputs), jax.tree.map(lambda *rows: xp.stack(rows), *finals)


@functools.cache
def prepared(name, dtype="float64"):
    """Parameters and sequences with lengths and a state; the bias is drawn too."""
    x = draw((ROWS, TIME, 2), dtype)
    state = (
        (draw((ROWS, UNITS), dtype, seed=1), draw((ROWS, UNITS), dtype, seed=2)) if name == "LSTM" else draw((ROWS, UNITS), dtype, seed=1)
    )
    params = CELLS[name].init(jax.random.key(0), 2, x.dtype)
    params = params | {"bias": draw(params["bias"].shape, dtype, seed=3)}
    return params, Sequences(x, jnp.asarray(LENGTHS, jnp.int32), state)


def own_steps(lengths=LENGTHS, time=TIME):
    return (np.arange(time) < np.asarray(lengths)[:, None])[..., None]


@every_cell
@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])
def test_outputs_and_states_are_those_of_a_loop_in_numpy(name, reverse):
    with precision("float64"):
        params, x = prepared(name)
        outputs, final = loop(np, name, *jax.tree.map(np.asarray, (params, x)), reverse=reverse)

        @quick_jit
        def run(params, x):
            apply = {returns: Recurrent(CELLS[name], returns=returns, reverse=reverse).apply for returns in RETURNS}
            without = x._replace(lengths=None)
            full = x._replace(lengths=jnp.full(ROWS, TIME, jnp.int32))
            from_zeros = without._replace(state=jax.tree.map(jnp.zeros_like, x.state))
            same = (apply["all"](params, full).values, apply["last"](params, x.values))
            return [apply[name](params, x) for name in RETURNS], same, (apply["all"](params, without), apply["last"](params, from_zeros))

        (last, every, state, both), same, same_again = run(params, x)
        assert_close((jnp.where(own_steps(), every.values, 0), state), (outputs, final))
        assert_close((last, both), (final[0] if name == "LSTM" else final, Sequences(every.values, x.lengths, state)))
        assert_close(same, same_again)


@every_cell
@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("truncate", [None, 2])
def test_gradients_are_those_of_the_loop(name, reverse, truncate):
    with precision("float64"):
        params, x = prepared(name)
        layer = Recurrent(CELLS[name], returns="all and state", reverse=reverse, truncate=truncate)
        weights = jnp.where(own_steps(), draw((ROWS, TIME, UNITS), "float64", seed=5), 0)
        dstate = jax.tree.map(lambda leaf: draw(leaf.shape, "float64", seed=6), x.state)

        def objective(params, values, state):
            y, final = loop(jnp, name, params, x._replace(values=values, state=state), reverse=reverse, truncate=truncate)
            return jnp.vdot(weights, y) + sum(map(jnp.vdot, jax.tree.leaves(final), jax.tree.leaves(dstate)))

        wanted = quick_jit(jax.grad(objective, argnums=(0, 1, 2)))(params, x.values, x.state)
        dy = Sequences(weights, no_cotangent(x.lengths), dstate)

        def both(params, x):
            by_hand, by_jax = layer.backward(params, layer.forward(params, x)[1], dy), jax.vjp(layer.apply, params, x)[1](dy)
            return [(dparams, dx.values, dx.state) for dparams, dx in (by_hand, by_jax)]

        for ours in quick_jit(both)(params, x):
            assert_close(ours, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cell", [*CELLS.values(), Leaky(UNITS)], ids=[*CELLS, "a cell of one's own"])
def test_truncated_backward_is_the_vjp_of_apply(cell, dtype):
    with precision(dtype):
        layer, x = Recurrent(cell, truncate=2), draw((8, 5, 1), dtype)
        params = layer.init(jax.random.key(0), x)
        dy = draw((8, UNITS), dtype, seed=1)
        by_hand = quick_jit(lambda params, x: layer.backward(params, layer.forward(params, x)[1], dy))(params, x)
        assert_close(by_hand, quick_jit(lambda params, x: jax.vjp(layer.apply, params, x)[1](dy))(params, x), dtype)
        assert np.all(np.asarray(by_hand[1][:, :4]) == 0) and np.any(np.asarray(by_hand[1][:, 4:]) != 0)  # the last chunk is one step


def flax_params(name, params):
    """The same numbers under flax's names."""
    kernel, recurrent_kernel, bias = (np.split(leaf, leaf.shape[-1] // UNITS, axis=-1) for leaf in map(np.asarray, params.values()))
    if name == "SimpleRNN":
        return {"i": {"kernel": kernel[0], "bias": bias[0]}, "h": {"kernel": recurrent_kernel[0]}}
    if name == "LSTM":
        named = zip("ifgo", kernel, recurrent_kernel, bias, strict=True)
        return {key: part for gate, w, u, b in named for key, part in ((f"i{gate}", {"kernel": w}), (f"h{gate}", {"kernel": u, "bias": b}))}
    read = {f"i{gate}": {"kernel": w, "bias": b} for gate, w, b in zip("rzn", kernel, bias[:3], strict=True)}
    return read | {
        "hr": {"kernel": recurrent_kernel[0]},
        "hz": {"kernel": recurrent_kernel[1]},
        "hn": {"kernel": recurrent_kernel[2], "bias": bias[3]},
    }


@every_cell
def test_a_step_is_flaxs_from_the_same_weights(name):
    theirs = {"SimpleRNN": flax.linen.SimpleCell, "GRU": flax.linen.GRUCell, "LSTM": flax.linen.LSTMCell}[name](UNITS)
    params, x = prepared(name, "float32")
    carry = x.state[::-1] if name == "LSTM" else x.state  # flax has (c, h)
    wanted, _ = theirs.apply({"params": flax_params(name, params)}, carry, x.values[:, 0])
    layer = Recurrent(CELLS[name], returns="state")
    state = layer.apply(params, Sequences(x.values[:, :1], None, x.state))
    assert_close(state, wanted[::-1] if name == "LSTM" else wanted, "float32")


@every_cell
def test_two_halves_are_the_whole(name):
    params, x = prepared(name, "float32")
    layer = Recurrent(CELLS[name], returns="all and state")
    first = layer.apply(params, Sequences(x.values[:, :2], None, x.state))
    second = layer.apply(params, Sequences(x.values[:, 2:], None, first.state))
    whole = layer.apply(params, x._replace(lengths=None))
    assert_close((jnp.concatenate([first.values, second.values], axis=1), second.state), (whole.values, whole.state), "float32")


@functools.cache
def padded_and_alone(reverse):
    layer = Bidirectional(GRU(UNITS)) if reverse is None else Recurrent(LSTM(UNITS), reverse=reverse, truncate=2)
    params = layer.init(jax.random.key(0), draw((1, TIME, 2)))

    @quick_jit
    def gradient(x):
        dy = jnp.ones_like(layer.apply(params, x))
        y, residuals = layer.forward(params, x)
        return y, layer.backward(params, residuals, dy)[1].values

    return gradient


@pytest.mark.parametrize("reverse", [False, True, None], ids=["forwards", "backwards", "both ways"])
@given(lengths=st.lists(st.integers(1, TIME), min_size=ROWS, max_size=ROWS), seed=st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_what_stands_after_the_last_step_does_not_matter(reverse, lengths, seed):
    x, run = draw((ROWS, TIME, 2), seed=seed), padded_and_alone(reverse)
    y, dx = run(Sequences(x, jnp.array(lengths, jnp.int32)))
    assert np.all(np.where(own_steps(lengths), 0, dx) == 0)
    other = jnp.where(own_steps(lengths), x, 7)
    assert_close(run(Sequences(other, jnp.array(lengths, jnp.int32))), (y, dx), "float32")


@pytest.mark.parametrize("length", range(1, TIME + 1))
@pytest.mark.parametrize("reverse", [False, True, None], ids=["forwards", "backwards", "both ways"])
def test_a_padded_row_is_the_row_alone(reverse, length):
    x, run = draw((1, TIME, 2)), padded_and_alone(reverse)
    y, dx = run(Sequences(x, jnp.array([length], jnp.int32)))
    alone, dx_alone = run(Sequences(x[:, :length]))
    assert_close((y, dx[:, :length]), (alone, dx_alone), "float32")


def test_both_ways_are_two_runs_side_by_side():
    x = Sequences(draw((ROWS, TIME, 2)), jnp.asarray(LENGTHS, jnp.int32))
    for returns in ("last", "all"):
        both = Bidirectional(GRU(UNITS), returns=returns)
        params = both.init(jax.random.key(0), x)
        there = Recurrent(GRU(UNITS), returns=returns).apply(params["forward"], x)
        back = Recurrent(GRU(UNITS), returns=returns, reverse=True).apply(params["backward"], x)
        beside = jax.tree.map(lambda a, b: a if a.ndim == 1 else jnp.concatenate([a, b], axis=-1), there, back)
        assert_close(both.apply(params, x), beside, "float32")


def test_backward_can_be_differentiated_itself():
    with precision("float64"):
        layer, x = Chain((Recurrent(LSTM(UNITS), returns="all"), Recurrent(GRU(UNITS)), Dense(1))), draw((1, 3, 1), "float64")
        params = layer.init(jax.random.key(0), x)

        def by_hand(params):
            y, residuals = layer.forward(params, x)
            return sum(map(jnp.vdot, *[jax.tree.leaves(layer.backward(params, residuals, jnp.ones_like(y))[0])] * 2))

        def by_jax(params):
            return sum(map(jnp.vdot, *[jax.tree.leaves(jax.grad(lambda params: layer.apply(params, x).sum())(params))] * 2))

        assert_close(quick_jit(jax.grad(by_hand))(params), quick_jit(jax.grad(by_jax))(params))


def test_initial_parameters_are_glorots_orthogonal_and_zero_but_for_the_forget_gate():
    params = quick_jit(lambda: LSTM(8, forget_bias=2.0).init(jax.random.key(0), 3, jnp.float32))()
    for gate in np.split(np.asarray(params["recurrent_kernel"]), 4, axis=1):
        assert np.allclose(gate.T @ gate, np.eye(8), atol=1e-5)
    assert 0.9 < np.abs(params["kernel"]).max() / np.sqrt(6 / (3 + 8)) <= 1
    assert params["bias"].tolist() == [0.0] * 8 + [2.0] * 8 + [0.0] * 16
    assert SimpleRNN(3, activation="relu") == SimpleRNN(3, activation=SimpleRNN(3, "relu").activation) != SimpleRNN(3)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: LSTM(0), ValueError, "LSTM: units must be a whole number >= 1, got 0"),
        (lambda: SimpleRNN(2, activation="tanj"), ValueError, "no function is called 'tanj'. Did you mean tanh"),
        (lambda: Recurrent("lstm"), TypeError, r"Recurrent: cell must be a Cell, got 'lstm'. Write LSTM\(32\)"),
        (
            lambda: Recurrent(GRU(2), returns="first"),
            ValueError,
            "Recurrent: returns must be one of 'last', 'all', 'state', 'all and state', got",
        ),
        (lambda: Recurrent(GRU(2), truncate=0), ValueError, "Recurrent: truncate must be a whole number >= 1, got 0"),
        (lambda: Bidirectional(GRU(2), returns="state"), ValueError, "Bidirectional: returns must be one of 'last', 'all', got 'state'"),
    ],
)
def test_what_can_not_be_made_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_inputs_that_do_not_fit_are_refused():
    layer, key, x = Recurrent(LSTM(2)), jax.random.key(0), jnp.ones((3, 4, 1))
    with pytest.raises(ValueError, match=r"Recurrent: x must be of shape \(batch, time, features\), got shape \(3, 4\). A single series"):
        layer.init(key, x[..., 0])
    with pytest.raises(ValueError, match=r"x must be of shape \(batch, time, features\), got shape \(3, 0, 1\)"):
        layer.init(key, x[:, :0])
    with pytest.raises(TypeError, match="Recurrent: x must be a floating-point array, got dtype int32"):
        layer.init(key, x.astype(jnp.int32))
    with pytest.raises(ValueError, match=r"Recurrent: x.lengths must be whole numbers of shape \(3,\), got int32 of shape \(2,\)"):
        layer.init(key, Sequences(x, jnp.ones(2, jnp.int32)))
    params = layer.init(key, x)
    with pytest.raises(ValueError, match="LSTM: x must be of 1 features a step, as its parameters are, got 5 features a step"):
        layer.apply(params, jnp.ones((3, 4, 5)))
    with pytest.raises(ValueError, match=r"Recurrent: x.state must be a state of its cell, \('float32\[3, 2\]', 'float32\[3, 2\]'\), got"):
        layer.apply(params, Sequences(x, None, jnp.ones((3, 2))))
