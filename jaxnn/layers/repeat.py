"""One layer many times over, as one loop of the compiled program."""

from collections.abc import Callable
from typing import Any

import jax
from jax import lax

from jaxnn.checks import check_whole, sentence
from jaxnn.layers.base import Layer
from jaxnn.layers.combine import check_layers, describe
from jaxnn.records import static
from jaxnn.typing import Key, Params


class Repeat(Layer):
    """The same layer ``times`` times, one after the other, each with parameters of its own: y = f(... f(f(x; p_1); p_2) ...; p_times).

    Shapes: the layer's output is as its input, so y is as x. Parameters: the layer's, each array with a leading axis (times, ...).
    Computes what a Chain of so many does; but as a scan, so that the program, and the time to compile it, is that of one block.
    Rule: a scan backwards over the same blocks, each adding its dparams; derived in docs/derivations/combinators.md.
    Raises ValueError for times < 1 and for a layer whose output is not as its input.

    >>> import jax, jax.numpy as jnp
    >>> from jaxnn.layers import Dense
    >>> Repeat(Dense(3), 20).init(jax.random.key(0), jnp.ones((1, 3)))["kernel"].shape
    (20, 3, 3)
    """

    layer: Layer
    times: int = static()

    def __post_init__(self) -> None:
        check_whole("Repeat", "times", self.times, low=1)

    def init(self, key: Key, x: Any) -> Params:
        check_layers("Repeat", (self.layer,), "Repeat(Residual(Dense(8)), 20)", argument="layer")
        # block by block: LAPACK on several matrices at once waits in XLA's pool (docs/design.md), and initialisers may call it
        params = lax.map(lambda key: self.layer.init(key, x), jax.random.split(key, self.times))
        first = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), params)
        y = jax.eval_shape(self.layer.apply, first, x)
        if describe(y) != describe(x):
            advice = "Put a layer before it that gives x the shape of the output."
            raise ValueError(sentence("Repeat", "the layer's output", f"{describe(x)}, as its input", describe(y), advice))
        return params

    def apply(self, params: Params, x: Any, key: Key | None = None) -> Any:
        def block(x: Any, scanned: Any) -> tuple[Any, None]:
            return self.layer.apply(scanned[0], x, scanned[1]), None

        return lax.scan(block, x, (params, self._keys(key)), length=self.times)[0]

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        def block(x: Any, scanned: Any) -> tuple[Any, Any]:
            return self.layer.forward(scanned[0], x, scanned[1])

        return lax.scan(block, x, (params, self._keys(key)), length=self.times)

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        errors, whole = _moving(dy)

        def block(errors: Any, scanned: Any) -> tuple[Any, Params]:
            layer_params, kept = scanned
            dparams, dx = self.layer.backward(layer_params, kept, whole(errors))
            return _moving(dx)[0], dparams

        errors, dparams = lax.scan(block, errors, (params, residuals), length=self.times, reverse=True)
        return dparams, whole(errors)

    def _keys(self, key: Key | None) -> jax.Array | None:
        return None if key is None or not self.draws else jax.random.split(key, self.times)


def _moving(dy: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The leaves that carry an error, and how to put them back beside those of whole numbers, whose float0 no scan can carry."""
    leaves, structure = jax.tree.flatten(dy)
    moving = [leaf for leaf in leaves if leaf.dtype != jax.dtypes.float0]

    def whole(errors: list[Any]) -> Any:
        rest = iter(errors)
        return jax.tree.unflatten(structure, [leaf if leaf.dtype == jax.dtypes.float0 else next(rest) for leaf in leaves])

    return moving, whole
