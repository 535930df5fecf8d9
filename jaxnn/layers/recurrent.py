r"""Layers over time: a cell taken through a sequence; docs/derivations/recurrent.md derives the rule.

Inputs are arrays (batch, time, features) or ``Sequences(values, lengths, state)``: lengths (batch,) say how many steps each row has,
state is what the recurrence begins with. Inside time comes first. What does not wait for the step before is one matrix product over
all steps: the inputs' before the scan, those of the weights' gradients after the scan backwards, which gives errors only.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxnn.checks import check_whole, sentence
from jaxnn.layers.base import Layer, check_array, check_floating
from jaxnn.layers.cells import Cell
from jaxnn.layers.sequences import as_sequences, cotangent_of, values_of
from jaxnn.records import static
from jaxnn.typing import Key, Params, Sequences

Returns = Literal["last", "all", "state", "all and state"]
RETURNS = ("last", "all", "state", "all and state")


class Recurrent(Layer):
    r"""A cell taken through time: state'[t], kept = step(x[t], state[t]), its output y[t] the first array of state'[t].

    Shapes: x (batch, time, features) or Sequences; y by ``returns``: "last" (batch, units), the output at a row's own last step;
    "all" (batch, time, units), as Sequences(y, lengths) where x had lengths; "state" the final state, a pytree; "all and state"
    Sequences(y, lengths, state). After a row's last step its state holds still. ``reverse``: each row from its own last step to its
    first; y keeps the order of x, and "last" is the output at step 0. A stack is a ``Chain`` of layers that return all.

    Rule: errors go back through the steps, :math:`\delta[t]` from :math:`dy[t] + dstate[t + 1]`; then
    :math:`dW = \sum_t x[t]^T \delta[t]`, :math:`dU = \sum_t h[t]^T \delta[t]`; derived in docs/derivations/recurrent.md.
    ``truncate`` = k: the state is passed on, but after every k steps of a row no error crosses (truncated backpropagation through
    time, Williams and Peng 1990, in chunks); None: errors go all the way.

    Raises ValueError for other words, k < 1, wrong shapes; TypeError for a cell that is none, or inputs that are not floating point.

    >>> import jax, jax.numpy as jnp
    >>> from jaxnn.layers.cells import LSTM
    >>> layer, x = Recurrent(LSTM(3), returns="all"), jnp.ones((5, 7, 2))
    >>> params = layer.init(jax.random.key(0), x)
    >>> layer.apply(params, x).shape, params["recurrent_kernel"].shape
    ((5, 7, 3), (3, 12))
    """

    cell: Cell
    returns: Returns = static(default="last")
    reverse: bool = static(default=False)
    truncate: int | None = static(default=None)

    def __post_init__(self) -> None:
        check_recurrence("Recurrent", self.cell, self.returns, RETURNS)
        if self.truncate is not None:
            check_whole("Recurrent", "truncate", self.truncate, low=1)

    def init(self, key: Key, x: Any) -> Params:
        values = values_of(x)
        _check_sequences(as_sequences(x))
        return self.cell.init(key, values.shape[-1], values.dtype)

    def apply(self, params: Params, x: Any, key: Key | None = None) -> Any:
        values, lengths, state = self._begin(x)
        read, project = self._project(params, values)

        def step(state: Any, scanned: Any) -> tuple[Any, Any]:
            read, marks = scanned
            state = marks.cut(state)
            state = marks.hold(self.cell.step(params, project(read), state)[0], state)
            return state, _output(state) if "all" in self.returns else None

        scanned = (read, self._marks(values, lengths))
        return self._finish(*lax.scan(step, state, scanned, reverse=self.reverse), lengths)

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        values, lengths, state = self._begin(x)
        read, project = self._project(params, values)

        def step(state: Any, scanned: Any) -> tuple[Any, Any]:
            read, marks = scanned
            state = marks.cut(state)
            after, kept = self.cell.step(params, project(read), state)
            after = marks.hold(after, state)
            return after, (state, kept, _output(after) if "all" in self.returns else None)

        scanned = (read, self._marks(values, lengths))
        state, (states, kept, outputs) = lax.scan(step, state, scanned, reverse=self.reverse)
        return self._finish(state, outputs, lengths), (x, states, kept)

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        x, states, kept = residuals
        values, lengths, _ = self._begin(x)
        dstate, doutputs = self._begin_backward(states, dy)

        def step(dstate: Any, scanned: Any) -> tuple[Any, Any]:
            state, kept, marks, doutput = scanned
            dstate = _add_to_output(dstate, doutput)
            errors, dbefore = self.cell.step_backward(params, state, kept, marks.moved(dstate))
            return marks.cut_backward(marks.hold_backward(dbefore, dstate)), errors

        scanned = (states, kept, self._marks(values, lengths), doutputs)
        dstate, errors = lax.scan(step, dstate, scanned, reverse=not self.reverse)
        dparams, dvalues = self.cell.gradients(params, values, states, errors)
        return dparams, cotangent_of(x, dvalues.swapaxes(0, 1), dstate)

    def _begin(self, x: Any) -> tuple[jax.Array, Any, Any]:
        """Values with time first, lengths, and the state to begin with."""
        values, lengths, state = as_sequences(x)
        zeros = self.cell.initial(values.shape[0], values.dtype)
        if state is not None:
            _check_state(state, zeros)
        return values.swapaxes(0, 1), lengths, zeros if state is None else state

    def _project(self, params: Params, values: jax.Array) -> tuple[Any, Callable[[Any], Any]]:
        """What is read at each step, and what makes b of it. One product for all steps, but not of one feature: there b is a
        multiple of one row, sooner made at each step than kept for all (measured: a tenth of autodiff's time, 3 % by hand)."""
        if values.shape[-1] == 1:
            return values, lambda x: self.cell.project(params, x)
        return self.cell.project(params, values), lambda b: b

    def _marks(self, values: jax.Array, lengths: Any) -> "_Marks":
        """What is special at each step: own is its number among the row's own, in the order in which they are taken."""
        if lengths is None and self.truncate is None:
            return _Marks()
        steps = jnp.arange(values.shape[0], dtype=jnp.int32)
        total = values.shape[0] if lengths is None else lengths.astype(jnp.int32)
        own = steps if lengths is None else steps[:, None]
        own = total - 1 - own if self.reverse else own
        valid = None if lengths is None else (own >= 0) & (own < total)
        if self.truncate is None:
            return _Marks(valid)
        border = (own > 0) & (own % self.truncate == 0)
        return _Marks(valid, border if valid is None else border & valid)

    def _finish(self, state: Any, outputs: Any, lengths: Any) -> Any:
        if self.returns == "last":
            return _output(state)
        if self.returns == "state":
            return state
        outputs = outputs.swapaxes(0, 1)
        if self.returns == "all and state":
            return Sequences(outputs, lengths, state)
        return outputs if lengths is None else Sequences(outputs, lengths)

    def _begin_backward(self, states: Any, dy: Any) -> tuple[Any, Any]:
        """Cotangents of the final state and of all outputs, time first, or None where those were not asked for."""
        if self.returns == "state":
            return dy, None
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape[1:], leaf.dtype), states)
        if self.returns == "last":
            return _add_to_output(zeros, dy), None
        doutputs = values_of(dy).swapaxes(0, 1)
        return dy.state if self.returns == "all and state" else zeros, doutputs


class _Marks(NamedTuple):
    """Of each step which rows move (None: all) and which have a border before it (None: none)."""

    moving: Any = None
    border: Any = None

    def hold(self, after: Any, before: Any) -> Any:
        """The state after, but where a row is over: there the one before."""
        return after if self.moving is None else _where(self.moving, after, before)

    def moved(self, dafter: Any) -> Any:
        """The part of the cotangent that goes through the step ..."""
        return dafter if self.moving is None else _where(self.moving, dafter, _zeros(dafter))

    def hold_backward(self, dbefore: Any, dafter: Any) -> Any:
        """... and the rest, which goes past it."""
        return dbefore if self.moving is None else _where(self.moving, dbefore, dafter)

    def cut(self, state: Any) -> Any:
        """The state handed on, from which no error comes back across a border."""
        return state if self.border is None else _where(self.border, lax.stop_gradient(state), state)

    def cut_backward(self, dstate: Any) -> Any:
        return dstate if self.border is None else _where(self.border, _zeros(dstate), dstate)


def _where(mark: jax.Array, chosen: Any, other: Any) -> Any:
    def choose(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.where(mark.reshape(mark.shape + (1,) * (a.ndim - mark.ndim)), a, b)

    return jax.tree.map(choose, chosen, other)


def _zeros(tree: Any) -> Any:
    return jax.tree.map(jnp.zeros_like, tree)


def _output(state: Any) -> Any:
    return jax.tree.leaves(state)[0]


def _add_to_output(dstate: Any, doutput: Any) -> Any:
    if doutput is None:
        return dstate
    (first, *others), structure = jax.tree.flatten(dstate)
    return jax.tree.unflatten(structure, [first + doutput, *others])


def check_recurrence(where: str, cell: Any, returns: str, choices: tuple[str, ...]) -> None:
    """Refuses what is no cell, and other words for what is returned."""
    if not isinstance(cell, Cell):
        raise TypeError(sentence(where, "cell", "a Cell", repr(cell), "Write LSTM(32), GRU(32) or SimpleRNN(32)."))
    if returns not in choices:
        raise ValueError(sentence(where, "returns", "one of " + ", ".join(map(repr, choices)), repr(returns)))


def _check_sequences(x: Sequences) -> None:
    values, lengths, _ = x
    check_array("Recurrent", values)
    if len(values.shape) != 3 or 0 in values.shape:
        advice = "A single series needs its feature axis, x[..., None], a single row its batch axis, x[None]."
        raise ValueError(sentence("Recurrent", "x", "of shape (batch, time, features)", f"shape {values.shape}", advice))
    check_floating("Recurrent", values)
    if lengths is not None and (lengths.shape != values.shape[:1] or not jnp.issubdtype(lengths.dtype, jnp.integer)):
        got = f"{lengths.dtype} of shape {lengths.shape}"
        raise ValueError(sentence("Recurrent", "x.lengths", f"whole numbers of shape {values.shape[:1]}", got))


def _check_state(given: Any, zeros: Any) -> None:
    expected, got = (jax.tree.map(lambda leaf: f"{leaf.dtype}{list(leaf.shape)}", tree) for tree in (zeros, given))
    if expected != got:
        raise ValueError(sentence("Recurrent", "x.state", f"a state of its cell, {expected}", f"{got}"))
