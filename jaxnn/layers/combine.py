"""Combinators: layers made of layers."""

from typing import Any

import jax

from jaxnn.checks import sentence
from jaxnn.layers.base import Layer
from jaxnn.typing import Key, Params


class Chain(Layer):
    """Layers one after the other: y = f_n(... f_2(f_1(x))). Its parameters are the tuple of its layers' parameters.

    Rule: the chain rule itself. The error dy passes backwards through the layers, each adding its own dparams on the way:
    the lecture's delta recursion, derived in docs/derivations/chain.md.
    """

    layers: tuple[Layer, ...]

    @property
    def draws(self) -> bool:
        return any(layer.draws for layer in self.layers)

    def init(self, key: Key, x: Any) -> Params:
        _check_layers(self.layers)
        params = []
        for layer, layer_key in zip(self.layers, jax.random.split(key, len(self.layers)), strict=True):
            params.append(layer.init(layer_key, x))
            x = jax.eval_shape(layer.apply, params[-1], x)
        return tuple(params)

    def apply(self, params: Params, x: jax.Array, key: Key | None = None) -> jax.Array:
        for layer, layer_params, layer_key in zip(self.layers, params, _keys(key, len(self.layers)), strict=True):
            x = layer.apply(layer_params, x, layer_key)
        return x

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        residuals = []
        for layer, layer_params, layer_key in zip(self.layers, params, _keys(key, len(self.layers)), strict=True):
            x, kept = layer.forward(layer_params, x, layer_key)
            residuals.append(kept)
        return x, tuple(residuals)

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        dparams = []
        for layer, layer_params, kept in zip(self.layers[::-1], params[::-1], residuals[::-1], strict=True):
            dlayer, dy = layer.backward(layer_params, kept, dy)
            dparams.append(dlayer)
        return tuple(dparams[::-1]), dy


def _keys(key: Key | None, count: int) -> Any:
    return [None] * count if key is None else jax.random.split(key, count)


def _check_layers(layers: Any) -> None:
    if not isinstance(layers, tuple) or not layers or not all(isinstance(layer, Layer) for layer in layers):
        names = [type(layer).__name__ for layer in layers] if isinstance(layers, tuple | list) else layers
        raise TypeError(sentence("Chain", "layers", "a tuple of at least one Layer", names, "Write Chain((Dense(8), ReLU()))."))
