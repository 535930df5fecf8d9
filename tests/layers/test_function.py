"""Function: any JAX function as a layer, in scans and in training."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import Recipe, Regression, fit, from_json, optimizer, to_json
from jaxnn.layers import Chain, Dense, Function, Repeat
from tests.programs import quick_jit
from tests.samples import plane
from tests.tolerances import assert_close, assert_same_bits, draw


def scaled(params, x):
    return jnp.tanh(x) * params["gain"]


def gains(key, x):
    return {"gain": jax.random.normal(key, x.shape[-1:], x.dtype)}


def noisy(x, key):
    return x if key is None else x + jax.random.normal(key, x.shape, x.dtype)


def test_it_is_the_function():
    x, layer = draw((5, 3)), Function(scaled, gains)
    params = layer.init(jax.random.key(0), jax.ShapeDtypeStruct(x.shape, x.dtype))
    assert_same_bits(params, gains(jax.random.key(0), x))
    assert_same_bits(layer.apply(params, x), scaled(params, x))
    assert Function(jnp.sin).init(jax.random.key(0), x) == ()


def test_what_it_keeps_goes_through_a_scan():
    """The residual is a pytree: kept for each step, it comes back in a later program."""
    x, dy = draw((4, 5, 3)), draw((4, 5, 3), seed=1)
    layer = Function(scaled, gains)
    params = layer.init(jax.random.key(0), x[0])
    _, kept = quick_jit(lambda x: jax.lax.scan(lambda _, row: (None, layer.forward(params, row)[1]), None, x))(x)
    _, (dparams, dx) = quick_jit(lambda kept, dy: jax.lax.scan(lambda _, at: (None, layer.backward(params, *at)), None, (kept, dy)))(
        kept, dy
    )
    by_jax = jax.vjp(lambda params, x: scaled(params, x), params, x)[1](dy)
    assert_close((jax.tree.map(lambda leaf: leaf.sum(0), dparams), dx), by_jax, "float32")


def one_or_other(x):
    return jax.lax.cond(x.sum() > 0, lambda x: jnp.cos(x) - 3, lambda x: x * x + 0.4, x)


@pytest.mark.parametrize("inner", [Function(scaled, gains), Function(one_or_other)], ids=["plain", "with branches"])
def test_what_it_keeps_can_be_stacked_where_nothing_is_compiled(inner):
    """As in a loop that runs turn by turn, where each turn may go another way."""
    x, dy, layer = draw((5, 3)) + 1, draw((5, 3), seed=1), Repeat(inner, 3)
    params = layer.init(jax.random.key(0), x)
    with jax.disable_jit():
        y, kept = layer.forward(params, x)
        by_hand = layer.backward(params, kept, dy)
    expected, pull = jax.vjp(layer.apply, params, x)
    assert_close((y, by_hand), (expected, pull(dy)), "float32")


def test_one_that_draws_gets_a_key_in_training_alone():
    x, key = draw((5, 3)), jax.random.key(0)
    assert_same_bits(Function(noisy, draws=True).apply((), x), x)
    assert_same_bits(Function(noisy, draws=True).apply((), x, key), noisy(x, key))
    assert not Function(jnp.sin).draws


def test_both_engines_train_it_alike():
    network = Chain((Function(scaled, gains), Function(noisy, draws=True), Dense(1)))
    recipe = Recipe(Regression(network), optimizer(optax.sgd, learning_rate=0.05), epochs=2, batch_size=8)
    by_jax, by_hand = (fit(recipe.replace(gradients=engine), plane()) for engine in ("autodiff", "backprop"))
    assert_close(by_hand.params, by_jax.params, "float32")
    assert not np.array_equal(by_jax.params[0]["gain"], gains(jax.random.key(0), plane()[0])["gain"])


def test_it_prints_and_is_written_by_name():
    layer = Function(scaled, gains, draws=False)
    assert repr(layer) == "Function(scaled, initializer=gains)" and repr(Function(jax.nn.silu)) == "Function(jax.nn.silu)"
    names = {"scaled": scaled, "gains": gains}
    assert from_json(to_json(layer, names=names), known=names) == layer
    with pytest.raises(ValueError, match=r"to_json: <function scaled .* has no public name .*Hand in names=\{'my_name': it\}"):
        to_json(layer)


@pytest.mark.parametrize(("arguments", "name"), [((3,), "function"), ((None,), "function"), ((jnp.sin, {"a": 1}), "initializer")])
def test_only_functions_are_taken(arguments, name):
    with pytest.raises(TypeError, match=rf"Function: {name} must be a function, got .*Write Function\("):
        Function(*arguments)


def test_a_function_that_can_not_be_hashed_is_refused():
    class Scale:
        __hash__ = None

        def __call__(self, x):
            return 2 * x

    message = r"Function: function must be a function that can be hashed, .* Write a plain function that calls it"
    with pytest.raises(TypeError, match=message):
        Function(Scale())
    with pytest.raises(TypeError, match="Function: initializer must be a function that can be hashed"):
        Function(scaled, Scale())
