"""Layers inside layers: which they are, and what is seen of them."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.layers import Chain, Dense, Dropout, Layer, ReLU
from jaxnn.layers.base import add_cotangents, children
from jaxnn.records import static
from jaxnn.watching import watched
from tests.tolerances import assert_same_bits, draw


class Both(Layer):
    """A user's combinator: the sum of what two layers make of x, the second one any number of times."""

    first: Layer
    others: tuple[Layer, ...]
    times: int = static(default=1)

    def init(self, key: Any, x: Any) -> Any:
        return self.first.init(key, x), [layer.init(key, x) for layer in self.others]

    def forward(self, params: Any, x: Any, key: Any = None) -> tuple[Any, Any]:
        first, others = params
        y, kept = self.first.forward(first, x, key)
        results = [layer.forward(params, x, key) for layer, params in zip(self.others, others, strict=True) for _ in range(self.times)]
        return sum((y for y, _ in results), y), (kept, [kept for _, kept in results])

    def backward(self, params: Any, residuals: Any, dy: Any) -> tuple[Any, Any]:
        dfirst, dx = self.first.backward(params[0], residuals[0], dy)
        assert self.times == 1
        dothers = []
        for layer, layer_params, kept in zip(self.others, params[1], residuals[1], strict=True):
            dlayer, more = layer.backward(layer_params, kept, dy)
            dothers, dx = [*dothers, dlayer], add_cotangents(dx, more)
        return (dfirst, dothers), dx


class Loop(Layer):
    """A user's combinator: one layer's rule over and over, under scan."""

    block: Layer
    times: int = static()

    def init(self, key: Any, x: Any) -> Any:
        return self.block.init(key, x)

    def forward(self, params: Any, x: Any, key: Any = None) -> tuple[Any, Any]:
        return jax.lax.scan(lambda x, _: self.block.forward(params, x), x, length=self.times)

    def backward(self, params: Any, residuals: Any, dy: Any) -> tuple[Any, Any]:
        raise NotImplementedError


class Aside(Layer):
    """Holds a layer and never calls it."""

    held: Layer

    def forward(self, params: Any, x: Any, key: Any = None) -> tuple[Any, Any]:
        return x, None

    def backward(self, params: Any, residuals: Any, dy: Any) -> tuple[Any, Any]:
        return (), dy


NETWORK = Chain((Dense(4), Both(ReLU(), (Dense(4), Chain((Dense(4), Dropout(0.5))))), Dense(2)))


def seen(layer: Layer, x: jax.Array, key: Any = None) -> dict[str, Any]:
    calls: dict[str, Any] = {}
    params = layer.init(jax.random.key(0), x)
    y = watched(layer, lambda path, layer, call: calls.setdefault(path, (layer, call))).apply(params, x, key)
    assert_same_bits(y, layer.apply(params, x, key))
    return calls


def test_children_are_the_fields_that_are_layers_and_tuples_of_them() -> None:
    assert list(children(NETWORK.layers[1])) == ["first", "others[0]", "others[1]"]
    assert children(Dense(2)) == {} == children(Chain(()))


def test_every_layer_is_seen_under_the_code_that_reads_it() -> None:
    calls = seen(NETWORK, draw((3, 5)), jax.random.key(1))
    inner = ["layers[1].others[1].layers[0]", "layers[1].others[1].layers[1]", "layers[1].others[1]"]
    assert list(calls) == ["layers[0]", "layers[1].first", "layers[1].others[0]", *inner, "layers[1]", "layers[2]", ""]
    for path, (layer, _) in calls.items():
        assert layer == (eval(f"NETWORK.{path}") if path else NETWORK)


def test_what_is_seen_is_what_was_computed() -> None:
    for layer, call in seen(NETWORK, draw((3, 5))).values():
        assert_same_bits(layer.apply(call.params, call.x), call.y)


def test_watching_leaves_the_layer_as_it_was() -> None:
    before = repr(NETWORK)
    twin = watched(NETWORK, lambda *_: None)
    assert twin == NETWORK and repr(twin) == repr(NETWORK) == before
    assert "apply" not in vars(NETWORK) and "apply" not in vars(NETWORK.layers[0])
    assert "apply" not in vars(jax.tree.map(lambda number: number, twin))


def test_one_step_of_a_loop_is_seen_and_what_is_not_called_is_not() -> None:
    calls = seen(Chain((Dense(3), Loop(Dense(3), 5), Aside(Dense(7)))), jnp.ones((2, 3)))
    assert list(calls) == ["layers[0]", "layers[1].block", "layers[1]", "layers[2]", ""]


def test_a_call_that_fails_leaves_the_watch_working() -> None:
    calls: list[str] = []
    twin = watched(Dense(3), lambda path, layer, call: calls.append(path))
    params = twin.init(jax.random.key(0), jnp.ones((2, 4)))
    for width in (5, 4):
        try:
            twin.apply(params, jnp.ones((2, width)))
        except ValueError:
            assert width == 5
    assert calls == [""]
