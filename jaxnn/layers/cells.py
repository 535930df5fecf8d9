r"""Cells: one step of a recurrence with its backward step by hand; ``Recurrent`` takes a cell through time.

Symbols: :math:`x` what is read at a step, :math:`h` the output of the step before, :math:`W` = ``kernel`` (inputs, gates units),
:math:`U` = ``recurrent_kernel`` (units, gates units), ``bias``; :math:`b = x W + bias` the part of the weighted input that does not
wait for the step before; :math:`*` element by element. The rules are derived in docs/derivations/recurrent.md, lstm.md and gru.md.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jaxnn.checks import check_whole, sentence
from jaxnn.layers.activation import Activation, Tanh, activation
from jaxnn.records import Record, number, static
from jaxnn.typing import Key, Params


class Cell(Record, ABC):
    """One step of a recurrence. Write ``step`` and ``step_backward``, and you have a cell of your own.

    The state is an array (batch, units) or a pytree of such; its first array is the output of the step. What the methods here do
    suits every cell in which the state before meets one matrix, U, in one product: ``gates`` says of how many blocks of ``units``
    columns it is made. A cell of another kind overrides ``init``, ``initial``, ``project`` and ``gradients`` as it needs.
    Raises ValueError for units < 1.
    """

    units: int = static()
    gates: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_whole(type(self).__name__, "units", self.units, low=1)

    def init(self, key: Key, inputs: int, dtype: Any) -> Params:
        """W by Glorot's uniform draw, U orthogonal, each gate as a matrix of its own; bias 0."""
        kernel_key, recurrent_key = jax.random.split(key)
        kernel = jax.nn.initializers.glorot_uniform(batch_axis=0)(kernel_key, (self.gates, inputs, self.units), dtype)
        recurrent_kernel = _orthogonal(recurrent_key, self.gates, self.units, dtype)
        bias = jnp.zeros(self.gates * self.units, dtype)
        return {"kernel": _side_by_side(kernel), "recurrent_kernel": _side_by_side(recurrent_kernel), "bias": bias}

    def initial(self, batch: int, dtype: Any) -> Any:
        """The state before the first step: zeros."""
        return jnp.zeros((batch, self.units), dtype)

    def project(self, params: Params, x: jax.Array) -> Any:
        """b = x W + bias, for which no step has to wait: x (time, batch, inputs), or (batch, inputs) of one step."""
        inputs = params["kernel"].shape[0]
        if x.shape[-1] != inputs:
            got = f"{x.shape[-1]} features a step"
            raise ValueError(sentence(type(self).__name__, "x", f"of {inputs} features a step, as its parameters are", got))
        return x @ params["kernel"] + params["bias"]

    @abstractmethod
    def step(self, params: Params, b: Any, state: Any) -> tuple[Any, Any]:
        """The state after a step, and what the backward step needs of it besides the state before."""

    @abstractmethod
    def step_backward(self, params: Params, state: Any, kept: Any, dstate: Any) -> tuple[Any, Any]:
        """The errors of the step, dJ/db, and the cotangent of the state before, from that of the state after.

        state: that before the step; kept: what ``step`` kept.
        """

    def gradients(self, params: Params, x: jax.Array, states: Any, errors: Any) -> tuple[Params, jax.Array]:
        """(dparams, dx) from the errors of all steps: one product for each matrix. states: those before the steps."""
        read, before, delta = (_rows(array) for array in (x, jax.tree.leaves(states)[0], errors))
        dparams = {"kernel": read.T @ delta, "recurrent_kernel": before.T @ delta, "bias": delta.sum(axis=0)}
        return dparams, errors @ params["kernel"].T


class SimpleRNN(Cell):
    r"""The recurrent unit of Elman (1990): :math:`h' = \sigma(b + h U)`. Derived in docs/derivations/recurrent.md.

    Shapes: b, h (batch, units). Rule: :math:`\delta = \sigma'(b + h U) * dh'`, :math:`dh = \delta U^T`. ``activation``: a name or an
    ``Activation``. Raises ValueError for an unknown name.

    >>> import jax.numpy as jnp
    >>> cell = SimpleRNN(1)
    >>> params = {"kernel": jnp.ones((1, 1)), "recurrent_kernel": jnp.ones((1, 1)), "bias": jnp.zeros(1)}
    >>> round(float(cell.step(params, jnp.array([[0.5]]), jnp.array([[0.5]]))[0][0, 0]), 4)  # tanh(1)
    0.7616
    """

    activation: Activation | str = Tanh()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "activation", activation(self.activation))

    def step(self, params: Params, b: Any, state: Any) -> tuple[Any, Any]:
        b = b + state @ params["recurrent_kernel"]
        h = activation(self.activation).value(b)
        return h, (b, h)

    def step_backward(self, params: Params, state: Any, kept: Any, dstate: Any) -> tuple[Any, Any]:
        delta = dstate * activation(self.activation).derivative(*kept)
        return delta, delta @ params["recurrent_kernel"].T


class LSTM(Cell):
    r"""Long short-term memory: a sum c that gates write to, keep and read, so that errors last over many steps.

    .. math:: i, f, o = \operatorname{sigmoid}(b_{i,f,o} + h U_{i,f,o}),\ g = \tanh(b_g + h U_g),\ c' = f * c + i * g,\ h' = o * \tanh c'

    Shapes: state (h, c), (batch, units) each; columns of W, U and bias in the order i, f, g, o. ``forget_bias`` is what the bias of
    f begins with. The rule is derived in docs/derivations/lstm.md. Sources: Hochreiter and Schmidhuber 1997 with the forget gate of
    Gers et al. 2000, no peepholes; forget bias 1: Jozefowicz et al. 2015.

    >>> import jax, jax.numpy as jnp
    >>> LSTM(3).init(jax.random.key(0), 2, jnp.float32)["bias"].tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """

    forget_bias: float = number(default=1.0)
    gates: ClassVar[int] = 4

    def init(self, key: Key, inputs: int, dtype: Any) -> Params:
        params = super().init(key, inputs, dtype)
        return params | {"bias": params["bias"].at[self.units : 2 * self.units].set(jnp.asarray(self.forget_bias, dtype))}

    def initial(self, batch: int, dtype: Any) -> Any:
        return super().initial(batch, dtype), super().initial(batch, dtype)

    def step(self, params: Params, b: Any, state: Any) -> tuple[Any, Any]:
        h, c = state
        b_i, b_f, b_g, b_o = jnp.split(b + h @ params["recurrent_kernel"], 4, axis=-1)
        i, f, g, o = jax.nn.sigmoid(b_i), jax.nn.sigmoid(b_f), jnp.tanh(b_g), jax.nn.sigmoid(b_o)
        c = f * c + i * g
        return (o * jnp.tanh(c), c), (i, f, g, o)

    def step_backward(self, params: Params, state: Any, kept: Any, dstate: Any) -> tuple[Any, Any]:
        (_, c), (i, f, g, o), (dh, dc) = state, kept, dstate
        read = jnp.tanh(f * c + i * g)  # made again, for that is sooner done than written and read
        dc = dc + dh * o * (1 - read * read)
        errors = (dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g), dh * read * o * (1 - o))
        delta = jnp.concatenate(errors, axis=-1)
        return delta, (delta @ params["recurrent_kernel"].T, dc * f)


class GRU(Cell):
    r"""Gated recurrent unit: one gate mixes the old state with a new one, another says how much of the old the new one sees.

    .. math:: r, z = \operatorname{sigmoid}(b_{r,z} + h U_{r,z}),\ n = \tanh(b_n + r * (h U_n + a)),\ h' = (1 - z) * n + z * h

    The variant in which r acts after the product with U ("reset after": PyTorch's, and Keras's by default), so that a step has one
    product; Cho et al. 2014 have (r * h) U. Columns of W and U in the order r, z, n; bias (4 units,): r, z, n and a. The rule is
    derived in docs/derivations/gru.md.

    >>> import jax, jax.numpy as jnp
    >>> {name: leaf.shape for name, leaf in GRU(3).init(jax.random.key(0), 2, jnp.float32).items()}
    {'kernel': (2, 9), 'recurrent_kernel': (3, 9), 'bias': (12,)}
    """

    gates: ClassVar[int] = 3

    def init(self, key: Key, inputs: int, dtype: Any) -> Params:
        return super().init(key, inputs, dtype) | {"bias": jnp.zeros(4 * self.units, dtype)}

    def project(self, params: Params, x: jax.Array) -> Any:
        return super().project(params | {"bias": params["bias"][: 3 * self.units]}, x)

    def step(self, params: Params, b: Any, state: Any) -> tuple[Any, Any]:
        b_r, b_z, b_n = jnp.split(b, 3, axis=-1)
        p_r, p_z, p_n = jnp.split(state @ params["recurrent_kernel"], 3, axis=-1)
        p_n = p_n + params["bias"][3 * self.units :]
        r, z = jax.nn.sigmoid(b_r + p_r), jax.nn.sigmoid(b_z + p_z)
        n = jnp.tanh(b_n + r * p_n)
        return (1 - z) * n + z * state, (r, z, n, p_n)

    def step_backward(self, params: Params, state: Any, kept: Any, dstate: Any) -> tuple[Any, Any]:
        r, z, n, p_n = kept
        delta_n = dstate * (1 - z) * (1 - n * n)
        delta_r, delta_z = delta_n * p_n * r * (1 - r), dstate * (state - n) * z * (1 - z)
        of_state = jnp.concatenate([delta_r, delta_z, delta_n * r], axis=-1)
        return (of_state, delta_n), dstate * z + of_state @ params["recurrent_kernel"].T

    def gradients(self, params: Params, x: jax.Array, states: Any, errors: Any) -> tuple[Params, jax.Array]:
        of_state, delta_n = errors
        of_input = jnp.concatenate([of_state[..., : 2 * self.units], delta_n], axis=-1)
        of_bias = [_rows(of_input).sum(axis=0), _rows(of_state[..., 2 * self.units :]).sum(axis=0)]
        dparams = {
            "kernel": _rows(x).T @ _rows(of_input),
            "recurrent_kernel": _rows(states).T @ _rows(of_state),
            "bias": jnp.concatenate(of_bias),
        }
        return dparams, of_input @ params["kernel"].T


def _orthogonal(key: Key, gates: int, units: int, dtype: Any) -> jax.Array:
    """A matrix for each gate, uniform among the orthogonal ones: the product of reflections that a normal matrix is triangulated by,
    with the signs that make the triangle's diagonal positive (Stewart 1980).

    Not by ``jnp.linalg.qr``: on several matrices it waits, inside XLA's pool of threads, for threads of that pool, and two members of
    a population that begin together wait for each other for good (JAX 0.10.2 on CPU; tests/test_populations.py).
    """
    wide = dtype if jnp.finfo(dtype).bits >= 32 else jnp.float32  # the reflections of half precision would not be orthogonal
    draws, rows = jax.random.normal(key, (gates, units, units), wide), jnp.arange(units, dtype=jnp.int32)

    def reflect(q: jax.Array, scanned: Any) -> tuple[jax.Array, jax.Array]:
        column, number = scanned
        v = jnp.where(rows >= number, column, 0)
        sign = jnp.where(v[:, number] < 0, -1, 1).astype(wide)
        u = v.at[:, number].add(sign * jnp.linalg.norm(v, axis=1))
        turned = jnp.einsum("gij,gj->gi", q, u)
        return q - 2 * turned[:, :, None] * (u / jnp.square(u).sum(axis=1, keepdims=True))[:, None, :], -sign

    q, signs = jax.lax.scan(reflect, jnp.broadcast_to(jnp.eye(units, dtype=wide), draws.shape), (draws.transpose(2, 0, 1), rows))
    return (q * signs.T[:, None, :]).astype(dtype)


def _side_by_side(matrices: jax.Array) -> jax.Array:
    return jnp.concatenate(list(matrices), axis=-1)


def _rows(array: jax.Array) -> jax.Array:
    return array.reshape(-1, array.shape[-1])
