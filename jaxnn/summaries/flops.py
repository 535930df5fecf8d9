"""Counting floating-point operations in what JAX traces, without compiling it.

XLA's own analysis of a program that is lowered, but not compiled, counts the body of a loop once, however often it runs: a
recurrent layer over forty steps, or forty equal blocks, would be forty times too cheap. So the traced program is read here; for
programs without loops the tests compare both.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_NAMES = (
    "broadcast_in_dim concatenate convert_element_type copy copy_p device_put dynamic_slice dynamic_update_slice expand_dims gather"
    " optimization_barrier pad random_bits reduce_precision reshape rev select_n slice split squeeze stop_gradient transpose"
)
MOVES = frozenset(_NAMES.split())
"""Operations that carry numbers from place to place and compute none."""


def flops(function: Callable[..., Any], *arguments: Any) -> int:
    """Floating-point operations of one call of the function with arguments of these shapes; nothing is computed.

    A multiplication with its addition, in matrix products and convolutions, counts 2, and zeros of padding are left out; any other
    operation, a comparison too, counts 1 for each number. Loops of a known length count all their rounds, those of an unknown one a
    single round, a choice its dearest branch. Whole numbers are free.

    >>> import jax, jax.numpy as jnp
    >>> flops(lambda x: jax.lax.scan(lambda y, _: (y @ x, None), x, length=10)[0], jnp.ones((8, 8)))
    10240
    """
    return _of_program(jax.make_jaxpr(function)(*arguments))


def _of_program(program: Any) -> int:
    """The sum over what the results need: backwards from them, leaving out what only served results that nobody asked for."""
    jaxpr, count = getattr(program, "jaxpr", program), 0
    needed = set(_variables(jaxpr.outvars))
    for equation in reversed(jaxpr.eqns):
        if needed.intersection(equation.outvars):
            needed.update(_variables(equation.invars))
            count += _of_equation(equation)
    return count


def _variables(atoms: Any) -> Iterator[Any]:
    yield from (atom for atom in atoms if not hasattr(atom, "val"))  # literals have a value


def _of_equation(equation: Any) -> int:
    name = equation.primitive.name
    if name in COUNTED:
        return COUNTED[name](equation)
    if name.startswith("reduce_window"):
        return _size(equation.outvars[0]) * math.prod(equation.params["window_dimensions"])
    if not name.startswith(("reduce", "scatter")) and (inner := list(_inner(equation))):
        return sum(map(_of_program, inner))
    values = [variable.aval for variable in (*equation.invars, *equation.outvars)]
    floating = any(jnp.issubdtype(getattr(value, "dtype", bool), jnp.floating) for value in values)
    return max(math.prod(getattr(value, "shape", ())) for value in values) if floating and name not in MOVES else 0


def _inner(equation: Any) -> Iterator[Any]:
    for value in equation.params.values():
        yield from (item for item in (value if isinstance(value, tuple | list) else (value,)) if hasattr(item, "eqns"))


def _size(variable: Any) -> int:
    return math.prod(getattr(variable.aval, "shape", ()))


def _dot(equation: Any) -> int:
    (contracted, _), _ = equation.params["dimension_numbers"]
    return 2 * _size(equation.outvars[0]) * math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)


def _convolution(equation: Any) -> int:
    """2 x batch x features x inputs of a group x, along each axis, the pairs of an output's place and a kernel's that meet an input."""
    (x, kernel), y, options = [variable.aval.shape for variable in equation.invars], equation.outvars[0].aval.shape, equation.params
    of_x, of_kernel, of_y = options["dimension_numbers"]
    count = 2 * y[of_y[0]] * y[of_y[1]] * kernel[of_kernel[1]]
    for axis, (low, _) in enumerate(options["padding"]):
        places = options["window_strides"][axis] * np.arange(y[of_y[2 + axis]])[:, None]
        places = places + options["rhs_dilation"][axis] * np.arange(kernel[of_kernel[2 + axis]]) - low
        holes, length = options["lhs_dilation"][axis], x[of_x[2 + axis]]
        count *= int(((places >= 0) & (places <= (length - 1) * holes) & (places % holes == 0)).sum())
    return count


COUNTED: dict[str, Callable[[Any], int]] = {
    "dot_general": _dot,
    "conv_general_dilated": _convolution,
    "scan": lambda equation: equation.params["length"] * _of_program(equation.params["jaxpr"]),
    "while": lambda equation: sum(map(_of_program, _inner(equation))),
    "cond": lambda equation: max(map(_of_program, equation.params["branches"])),
}
