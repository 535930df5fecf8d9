"""What preprocessing learned as plain JSON values and back, where every value that a file can hold is checked.

A model file may come from anywhere: types, lengths, ranges and names are refused in a sentence before anything is built of them.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any, TypeVar

from jaxnn.data.categories import OneHot
from jaxnn.data.scaling import Scaling
from jaxnn.data.targets import Classes, Quantity

T = TypeVar("T")


def to_values(columns: tuple[str, ...], numbers: Scaling, texts: tuple[OneHot, ...], target: Classes | Quantity) -> dict[str, Any]:
    """Dictionaries, lists, strings and numbers only."""
    kind = "classification" if isinstance(target, Classes) else "regression"
    parts = {"columns": columns, "numbers": asdict(numbers), "texts": [asdict(text) for text in texts]}
    return _lists(parts | {"target": {"kind": kind} | asdict(target)})


def from_values(values: Any) -> dict[str, Any]:
    """The fields of a `Preprocessing`. Raises `ValueError` for anything that `to_values` could not have written."""
    _check_keys("preprocessing", values, ("columns", "numbers", "texts", "target"))
    columns = _names("columns", values["columns"])
    numbers = _scaling(values["numbers"])
    texts = tuple(_one_hot(f"texts[{index}]", text) for index, text in enumerate(_list("texts", values["texts"])))
    target = _target(values["target"])
    if not columns or sorted(columns) != sorted([*numbers.names, *(text.name for text in texts)]):
        raise _fault("columns", "the names of all number and text columns, at least one, each once")
    if any((text.fill is None) != (numbers.fill is None) for text in texts):
        raise _fault("texts", "with a fill just where numbers have one")
    if target.name in columns:
        raise _fault("target.name", "a column apart from the features")
    return {"columns": columns, "numbers": numbers, "texts": texts, "target": target}


def _scaling(values: Any) -> Scaling:
    _check_keys("numbers", values, ("names", "mean", "scale", "fill"))
    names = _names("numbers.names", values["names"])
    mean = _floats("numbers.mean", values["mean"], len(names))
    scale = _floats("numbers.scale", values["scale"], len(names))
    fill = None if values["fill"] is None else _floats("numbers.fill", values["fill"], len(names))
    if any(value <= 0 for value in scale):
        raise _fault("numbers.scale", "above 0")
    return Scaling(names=names, mean=mean, scale=scale, fill=fill)


def _one_hot(where: str, values: Any) -> OneHot:
    _check_keys(where, values, ("name", "categories", "fill"))
    categories = _names(f"{where}.categories", values["categories"])
    if not categories or list(categories) != sorted(categories):
        raise _fault(f"{where}.categories", "at least one category, sorted")
    if values["fill"] is not None and values["fill"] not in categories:
        raise _fault(f"{where}.fill", "one of the categories")
    return OneHot(name=_text(f"{where}.name", values["name"]), categories=categories, fill=values["fill"])


def _target(values: Any) -> Classes | Quantity:
    kind = values.get("kind") if isinstance(values, dict) else None
    if kind == "classification":
        _check_keys("target", values, ("kind", "name", "classes"))
        classes = _names("target.classes", values["classes"])
        if len(classes) < 2:
            raise _fault("target.classes", "two classes or more")
        return Classes(name=_text("target.name", values["name"]), classes=classes)
    if kind != "regression":
        raise _fault("target.kind", "'classification' or 'regression'")
    _check_keys("target", values, ("kind", "name", "mean", "scale"))
    scale = _float("target.scale", values["scale"])
    if scale <= 0:
        raise _fault("target.scale", "above 0")
    return Quantity(name=_text("target.name", values["name"]), mean=_float("target.mean", values["mean"]), scale=scale)


def _check_keys(where: str, values: Any, keys: Collection[str]) -> None:
    if not isinstance(values, dict) or set(values) != set(keys):
        raise _fault(where, f"an object with exactly {', '.join(keys)}")


def _list(where: str, values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise _fault(where, "a list")
    return values


def _each(where: str, values: Any, check: Callable[[str, Any], T]) -> tuple[T, ...]:
    return tuple(check(f"{where}[{index}]", value) for index, value in enumerate(_list(where, values)))


def _names(where: str, values: Any) -> tuple[str, ...]:
    names = _each(where, values, _text)
    if len(set(names)) < len(names):
        raise _fault(where, "names that differ")
    return names


def _floats(where: str, values: Any, length: int) -> tuple[float, ...]:
    if len(_list(where, values)) != length:
        raise _fault(where, f"{length} numbers, one for each column")
    return _each(where, values, _float)


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _fault(where, "text")
    return value


def _float(where: str, value: Any) -> float:
    # Whole numbers beyond a float's range would raise on conversion.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e308 or not math.isfinite(value):
        raise _fault(where, "a finite number")
    return float(value)


def _fault(where: str, expected: str) -> ValueError:
    return ValueError(f"The preprocessing in this file is not one that jaxnn wrote: {where} must be {expected}. Save the model again.")


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lists(item) for name, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple | list) else value
