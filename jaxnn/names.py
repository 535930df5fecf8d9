"""Functions by qualified name, both ways, for files and for readable reprs.

A file names functions, and so it could choose what runs. Only public names of the modules listed here are ever looked up,
by plain look-up in that list: nothing is imported, no other path is walked. None of them reads or writes files.
"""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import jax
import optax

from jaxnn import metrics
from jaxnn.checks import nearest

MODULES: dict[str, ModuleType] = {
    "jax.nn.initializers": jax.nn.initializers,
    "jax.nn": jax.nn,
    "optax": optax,
    "optax.contrib": optax.contrib,
    "jaxnn.metrics": metrics,
}


def qualified_name(function: Callable[..., Any]) -> str | None:
    """The public name of a function of jax, optax or jaxnn.metrics, or None for anything else, classes among them.

    >>> import optax
    >>> qualified_name(optax.adam)
    'optax.adam'
    """
    for path, module in MODULES.items():
        name = getattr(function, "__name__", None) or _name_in(module, function)  # a partial, as optax.nadam is one, has none of its own
        if _public_function(module, name) is function:
            return f"{path}.{name}"
    return None


def find_function(name: str, known: Mapping[str, Any]) -> Callable[..., Any]:
    """The function of that qualified name, from `known` (handed in by the caller) or from the modules above.

    Raises ValueError for any other name.
    """
    if name in known:
        return known[name]
    path, _, attribute = name.rpartition(".")
    function = _public_function(MODULES.get(path), attribute)
    if function is None:
        advice = nearest(attribute, public_functions(MODULES[path])) if path in MODULES else "Hand it in: known={its_name: the_function}."
        raise ValueError(f"from_json: {name[:60]!r} is not a public function of {', '.join(MODULES)}. {advice}")
    return function


def public_functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The module's public functions by name."""
    found = {name: _public_function(module, name) for name in vars(module)}
    return {name: function for name, function in found.items() if function is not None}


def _name_in(module: ModuleType, function: Callable[..., Any]) -> str:
    return next((name for name, found in public_functions(module).items() if found is function), "")


def _public_function(module: ModuleType | None, name: str) -> Callable[..., Any] | None:
    found = vars(module).get(name) if module else None  # vars, for a module's own __getattr__ may run code: optax's warns
    return None if name.startswith("_") or not callable(found) or isinstance(found, type | ModuleType) else found
