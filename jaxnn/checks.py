"""The project's error sentences: where, which argument, what was expected, what came, what to try."""

import dataclasses
import difflib
from collections.abc import Iterable, Iterator
from typing import Any

import jax
import numpy as np

from jaxnn.typing import Range

FINITE = Range()
MOST_NAMES = 20


def sentence(where: str, argument: str, expected: str, got: Any, advice: str = "") -> str:
    """One error sentence, the same shape everywhere.

    >>> sentence("fit", "epochs", "a whole number >= 1", 0, "Leave it out for 20.")
    'fit: epochs must be a whole number >= 1, got 0. Leave it out for 20.'
    """
    return f"{where}: {argument} must be {expected}, got {got}.{' ' + advice if advice else ''}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Advice for a misspelt name: the nearest known ones, or all of them if they fit a line.

    >>> nearest("relo", ["relu", "tanh"])
    'Did you mean relu?'
    """
    options = sorted(known)
    close = difflib.get_close_matches(name, options, n=3, cutoff=0.5)
    more = f" and {len(options) - MOST_NAMES} more" if len(options) > MOST_NAMES else ""
    return f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(options[:MOST_NAMES])}{more}."


def check_whole(where: str, argument: str, value: Any, *, low: int) -> None:
    """Refuses anything but a whole number that is at least `low`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        advice = f"Write int({argument})." if isinstance(value, np.integer) and value >= low else ""
        raise ValueError(sentence(where, argument, f"a whole number >= {low}", repr(value), advice))


def check_sizes(where: str, argument: str, value: Any, expected: str, advice: str, *, least: int = 1) -> None:
    """Refuses a single number, or text, where a sequence of at least so many sizes is meant."""
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) < least:
        raise TypeError(sentence(where, argument, expected, repr(value), advice))


def check_ranges(where: str, tree: Any) -> None:
    """Refuses numbers outside the range that their field declares; traced values pass, for they have no value yet.

    Walks dataclasses, tuples, lists and dictionaries, so that the sentence can name the whole path of the number.
    """
    for path, value, allowed in _numbers(where, tree, FINITE):
        if isinstance(value, jax.core.Tracer):
            continue
        if allowed is not FINITE and (value is None or dataclasses.is_dataclass(value) or getattr(value, "ndim", 0) > 0):
            raise TypeError(sentence(where, path.removeprefix(where + "."), "one number", repr(value)))
        if getattr(value, "ndim", 0) == 0 and not isinstance(value, bool) and hasattr(value, "__float__"):
            if float(value) not in allowed:
                raise ValueError(sentence(where, path.removeprefix(where + "."), f"in {allowed}", f"{float(value):g}"))
        elif not hasattr(value, "ndim"):
            advice = "Give an instance, for instance ReLU() and not ReLU." if isinstance(value, type) else ""
            raise TypeError(sentence(where, path.removeprefix(where + "."), "a number or a record of numbers", repr(value), advice))


def _numbers(path: str, value: Any, allowed: Range | dict[str, Range]) -> Iterator[tuple[str, Any, Any]]:
    if value is None:
        return
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if field.metadata.get("pytree_node", True):
                inner, item, declared = f"{path}.{field.name}", getattr(value, field.name), field.metadata.get("range", FINITE)
                if isinstance(declared, Range) and declared is not FINITE and _is_no_number(item, field):
                    yield inner, item, declared
                else:
                    yield from _numbers(inner, item, declared)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _numbers(f"{path}.{name}", item, allowed.get(name, FINITE) if isinstance(allowed, dict) else allowed)
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _numbers(f"{path}[{index}]", item, allowed)
    else:
        yield path, value, allowed


def _is_no_number(item: Any, field: "dataclasses.Field[Any]") -> bool:
    """Whether this stands where ``records.number`` wants one, or several: None counts as not there only where that is the default."""
    return dataclasses.is_dataclass(item) or (item is None and field.default is not None)
