r"""Activation functions, each with its derivative by hand; docs/derivations/activations.md derives them.

Symbols: b the weighted input, y = sigma(b) the output, both (batch, ...). The backward rule of all of them is
:math:`dx = dy \cdot \sigma'(b)`. Each names the initialiser of ``jax.nn.initializers`` that keeps the variance of what
flows through it: He for the rectifiers (half of the inputs are cut off), LeCun for SELU, Glorot for the symmetric ones.
"""

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jaxnn.checks import nearest, sentence
from jaxnn.layers.base import Layer, check_array, check_floating
from jaxnn.records import number
from jaxnn.typing import Key, Params

he_normal, glorot_uniform, lecun_normal = (
    jax.nn.initializers.he_normal,
    jax.nn.initializers.glorot_uniform,
    jax.nn.initializers.lecun_normal,
)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # fixed points of Klambauer et al. 2017, appendix A.1


class Activation(Layer):
    """An elementwise function without parameters: ``value(b)`` and ``derivative(b, y)``, derived in docs/derivations/activations.md."""

    initializer: ClassVar[Callable[..., Any]] = staticmethod(he_normal)

    @abstractmethod
    def value(self, b: jax.Array) -> jax.Array:
        """sigma(b)."""

    @abstractmethod
    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        """sigma'(b), from b or from y = sigma(b), whichever is cheaper."""

    def init(self, key: Key, x: Any) -> Params:
        check_array(type(self).__name__, x)
        check_floating(type(self).__name__, x)
        return ()

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        y = self.value(x)
        return y, (x, y)

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        return (), dy * self.derivative(*residuals)


class Identity(Activation):
    """y = b: the output of a regression, or a way that changes nothing, for inputs of any kind."""

    initializer = staticmethod(glorot_uniform)

    def init(self, key: Key, x: Any) -> Params:
        return ()

    def value(self, b: jax.Array) -> jax.Array:
        return b

    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.ones_like(b)

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        return (), dy


class Step(Activation):
    """y = 1 where b >= 0, else 0: McCulloch and Pitts's all-or-none (1943). Its derivative is 0, so it can't be trained."""

    initializer = staticmethod(glorot_uniform)

    def value(self, b: jax.Array) -> jax.Array:
        return (b >= 0).astype(b.dtype)

    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.zeros_like(b)


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-b)); y' = y (1 - y), at most 1/4."""

    initializer = staticmethod(glorot_uniform)

    def value(self, b: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(b)

    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        return y * (1 - y)


class Tanh(Activation):
    """y = tanh(b); y' = 1 - y^2."""

    initializer = staticmethod(glorot_uniform)

    def value(self, b: jax.Array) -> jax.Array:
        return jnp.tanh(b)

    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        return 1 - y * y


class ReLU(Activation):
    """y = max(b, 0); y' = 1 where b > 0, else 0 (0 at 0, as ``jax.nn.relu``)."""

    def value(self, b: jax.Array) -> jax.Array:
        return jax.nn.relu(b)

    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        return (b > 0).astype(b.dtype)


class LeakyReLU(Activation):
    """y = b where b >= 0, else slope b; y' = 1 or slope >= 0. The lecture's figure has slope 0.1; the default is jax.nn's 0.01."""

    slope: float = number(low=0, default=0.01)

    def value(self, b: jax.Array) -> jax.Array:
        return jnp.where(b >= 0, b, self.slope * b)

    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.where(b >= 0, jnp.ones_like(b), self.slope)


class ELU(Activation):
    """y = b where b > 0, else alpha (exp(b) - 1); y' = 1 or y + alpha.

    The lecture's figure has alpha 0.1; the default is 1 (Clevert et al. 2015).
    """

    alpha: float = number(low=0, default=1.0)

    def value(self, b: jax.Array) -> jax.Array:
        return _elu(b, self.alpha)

    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.where(b > 0, jnp.ones_like(b), y + self.alpha)


class SELU(Activation):
    """y = lambda ELU(b; alpha) with the constants that keep mean 0 and variance 1 (Klambauer et al. 2017).

    y' = lambda where b > 0, else y + lambda alpha.
    """

    initializer = staticmethod(lecun_normal)

    def value(self, b: jax.Array) -> jax.Array:
        return SELU_SCALE * _elu(b, SELU_ALPHA)

    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.where(b > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA)


class GELU(Activation):
    """y = b Phi(b), Phi the normal distribution function (Hendrycks and Gimpel 2016, exact form); y' = Phi(b) + b phi(b)."""

    def value(self, b: jax.Array) -> jax.Array:
        return b * _normal_cdf(b)

    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        return _normal_cdf(b) + b * jnp.exp(-b * b / 2) / math.sqrt(2 * math.pi)


class SiLU(Activation):
    """y = b s with s = sigmoid(b) (Elfwing et al. 2017; "swish"); y' = s + y (1 - s)."""

    def value(self, b: jax.Array) -> jax.Array:
        return b * jax.nn.sigmoid(b)

    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        s = jax.nn.sigmoid(b)
        return s + y * (1 - s)


class Softplus(Activation):
    """y = ln(1 + exp(b)), a smooth ReLU; y' = sigmoid(b)."""

    def value(self, b: jax.Array) -> jax.Array:
        return jax.nn.softplus(b)

    def derivative(self, b: jax.Array, y: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(b)


ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "step": Step,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "softplus": Softplus,
}


def activation(function: str | Activation) -> Activation:
    """The activation of that name, or the one given. Raises ValueError for an unknown name, the nearest ones offered,
    TypeError for anything else.

    >>> activation("tanh")
    Tanh()
    """
    if isinstance(function, Activation):
        return function
    if not isinstance(function, str):
        advice = 'Write activation="relu" or ReLU(); in a Chain any function of JAX can stand as Function(jax.nn.mish).'
        raise TypeError(sentence("activation", "function", "a name or an Activation", repr(function)[:60], advice))
    if function not in ACTIVATIONS:
        raise ValueError(f"activation: no function is called {function!r}. {nearest(function, ACTIVATIONS)}")
    return ACTIVATIONS[function]()


def _normal_cdf(b: jax.Array) -> jax.Array:
    return jax.lax.erfc(-b / math.sqrt(2)) / 2  # jax.scipy.stats.norm takes no bfloat16


def _elu(b: jax.Array, alpha: Any) -> jax.Array:
    # the inner where keeps exp from overflowing on the side that is not taken, which would make autodiff's zero a NaN
    return jnp.where(b > 0, b, alpha * jnp.expm1(jnp.where(b > 0, 0, b)))
