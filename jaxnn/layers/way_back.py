"""``jax.vjp`` as a layer's rule, for functions whose backward rule nobody writes by hand."""

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import jax


class _Made(NamedTuple):
    """What a way back is made of: it is the same one where the same function was given the like."""

    by: Hashable
    of: tuple[Any, ...]


class _Way:
    """The structure of what ``jax.vjp`` returns, which JAX takes for another one each time, though the program is the same."""

    def __init__(self, structure: Any, made: _Made) -> None:
        self.structure, self.made = structure, made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Way) and self.made == other.made

    def __hash__(self) -> int:
        return hash(self.made)


@jax.tree_util.register_pytree_node_class
class WayBack:
    """From dy to the cotangents of a function's arguments: a pytree of the arrays that this takes, so that a layer can keep it.

    Two of the same way have the same structure, so they can be stacked: turns of a loop that is not compiled leave one each.
    """

    def __init__(self, arrays: Any, way: _Way) -> None:
        self.arrays, self.way = arrays, way

    def __call__(self, dy: Any) -> Any:
        return jax.tree.unflatten(self.way.structure, self.arrays)(dy)

    def tree_flatten(self) -> tuple[Any, _Way]:
        return self.arrays, self.way

    @classmethod
    def tree_unflatten(cls, way: _Way, arrays: Any) -> "WayBack":
        return cls(arrays, way)


def way_back(by: Hashable, function: Callable[..., Any], *arguments: Any, given: Any = None, has_aux: bool = False) -> tuple[Any, ...]:
    """``jax.vjp(function, *arguments, has_aux=...)``, its second result a WayBack.

    by: what says which function it is, for it may be a new object each time; given: what else its program depends on.
    """
    options: Any = {"has_aux": has_aux}
    y, pull, *aux = jax.vjp(function, *arguments, **options)
    leaves, likes = jax.tree.flatten((arguments, given))
    arrays, structure = jax.tree.flatten(pull)
    return y, WayBack(arrays, _Way(structure, _Made(by, (likes, has_aux, *map(jax.typeof, leaves))))), *aux
