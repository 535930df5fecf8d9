"""Layers side by side: of one input, or of one input each."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.layers.base import Layer, add_cotangents
from jaxnn.layers.combine import check_layers, layer_keys
from jaxnn.records import Record, static
from jaxnn.typing import Key, Params


class Concat(Layer):
    """Several layers look at the same x, and their outputs are joined on the last axis: y = [f_1(x), f_2(x), ...].

    Shapes: x as the layers want it, y (batch, ..., sum of the layers' features). Parameters: the tuple of the layers' own.
    Rule: each layer gets its part of dy, and the dx of all are added up; derived in docs/derivations/combinators.md.
    Raises TypeError without layers, ValueError where outputs are no arrays that differ in their last axis alone.

    >>> import jax.numpy as jnp
    >>> from jaxnn.layers import Identity, ReLU
    >>> Concat((Identity(), ReLU())).apply(((), ()), jnp.array([[-1.0]])).tolist()
    [[-1.0, 0.0]]
    """

    layers: tuple[Layer, ...]

    def init(self, key: Key, x: Any) -> Params:
        check_layers("Concat", self.layers, "Concat((Identity(), Dense(8)))")
        params = tuple(layer.init(own, x) for layer, own in zip(self.layers, jax.random.split(key, len(self.layers)), strict=True))
        outputs = [jax.eval_shape(layer.apply, own, x) for layer, own in zip(self.layers, params, strict=True)]
        alike = {(output.shape[:-1], output.dtype) if hasattr(output, "shape") and output.shape else None for output in outputs}
        if len(alike) > 1 or None in alike:
            got = " and ".join(str(getattr(output, "shape", type(output).__name__)) for output in outputs)
            raise ValueError(sentence("Concat", "the layers' outputs", "arrays of one dtype, alike in all axes but the last", got))
        return params

    def apply(self, params: Params, x: jax.Array, key: Key | None = None) -> jax.Array:
        ways = zip(self.layers, params, layer_keys(key, self.layers), strict=True)
        return jnp.concatenate([layer.apply(own, x, layer_key) for layer, own, layer_key in ways], axis=-1)

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        ways = zip(self.layers, params, layer_keys(key, self.layers), strict=True)
        outputs, residuals = zip(*[layer.forward(own, x, layer_key) for layer, own, layer_key in ways], strict=True)
        return jnp.concatenate(outputs, axis=-1), (residuals, _Widths(tuple(output.shape[-1] for output in outputs)))

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        kept, widths = residuals
        parts = jax.lax.split(dy, widths.features, axis=dy.ndim - 1)
        ways = zip(self.layers, params, kept, parts, strict=True)
        dparams, dx = zip(*[layer.backward(own, kept_, part) for layer, own, kept_, part in ways], strict=True)
        total = dx[0]
        for other in dx[1:]:
            total = add_cotangents(total, other)
        return dparams, total


class Parallel(Layer):
    """Layers side by side, each with an input of its own: y = (f_1(x_1), f_2(x_2), ...).

    Shapes: x a tuple with one part for each layer, y the tuple of the outputs. Parameters: the tuple of the layers' own.
    Rule: each layer's own, part by part. Raises TypeError without layers, ValueError for an x that is no tuple of as many parts.

    >>> import jax.numpy as jnp
    >>> from jaxnn.layers import Identity, ReLU
    >>> [part.tolist() for part in Parallel((Identity(), ReLU())).apply(((), ()), (jnp.array([[-1.0]]), jnp.array([[-2.0]])))]
    [[[-1.0]], [[0.0]]]
    """

    layers: tuple[Layer, ...]

    def init(self, key: Key, x: Any) -> Params:
        check_layers("Parallel", self.layers, "Parallel((Dense(8), Dense(8)))")
        self._check_parts(x)
        keys = jax.random.split(key, len(self.layers))
        return tuple(layer.init(own, part) for layer, own, part in zip(self.layers, keys, x, strict=True))

    def apply(self, params: Params, x: Any, key: Key | None = None) -> Any:
        self._check_parts(x)
        ways = zip(self.layers, params, x, layer_keys(key, self.layers), strict=True)
        return tuple(layer.apply(own, part, layer_key) for layer, own, part, layer_key in ways)

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        self._check_parts(x)
        ways = zip(self.layers, params, x, layer_keys(key, self.layers), strict=True)
        y, residuals = zip(*[layer.forward(own, part, layer_key) for layer, own, part, layer_key in ways], strict=True)
        return y, residuals

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        ways = zip(self.layers, params, residuals, dy, strict=True)
        dparams, dx = zip(*[layer.backward(own, kept, part) for layer, own, kept, part in ways], strict=True)
        return dparams, dx

    def _check_parts(self, x: Any) -> None:
        if type(x) is not tuple or len(x) != len(self.layers):
            got = f"one of {len(x)}" if type(x) is tuple else type(x).__name__
            raise ValueError(sentence("Parallel", "x", f"a tuple of {len(self.layers)} parts, one for each layer", got))


class _Widths(Record):
    """Where the parts of a joined output end: a residual without arrays, for it is known while tracing."""

    features: tuple[int, ...] = static()
