"""Source: rows that are read when they are needed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxnn.checks import sentence


class Rows(NamedTuple):
    """Some examples: x (rows, ...), y (rows, ...) or None, weight (rows,) or None."""

    x: Any
    y: Any = None
    weight: Any = None


@dataclass(frozen=True, eq=False)
class Source:
    """Examples that need not fit into memory.

    name: for messages. rows: how many there are. read: from row numbers (count,), in any order and repeated at will, to those rows, NumPy
    arrays that nothing else will change. It is called from several threads.
    """

    name: str
    rows: int
    read: Callable[[np.ndarray], Rows] = field(repr=False)

    def map(self, function: Callable[..., tuple[Any, Any]]) -> "Source":
        """The same rows after ``x, y = function(x, y)``, which works on many rows at once: casts, scaling, preprocessing.

        >>> source = arrays(np.arange(6, dtype=np.uint8).reshape(3, 2))
        >>> source.map(lambda x, y: (x.astype(np.float32) / 4, y)).read(np.array([2, 0])).x.tolist()
        [[1.0, 1.25], [0.0, 0.25]]
        """

        if not callable(function):
            raise TypeError(sentence("Source.map", "function", "a function of (x, y)", repr(function)[:60]))

        def read(rows: np.ndarray) -> Rows:
            x, y, weight = self.read(rows)
            return Rows(*_pair(function(x, y), len(rows)), weight)

        return replace(self, read=read)

    def take(self, rows: np.ndarray) -> "Source":
        """The source of those rows alone, for instance of the rows to train on.

        >>> arrays(np.arange(5)).take(np.array([4, 0])).read(np.array([0])).x.tolist()
        [4]
        """
        rows = np.asarray(rows)
        if rows.ndim != 1 or rows.size == 0 or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= self.rows:
            raise ValueError(sentence("Source.take", "rows", f"row numbers from 0 to {self.rows - 1}", repr(rows)[:60]))
        return replace(self, rows=len(rows), read=lambda own: self.read(rows[own]))


def arrays(x: Any, y: Any = None, weight: Any = None, *, name: str = "arrays") -> Source:
    """A source of array-likes that have a shape and take an array of row numbers in brackets, for instance ``numpy.memmap``.

    Raises TypeError for what is no array, and ValueError for arrays of different numbers of rows.

    >>> arrays(np.zeros((5, 2)), np.arange(5)).rows
    5
    """
    given = {part: array for part, array in zip(Rows._fields, (x, y, weight), strict=True) if array is not None}
    for part, array in given.items():
        if not hasattr(array, "shape"):
            raise TypeError(sentence("arrays", part, "an array", type(array).__name__, "Take numpy.asarray of it."))
    return Source(name, equal_rows(name, given), lambda rows: Rows(**{part: np.asarray(array[rows]) for part, array in given.items()}))


def _pair(made: Any, rows: int) -> tuple[Any, Any]:
    """What was made of so many rows. Raises TypeError for what is no pair, ValueError for other rows."""
    if not isinstance(made, tuple) or len(made) != 2:
        got = f"a tuple of {len(made)}" if isinstance(made, tuple) else type(made).__name__
        raise TypeError(sentence("Source.map", "what function returns", "a pair (x, y)", got))
    counts = [np.shape(part)[:1] for part in jax.tree.leaves(made)]
    if any(count != (rows,) for count in counts):
        got = " and ".join(str(count[0]) if count else "a single number" for count in counts)
        raise ValueError(sentence("Source.map", "what function returns", f"a row for each of {rows} that it was given", got))
    return made


def equal_rows(name: str, arrays: dict[str, Any]) -> int:
    """The rows that all of them have. Raises ValueError where they differ, or there are none."""
    counts = {part: int(array.shape[0]) if array.shape else 0 for part, array in arrays.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        got = ", ".join(f"{part} {count:,}" for part, count in counts.items())
        raise ValueError(sentence(name, "arrays", "of the same, non-zero number of rows", got))
    return next(iter(counts.values()))


def check_numbers(file: str, name: str, dtype: np.dtype) -> None:
    """Refuses what is no number. Raises TypeError."""
    if dtype.kind not in "fiub":
        what = "Python objects, which are never loaded" if dtype.hasobject else f"text ({dtype})" if dtype.kind in "US" else str(dtype)
        raise TypeError(sentence(file, name, "numbers", what, "Encode it as numbers first."))
    if dtype.itemsize > 8:
        raise TypeError(sentence(file, name, "numbers of at most 8 bytes", str(dtype), "Save it as float64."))
