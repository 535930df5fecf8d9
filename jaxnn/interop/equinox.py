"""Equinox modules as layers."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.interop.base import Module, check_function, needed
from jaxnn.records import static
from jaxnn.typing import Key


class EquinoxModule(Module):
    """What ``from_equinox`` returns."""

    maker = "from_equinox"

    function: Callable[..., Any] = static()
    axis_name: str = static(default="batch")

    @property
    def draws(self) -> bool:
        module, state = self._parts()
        return state is not None or _takes_key(module)

    def make(self, key: Key, x: Any) -> tuple[Any, Any]:
        module, state = _pair(self.function(key))
        learned, rest = _arrays(module)
        kept = {"state": jax.tree.leaves(state), "constants": rest}
        return learned, kept if jax.tree.leaves(kept) else None

    def run(self, learned: Any, state: Any, x: Any, key: Key | None) -> tuple[Any, Any]:
        eqx = needed("equinox", self.maker)
        module, own = self.module(learned, state)
        module = eqx.nn.inference_mode(module, value=key is None)
        takes_key = _takes_key(module)
        keys = jax.random.split(key, jax.tree.leaves(x)[0].shape[0]) if takes_key and key is not None else None

        def row(x: Any, own: Any, key: Key | None) -> Any:
            options = {"key": key} if takes_key else {}
            return (module(x, **options), None) if own is None else module(x, own, **options)

        y, left = jax.vmap(row, in_axes=(0, None, 0), out_axes=(0, None), axis_name=self.axis_name)(x, own, keys)
        return y, state and {"state": jax.tree.leaves(left), "constants": state["constants"]}

    def module(self, learned: Any, state: Any) -> tuple[Any, Any]:
        """The module with these numbers, as ``variables`` gives them, and its ``eqx.nn.State`` or None."""
        module, own = self._parts()
        kept = state or {"state": [], "constants": []}
        return _filled(module, learned, kept["constants"]), jax.tree.unflatten(jax.tree.structure(own), kept["state"])

    def _parts(self) -> tuple[Any, Any]:
        """The module and its state (or None), shapes in place of arrays."""
        return _parts(self.function, jax.config.jax_enable_x64)  # type: ignore[attr-defined]


@functools.lru_cache(maxsize=64)
def _parts(function: Callable[..., Any], x64: bool) -> tuple[Any, Any]:
    del x64  # shapes come with dtypes, which are others where JAX has 64 bits
    eqx = needed("equinox", "from_equinox")
    return _pair(eqx.filter_eval_shape(function, jax.eval_shape(lambda: jax.random.key(0))))


def _pair(made: Any) -> tuple[Any, Any]:
    eqx = needed("equinox", "from_equinox")
    module, state = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not callable(module) or not isinstance(state, eqx.nn.State | None):
        expected = "a function that returns an Equinox module, or (module, state) as eqx.nn.make_with_state has it"
        raise TypeError(sentence("from_equinox", "make", expected, f"one that returns {type(made).__name__}"))
    return module, state


def _takes_key(module: Any) -> bool:
    return "key" in inspect.signature(module.__call__).parameters


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | jax.ShapeDtypeStruct)


def _is_learned(leaf: Any) -> bool:
    return _is_array(leaf) and bool(jnp.issubdtype(leaf.dtype, jnp.floating))


def _names(path: Any) -> list[str]:
    return [str(getattr(step, "name", getattr(step, "key", getattr(step, "idx", step)))) for step in path]


def _arrays(module: Any) -> tuple[Any, list[Any]]:
    """The learned arrays in dictionaries by the names of their fields, and the other arrays in their order."""
    learned: dict[str, Any] = {}
    rest = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(module):
        if _is_learned(leaf):
            *parents, name = _names(path)
            place = functools.reduce(lambda tree, parent: tree.setdefault(parent, {}), parents, learned)
            place[name] = leaf
        elif _is_array(leaf):
            rest.append(leaf)
    return learned, rest


def _filled(module: Any, learned: Any, rest: list[Any]) -> Any:
    others = iter(rest)

    def fill(path: Any, leaf: Any) -> Any:
        if _is_learned(leaf):
            return functools.reduce(lambda tree, name: tree[name], _names(path), learned)
        return next(others) if _is_array(leaf) else leaf

    return jax.tree.map_with_path(fill, module)


def from_equinox(make: Callable[..., Any], *, axis_name: str = "batch") -> EquinoxModule:
    """An Equinox module as a layer, from the function that makes it: ``make(key)`` returns the module, or (module, state).

    The module is of one example, as Equinox has them, and is mapped over the batch, whose axis is called ``axis_name`` as its
    ``BatchNorm`` asks. Where its ``__call__`` takes a ``key``, each row gets its own in training, and None in evaluation. Arrays of
    floats are learned; the ``State`` of ``eqx.nn.make_with_state`` travels as Buffers, and so do arrays of whole numbers. In evaluation
    the module is in ``inference_mode``. ``layer.module(*layer.variables(run.params))`` is the trained module with its state.

    The function is structure: hand in one with a name, rather than a fresh lambda each time. Raises TypeError for what can't be
    called, and in ``init`` for what makes something else, ImportError without equinox.
    """
    needed("equinox", "from_equinox")
    check_function("from_equinox", "make", make, "from_equinox(make), make(key) returning a module")
    return EquinoxModule(make, axis_name)
