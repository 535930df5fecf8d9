"""Activations against NumPy, SciPy and jax.nn, and at the edges of their domain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from jaxnn import layers, models
from tests.programs import quick_jit
from tests.tolerances import assert_close, assert_finite, precision

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

BY_NUMPY = {
    "identity": lambda b: b,
    "step": lambda b: np.heaviside(b, 1.0),
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "relu": lambda b: np.maximum(b, 0),
    "leaky_relu": lambda b: np.maximum(b, 0.01 * b),
    "elu": lambda b: np.where(b > 0, b, np.expm1(np.minimum(b, 0))),
    "selu": lambda b: SELU_SCALE * np.where(b > 0, b, SELU_ALPHA * np.expm1(np.minimum(b, 0))),
    "gelu": lambda b: b * special.ndtr(b),
    "silu": lambda b: b * special.expit(b),
    "softplus": lambda b: np.logaddexp(b, 0),
}

BY_JAX = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": jax.nn.tanh,
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "gelu": lambda b: jax.nn.gelu(b, approximate=False),
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
}

every_name = pytest.mark.parametrize("name", layers.ACTIVATIONS)


def edges(dtype: str) -> np.ndarray:
    """Zeros, the smallest and largest numbers and some between, both signs."""
    limits = np.finfo(dtype)
    sizes = [0.0, limits.tiny, limits.eps, 1e-3, 1.0, 20.0, 88.0, 750.0, 1e4, 1e30, limits.max / 2]
    return np.array([sign * size for size in sizes for sign in (1, -1)], dtype)


@quick_jit
def value_and_derivatives(layer: layers.Layer, b: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """sigma(b), sigma'(b) by hand and by JAX."""
    value, residuals = layer.forward((), b)
    return value, layer.backward((), residuals, jnp.ones_like(b))[1], jax.grad(lambda b: layer.apply((), b).sum())(b)


def test_every_activation_has_a_reference():
    assert BY_NUMPY.keys() == layers.ACTIVATIONS.keys()


@every_name
def test_values_are_those_of_numpy_and_scipy(name):
    with precision("float64"):
        b = np.linspace(-30, 30, 1201)
        assert np.allclose(layers.activation(name).apply((), jnp.asarray(b)), BY_NUMPY[name](b), rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("name", BY_JAX)
def test_values_and_derivatives_are_those_of_jax_nn(name):
    with precision("float64"):
        b = jnp.linspace(-30, 30, 1200)  # without 0, where conventions part
        layer = layers.activation(name)
        value, derivative, _ = value_and_derivatives(layer, b)
        assert_close((value, derivative), quick_jit(lambda b: (BY_JAX[name](b), jax.vmap(jax.grad(BY_JAX[name]))(b)))(b))


@every_name
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_and_derivatives_are_finite_at_the_edges(name, dtype):
    with precision(dtype):
        layer, b = layers.activation(name), jnp.asarray(edges(dtype))
        value, by_hand, by_jax = value_and_derivatives(layer, b)
        assert_finite((value, by_hand, by_jax))
        rounding = 10 * np.finfo(dtype).eps
        assert np.allclose(by_hand, by_jax, rtol=rounding, atol=rounding)


@every_name
def test_values_keep_their_sign_and_size_at_the_edges(name):
    with precision("float64"):
        b = edges("float64")
        with np.errstate(under="ignore"):
            assert np.allclose(layers.activation(name).apply((), jnp.asarray(b)), BY_NUMPY[name](b), rtol=1e-12, atol=1e-300)


@every_name
def test_zero(name):
    at_zero = float(layers.activation(name).apply((), jnp.zeros(())))
    assert at_zero == pytest.approx({"sigmoid": 0.5, "step": 1.0, "softplus": np.log(2)}.get(name, 0.0))


def test_the_lectures_numbers():
    b = jnp.array([-2.0, 3.0])
    assert layers.LeakyReLU(0.1).apply((), b).tolist() == pytest.approx([-0.2, 3.0])
    assert layers.ELU(0.1).apply((), b).tolist() == pytest.approx([0.1 * np.expm1(-2.0), 3.0])


def test_what_an_activation_wants_initially():
    variance = {"relu": 2 / 64, "elu": 2 / 64, "selu": 1 / 64, "tanh": 1 / 64, "sigmoid": 1 / 64}
    for name, expected in variance.items():
        kernel = quick_jit(models.mlp((64,), 1, activation=name).init)(jax.random.key(0), jnp.ones((1, 64)))[0]["kernel"]
        assert float(kernel.var()) == pytest.approx(expected, rel=0.1), name


def test_names():
    assert layers.activation(layers.ELU(0.1)) == layers.ELU(0.1)
    with pytest.raises(ValueError, match=r"activation: no function is called 'relo'\. Did you mean relu"):
        layers.activation("relo")
    for function in (jax.nn.relu, ["relu"]):
        with pytest.raises(TypeError, match=r"activation: function must be a name or an Activation, got .*Function\(jax\.nn\.mish\)"):
            layers.activation(function)


def test_the_identity_lets_all_through():
    x, dy = jnp.ones((2, 3), int), np.zeros((2, 3), jax.dtypes.float0)
    y, residuals = layers.Identity().forward(layers.Identity().init(jax.random.key(0), x), x)
    assert y is x and layers.Identity().backward((), residuals, dy)[1] is dy
