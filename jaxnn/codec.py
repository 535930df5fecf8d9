"""Recipes as JSON and back. A file can name what the project knows; it can never choose what runs.

A record is an object with its class under "type", a function one with its qualified name under "function". Classes come from
jaxnn's own records, functions from the modules of ``names``; anything else has to be handed in by the caller of ``from_json``.
"""

import dataclasses
import inspect
import json
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from jaxnn.checks import check_ranges, sentence
from jaxnn.names import find_function, qualified_name
from jaxnn.records import Record


def to_json(record: Record, *, names: Mapping[str, Any] | None = None) -> str:
    """The record as JSON text. ``names`` gives a name to functions that are not jax's, optax's or jaxnn's.

    Raises ValueError for a function without a name, or a number that is not finite.

    >>> from jaxnn.layers import Dense
    >>> to_json(Dense(3))
    '{"type": "Dense", "features": 3, "initializer": {"function": "jax.nn.initializers.glorot_uniform"}}'
    """
    own = {id(function): name for name, function in (names or {}).items()}
    return json.dumps(_encode(record, own), allow_nan=False)


def from_json(text: str, *, known: Mapping[str, Any] | None = None) -> Any:
    """The record of that JSON text; ``known`` hands in classes and functions of your own by the name they have in it.

    Raises ValueError for text that is not JSON, unknown types, functions and fields, and values that the records refuse.

    >>> from jaxnn.layers import Dense
    >>> from_json(to_json(Dense(3))) == Dense(3)
    True
    """
    try:
        record = _decode(json.loads(text, parse_constant=_refuse_constant), known or {})
    except (json.JSONDecodeError, RecursionError, TypeError) as error:
        raise ValueError(f"from_json: this is not a recipe that can be read: {error}.") from error
    if not isinstance(record, Record):
        raise ValueError(sentence("from_json", "text", "a record", f"{type(record).__name__}"))
    try:
        check_ranges("from_json", record)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return record


def _encode(value: Any, own: Mapping[int, str]) -> Any:
    if isinstance(value, Record):
        fields = {field.name: _encode(getattr(value, field.name), own) for field in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_encode(item, own) for item in value]
    if isinstance(value, dict):
        return {name: _encode(item, own) for name, item in value.items()}
    if hasattr(value, "__array__"):
        return np.asarray(value).tolist()
    name = own.get(id(value)) or (qualified_name(value) if callable(value) else None)
    if name is None:
        shown = " ".join(repr(value).split())  # modules of other libraries print in several lines
        raise ValueError(f"to_json: {shown} has no public name in jax, optax or jaxnn. Hand in names={{'my_name': it}}.")
    return {"function": name}


def _decode(value: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return tuple(_decode(item, known) for item in value)
    if not isinstance(value, dict):
        return value
    if value.keys() == {"function"} and not isinstance(value["function"], dict):
        return find_function(str(value["function"]), known)
    if isinstance(value.get("type", {}), dict):  # a metric may have any name
        return {name: _decode(item, known) for name, item in value.items()}
    return _decode_record(value, known)


def _decode_record(value: dict[str, Any], known: Mapping[str, Any]) -> Any:
    cls = known.get(str(value["type"])) or _record_types(Record).get(str(value["type"]))
    if not (isinstance(cls, type) and issubclass(cls, Record)):
        raise ValueError(f"from_json: there is no record type {str(value['type'])[:60]!r}. Hand it in: known={{its_name: its_class}}.")
    names = {field.name for field in dataclasses.fields(cls)}
    fields = {name: _decode(item, known) for name, item in value.items() if name != "type"}
    if unknown := sorted(fields.keys() - names):
        raise ValueError(f"from_json: {value['type']} has no field {', '.join(map(repr, unknown))}; was it saved by a later version?")
    hints = get_type_hints(cls)
    for name, item in fields.items():
        if not _suits(item, hints[name]):
            expected = f"of type {inspect.formatannotation(hints[name])}"
            raise ValueError(sentence("from_json", f"{value['type']}.{name}", expected, repr(item)[:60]))
    return cls(**fields)


def _suits(value: Any, hint: Any) -> bool:
    """Whether a decoded value is of the annotated type. A hint that is not known here suits all."""
    kind, inside = get_origin(hint), get_args(hint)
    if kind in (Union, UnionType):
        return any(_suits(value, option) for option in inside)
    if kind is Literal:
        return value in inside
    if kind is tuple:
        hints = inside[:1] * len(value) if isinstance(value, tuple) and inside[-1] is Ellipsis else inside
        return isinstance(value, tuple) and len(value) == len(hints) and all(map(_suits, value, hints))
    if kind is dict:
        return isinstance(value, dict) and all(_suits(item, inside[1]) for item in value.values())
    if kind is Callable:
        return callable(value)
    if hint is Any or not isinstance(hint, type):
        return True
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, int | float if hint is float else hint)


def _record_types(cls: type) -> dict[str, type]:
    found: dict[str, type] = {}
    sub: type
    for sub in cls.__subclasses__():
        if sub.__module__.split(".")[0] == "jaxnn":
            found[sub.__name__] = sub
        found |= _record_types(sub)
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"from_json: {name} is not a number that a recipe can hold.")
