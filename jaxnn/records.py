"""Records: frozen dataclasses that are pytrees, the material of layers, tasks and recipes.

Two kinds of field make a record: a *leaf* is a number that may be traced (a hyperparameter), a *static* field is structure.
``number(...)`` declares a leaf with the range that it must lie in, ``static(...)`` declares structure.
"""

import dataclasses
import math
from typing import Any, ClassVar, Self, dataclass_transform

import jax

from jaxnn.names import qualified_name
from jaxnn.typing import Range


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
class Record:
    """A frozen dataclass and pytree whose repr is the code that would make it, without what is at its default.

    Not flax's PyTreeNode, whose import costs every start 0.15 s, nor ``jax.tree_util.register_dataclass`` beneath it: as of JAX
    0.10.2 equality of the tree structures it makes leaves out the class. Sigmoid() and Tanh() compared equal there, and jit,
    which looks structures up by a few bits of their hash and then by equality, now and then ran the one's program for the other.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__()
        dataclasses.dataclass(frozen=True, repr=False, **options)(cls)
        _register(cls)

    def replace(self, **changes: Any) -> Self:
        """The same record with some fields changed."""
        return dataclasses.replace(self, **changes)

    def __repr__(self) -> str:
        shown = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            required = field.default is dataclasses.MISSING
            if required or not _same(value, field.default):
                shown.append(readable(value) if required and not field.kw_only else f"{field.name}={readable(value)}")
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
    return dataclasses.field(metadata={"pytree_node": False}, **options)


def number(low: float = -math.inf, high: float = math.inf, *, open_low: bool = False, open_high: bool = False, **options: Any) -> Any:
    """A field that is a hyperparameter (a leaf): any value in the range runs in the same compiled program."""
    return dataclasses.field(metadata={"range": Range(low, high, open_low, open_high)}, **options)


def _register(cls: type[Any]) -> None:
    fields = dataclasses.fields(cls)
    leaves = tuple(field.name for field in fields if field.metadata.get("pytree_node", True))
    structure = tuple(field.name for field in fields if field.name not in leaves)
    keys = tuple(jax.tree_util.GetAttrKey(name) for name in leaves)

    def flatten(record: Any) -> tuple[Any, Any]:
        values = record.__dict__
        return [values[name] for name in leaves], tuple([values[name] for name in structure])

    def flatten_with_keys(record: Any) -> tuple[Any, Any]:
        values, aux = flatten(record)
        return list(zip(keys, values, strict=True)), aux

    def unflatten(aux: Any, values: Any) -> Any:
        record = object.__new__(cls)  # checks belong to who makes a record, not to JAX, which puts all kinds of things into trees
        record.__dict__.update(zip(structure, aux, strict=True))
        record.__dict__.update(zip(leaves, values, strict=True))
        return record

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)


def _same(value: Any, default: Any) -> bool:
    if isinstance(value, Record):  # by what it prints, for numbers in it may be arrays, which do not compare to one truth
        return repr(value) == repr(default)
    return value is default or (isinstance(value, int | float | str | tuple) and value == default)
