"""Combinators: layers made of layers. Beside them stand branches.py and repeat.py."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.layers.base import Layer, add_cotangents
from jaxnn.layers.sequences import cotangent_of, values_of, with_lengths_of
from jaxnn.typing import Key, Params, Sequences


class Chain(Layer):
    """Layers one after the other: y = f_n(... f_2(f_1(x))). Its parameters are the tuple of its layers' parameters.

    Rule: the chain rule itself. The error dy passes backwards through the layers, each adding its own dparams on the way:
    the lecture's delta recursion, derived in docs/derivations/chain.md.
    """

    layers: tuple[Layer, ...]

    def init(self, key: Key, x: Any) -> Params:
        check_layers("Chain", self.layers, "Chain((Dense(8), ReLU()))")
        params = []
        for layer, layer_key in zip(self.layers, jax.random.split(key, len(self.layers)), strict=True):
            params.append(layer.init(layer_key, x))
            x = jax.eval_shape(layer.apply, params[-1], x)
        return tuple(params)

    def apply(self, params: Params, x: jax.Array, key: Key | None = None) -> jax.Array:
        for layer, layer_params, layer_key in zip(self.layers, params, layer_keys(key, self.layers), strict=True):
            x = layer.apply(layer_params, x, layer_key)
        return x

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        residuals = []
        for layer, layer_params, layer_key in zip(self.layers, params, layer_keys(key, self.layers), strict=True):
            x, kept = layer.forward(layer_params, x, layer_key)
            residuals.append(kept)
        return x, tuple(residuals)

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        dparams = []
        for layer, layer_params, kept in zip(self.layers[::-1], params[::-1], residuals[::-1], strict=True):
            dlayer, dy = layer.backward(layer_params, kept, dy)
            dparams.append(dlayer)
        return tuple(dparams[::-1]), dy


class Residual(Layer):
    """A layer and a way round it: y = shortcut(x) + layer(x), the shortcut x itself unless a layer is given.

    Shapes: both ways give y, so without a shortcut y is as x. Parameters: those of the layer and of the shortcut, a pair.
    Rule: the error takes both ways, dx = dx of the shortcut + dx of the layer, and by the identity it arrives whole; derived in
    docs/derivations/combinators.md. Source: He et al. 2016. Raises ValueError where the two ways differ in shape or dtype.

    >>> import jax, jax.numpy as jnp
    >>> from jaxnn.layers import ReLU
    >>> Residual(ReLU()).apply(((), ()), jnp.array([[-1.0, 2.0]])).tolist()
    [[-1.0, 4.0]]
    """

    layer: Layer
    shortcut: Layer | None = None

    @property
    def _ways(self) -> tuple[Layer, ...]:
        return (self.layer,) if self.shortcut is None else (self.layer, self.shortcut)

    def init(self, key: Key, x: Any) -> Params:
        check_layers("Residual", self._ways, "Residual(Dense(8)), or Residual(layer, shortcut)", argument="layer and shortcut")
        params = [layer.init(way, x) for layer, way in zip(self._ways, jax.random.split(key, len(self._ways)), strict=True)]
        shapes = [jax.eval_shape(layer.apply, way, x) for layer, way in zip(self._ways, params, strict=True)]
        expected = shapes[1] if self.shortcut is not None else x
        if describe(shapes[0]) != describe(expected):
            advice = "Give a shortcut that changes x alike: Residual(layer, Dense(features)), or a Conv of the layer's stride."
            raise ValueError(
                sentence("Residual", "the layer's output", f"{describe(expected)}, as its shortcut's", describe(shapes[0]), advice)
            )
        return params[0], params[1] if self.shortcut is not None else ()

    def apply(self, params: Params, x: jax.Array, key: Key | None = None) -> jax.Array:
        keys = layer_keys(key, self._ways)
        passed = x if self.shortcut is None else self.shortcut.apply(params[1], x, keys[1])
        return _sum(passed, self.layer.apply(params[0], x, keys[0]))

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        keys = layer_keys(key, self._ways)
        passed, kept = (x, None) if self.shortcut is None else self.shortcut.forward(params[1], x, keys[1])
        y, residuals = self.layer.forward(params[0], x, keys[0])
        return _sum(passed, y), (residuals, kept)

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        dlayer, dx = self.layer.backward(params[0], residuals[0], dy)
        dshortcut, passed = ((), dy) if self.shortcut is None else self.shortcut.backward(params[1], residuals[1], dy)
        return (dlayer, dshortcut), add_cotangents(passed, dx)


class Timewise(Layer):
    """A layer that knows nothing of lengths, applied to every step of ``Sequences``: y = layer(x.values), its lengths handed on.

    Shapes: as the layer's; a plain array goes through as if the layer stood alone, and comes out plain. What the layer makes of steps
    beyond a sequence's end is as meaningless as they were. Rule: the layer's own; lengths are whole numbers and have no derivative.
    """

    layer: Layer

    def init(self, key: Key, x: Any) -> Params:
        check_layers("Timewise", (self.layer,), "Timewise(Dense(8))", argument="layer")
        return self.layer.init(key, values_of(x))

    def apply(self, params: Params, x: Any, key: Key | None = None) -> Any:
        return with_lengths_of(x, self.layer.apply(params, values_of(x), key))

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        y, residuals = self.layer.forward(params, values_of(x), key)
        return with_lengths_of(x, y), (residuals, x._replace(values=None) if isinstance(x, Sequences) else None)

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        kept, given = residuals
        dparams, dvalues = self.layer.backward(params, kept, values_of(dy))
        return dparams, cotangent_of(given, dvalues)


def layer_keys(key: Key | None, layers: Sequence[Layer]) -> list[Key | None]:
    """A key of its own for each layer that draws; none is derived where none does."""
    if key is None or not any(layer.draws for layer in layers):
        return [None] * len(layers)
    return [own if layer.draws else None for layer, own in zip(layers, jax.random.split(key, len(layers)), strict=True)]


def check_layers(where: str, layers: Any, example: str, *, argument: str = "layers") -> None:
    """Refuses anything but a tuple of layers, by name."""
    if not isinstance(layers, tuple) or not layers or not all(isinstance(layer, Layer) for layer in layers):
        names = [type(layer).__name__ for layer in layers] if isinstance(layers, tuple | list) else layers
        expected = "a tuple of at least one Layer" if argument == "layers" else "of type Layer"
        raise TypeError(sentence(where, argument, expected, names, f"Write {example}."))


def describe(tree: Any) -> str:
    """Shapes and dtypes in words, for sentences.

    >>> describe(jax.ShapeDtypeStruct((2, 3), "float32"))
    'float32 of shape (2, 3)'
    """
    words = jax.tree.map(lambda leaf: f"{leaf.dtype} of shape {leaf.shape}", tree)
    return words if isinstance(words, str) else repr(words).replace("'", "")


def _sum(first: Any, second: Any) -> Any:
    """The sum of two outputs; of whole numbers, which are lengths, the first."""
    return jax.tree.map(lambda a, b: a + b if jnp.issubdtype(a.dtype, jnp.floating) else a, first, second)
