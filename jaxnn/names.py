"""Functions by qualified name, both ways, for files and for readable reprs.

A file names functions, and so it could choose what runs. Only public names of the modules listed here are ever looked up,
by plain attribute access on that list: nothing is imported, no other path is walked. None of them reads or writes files.
"""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import jax
import optax

from jaxnn.checks import nearest

MODULES: dict[str, ModuleType] = {
    "jax.nn.initializers": jax.nn.initializers,
    "jax.nn": jax.nn,
    "optax": optax,
    "optax.contrib": optax.contrib,
}


def qualified_name(function: Callable[..., Any]) -> str | None:
    """The public name of a function of jax or optax, or None for anything else.

    >>> import optax
    >>> qualified_name(optax.adam)
    'optax.adam'
    """
    name = getattr(function, "__name__", "")
    for path, module in MODULES.items():
        if not name.startswith("_") and getattr(module, name, None) is function:
            return f"{path}.{name}"
    return None


def find_function(name: str, known: Mapping[str, Any]) -> Callable[..., Any]:
    """The function of that qualified name, from `known` (handed in by the caller) or from the modules above.

    Raises ValueError for any other name.
    """
    if name in known:
        return known[name]
    path, _, attribute = name.rpartition(".")
    function = getattr(MODULES.get(path), attribute, None)
    if attribute.startswith("_") or not callable(function) or isinstance(function, type | ModuleType):
        advice = f"Hand it in: known={{{name!r}: the_function}}." if path not in MODULES else nearest(attribute, dir(MODULES[path]))
        raise ValueError(f"load: {name!r} is not a public function of {', '.join(MODULES)}. {advice}")
    return function
