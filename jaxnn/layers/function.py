"""A layer of any JAX function."""

from collections.abc import Callable
from typing import Any

from jaxnn.checks import sentence
from jaxnn.layers.base import Layer
from jaxnn.layers.way_back import way_back
from jaxnn.records import static
from jaxnn.typing import Key, Params


class Function(Layer):
    """y = function(x), or y = function(params, x) with params = initializer(key, x): any function that JAX can differentiate.

    Shapes: x and y as the function has them, batch first. With ``draws=True`` it is also given a key as its last argument: one for
    each step in training, None in evaluation. Rule: that of JAX, ``jax.vjp`` of the function; what it keeps of the way is the residual.
    A function is structure: the same object is the same program, so hand in one with a name rather than a fresh lambda each time.
    Raises TypeError where function or initializer can't be called or hashed.

    >>> import jax, jax.numpy as jnp
    >>> double = Function(jnp.square)
    >>> y, residuals = double.forward((), jnp.array([[3.0]]))
    >>> float(y[0, 0]), float(double.backward((), residuals, jnp.ones((1, 1)))[1][0, 0])
    (9.0, 6.0)
    """

    function: Callable[..., Any] = static()
    initializer: Callable[..., Any] | None = static(default=None)
    draws: bool = static(default=False, kw_only=True)

    def __post_init__(self) -> None:
        for name, value in (("function", self.function), ("initializer", self.initializer)):
            if not callable(value) and (value is not None or name == "function"):
                raise TypeError(sentence("Function", name, "a function", repr(value)[:60], "Write Function(jnp.sin)."))
            _check_hashable(name, value)

    def init(self, key: Key, x: Any) -> Params:
        return () if self.initializer is None else self.initializer(key, x)

    def apply(self, params: Params, x: Any, key: Key | None = None) -> Any:
        return self._value(params, x, key)

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        y, back = way_back(self._value, (params, x), key)
        return y, back

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        return residuals(dy)

    def _value(self, params: Params, x: Any, key: Key | None) -> Any:
        """As ``apply``, which may be watched: what is computed on the way back is no output."""
        arguments = (x,) if self.initializer is None else (params, x)
        return self.function(*arguments, *((key,) if self.draws else ()))


def _check_hashable(name: str, value: Any) -> None:
    try:
        hash(value)
    except TypeError:
        expected = "a function that can be hashed, for programs are kept by it"
        advice = "Write a plain function that calls it."
        raise TypeError(sentence("Function", name, expected, repr(value)[:60], advice)) from None
