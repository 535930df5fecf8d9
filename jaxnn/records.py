"""Records: frozen dataclasses that are pytrees, the material of layers, tasks and recipes.

Two kinds of field make a record: a *leaf* is a number that may be traced (a hyperparameter), a *static* field is structure.
``number(...)`` declares a leaf with the range that it must lie in, ``static(...)`` declares structure.
"""

import dataclasses
import math
from typing import Any

import jax
from flax import struct

from jaxnn.names import qualified_name
from jaxnn.typing import Range


class Record(struct.PyTreeNode):
    """A frozen dataclass and pytree whose repr is the code that would make it, without what is at its default."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(repr=False, **options)

    def __repr__(self) -> str:
        shown = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            required = field.default is dataclasses.MISSING
            if required or not _same(value, field.default):
                shown.append(readable(value) if required else f"{field.name}={readable(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


def readable(value: Any) -> str:
    """The value as a person would write it: functions by their qualified name.

    >>> import jax
    >>> readable((jax.nn.initializers.he_normal, 0.5))
    '(jax.nn.initializers.he_normal, 0.5)'
    """
    if isinstance(value, tuple):
        inner = ", ".join(readable(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if callable(value) and not isinstance(value, Record):
        return qualified_name(value) or str(getattr(value, "__qualname__", repr(value)))
    is_scalar = getattr(value, "ndim", None) == 0 and hasattr(value, "item") and not isinstance(value, jax.core.Tracer)
    return repr(value.item() if is_scalar else value)


def static(**options: Any) -> Any:
    """A field that is structure: two values of it mean two compiled programs."""
    return struct.field(pytree_node=False, **options)


def number(low: float = -math.inf, high: float = math.inf, *, open_low: bool = False, open_high: bool = False, **options: Any) -> Any:
    """A field that is a hyperparameter (a leaf): any value in the range runs in the same compiled program."""
    return struct.field(metadata={"range": Range(low, high, open_low, open_high)}, **options)


def _same(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, int | float | str | tuple) and value == default)
