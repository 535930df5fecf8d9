"""``jax.vjp`` as a layer's rule, for functions whose backward rule nobody writes by hand."""

from collections.abc import Callable
from typing import Any

import jax

from jaxnn.records import Record, static


class WayBack(Record):
    """From dy to the cotangents of what moves, differentiated only when it is called for; a pytree of what the function was given."""

    moving: tuple[Any, ...]
    fixed: tuple[Any, ...]
    function: Callable[..., Any] = static()
    has_aux: bool = static(default=False)

    def __call__(self, dy: Any) -> Any:
        return _differentiated(self.function, self.moving, self.fixed, self.has_aux)[1](dy)


def way_back(function: Callable[..., Any], moving: tuple[Any, ...], *fixed: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """``jax.vjp`` of function(*moving, *fixed) by what moves: (y, back), or (y, back, aux), where ``back`` can be kept in every scan.

    Compiled, ``back`` is JAX's own, and the function runs once. In a scan that runs in Python (``jax.disable_jit``, for diagnostics)
    that would hold a program of its own for each turn, another one where the function branches, and can't be stacked: there it is a
    WayBack, which runs the function again.

    >>> import jax.numpy as jnp
    >>> y, back = way_back(jnp.multiply, (3.0,), 2.0)
    >>> float(y), float(back(1.0)[0])
    (6.0, 2.0)
    """
    if not jax.config.jax_disable_jit:  # type: ignore[attr-defined]
        return _differentiated(function, moving, fixed, has_aux)
    y, *aux = function(*moving, *fixed) if has_aux else (function(*moving, *fixed),)
    return y, WayBack(moving, fixed, function, has_aux), *aux


def _differentiated(function: Callable[..., Any], moving: tuple[Any, ...], fixed: tuple[Any, ...], has_aux: bool) -> tuple[Any, ...]:
    options: Any = {"has_aux": has_aux}
    found: tuple[Any, ...] = jax.vjp(lambda *moving: function(*moving, *fixed), *moving, **options)
    return found
