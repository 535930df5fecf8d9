"""ArrayRecord files: records of bytes that can be read in any order."""

import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxnn.checks import sentence
from jaxnn.data.streaming.mapped import existing
from jaxnn.data.streaming.source import Rows, Source, check_numbers

DAMAGE = (RuntimeError, ValueError, LookupError, OSError)
Decode = Callable[[bytes], tuple[Any, ...]]


class Part(NamedTuple):
    """One file as Grain wants it told, without opening it again: all of its `take` records."""

    filename: str
    skip: int
    take: int
    examples_in_shard: int


def array_record(paths: str | Path | Sequence[str | Path], decode: Decode) -> Source:
    """A source of ArrayRecord files, one after the other, as Grain reads them.

    decode: from the bytes of a record to one example, (x, y) or (x, y, weight), arrays or numbers; y may be None. Nothing is
    unpickled: ``numpy.frombuffer`` is what most need. Every record must have the shapes and dtypes of the first. Raises ImportError
    without grain, FileNotFoundError, TypeError for what is no number, ValueError for a damaged file, no records, and what `decode`
    raises of one, with its number and its file.
    """
    try:
        from grain.sources import ArrayRecordDataSource
    except ImportError as error:
        raise ImportError('Reading ArrayRecord files needs grain: pip install "jaxnn-toolkit[stream]".') from error
    files = [existing(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    if not files:
        raise ValueError(sentence("array_record", "paths", "one file or several", "none", "Is the pattern right?"))
    parts = [_part(file, ArrayRecordDataSource) for file in files]
    rows = sum(part.take for part in parts)
    if not rows:
        raise ValueError(sentence(files[0].name, "records", "at least one", "none", "Close the writer once all of them are written."))
    records = Records(ArrayRecordDataSource(parts), parts, decode)
    records.like = records.examples(np.array([0]))[0]
    for part, array in records.like._asdict().items():
        if array is not None:
            check_numbers(files[0].name, f"{part} of a record", array.dtype)
    return Source(files[0].name, rows, records.read)


def _part(file: Path, open_files: Any) -> Part:
    try:
        count = len(open_files([str(file)]))
        return Part(str(file), 0, count, count)
    except DAMAGE:
        raise _damaged(file.name) from None


class Records:
    """Records of several files; `like` is the first example, which all others are like."""

    def __init__(self, records: Any, parts: Sequence[Part], decode: Decode) -> None:
        self.records, self.parts, self.decode = records, parts, decode
        self.like: Rows | None = None

    def read(self, rows: np.ndarray) -> Rows:
        """These rows, decoded."""
        return Rows(*(None if part[0] is None else np.stack(part) for part in zip(*self.examples(rows), strict=True)))

    def examples(self, rows: np.ndarray) -> list[Rows]:
        """One by one."""
        numbers = rows.tolist()
        try:
            read = self.records.__getitems__(numbers)
        except DAMAGE:
            raise self._damaged(numbers) from None
        return [self._example(number, record) for number, record in zip(numbers, read, strict=True)]

    def _example(self, number: int, record: bytes) -> Rows:
        try:
            decoded = self.decode(record)
            parts = [None if part is None else np.asarray(part) for part in decoded] if isinstance(decoded, tuple) else []
        except Exception as error:
            file, own = self._place(number)
            got = f"{len(record)} of which it raised {type(error).__name__} ({error})"
            raise ValueError(sentence(file, f"record {own}", "bytes that decode can read", got)) from error
        if not 0 < len(parts) <= len(Rows._fields) or parts[0] is None:
            got = f"a tuple of {len(decoded)}" if isinstance(decoded, tuple) else type(decoded).__name__
            raise TypeError(sentence("array_record", "what decode returns", "a tuple, (x, y) or (x, y, weight)", got))
        example = Rows(*parts)
        if self.like is not None and not _alike(example, self.like):
            file, own = self._place(number)
            advice = "Pad or cast them in decode, so that all are alike."
            raise ValueError(sentence(file, f"record {own}", f"like the first, {_form(self.like)}", _form(example), advice))
        return example

    def _damaged(self, numbers: Sequence[int]) -> ValueError:
        """The error for the first of these records that can't be read."""
        for number in numbers:
            try:
                self.records[number]
            except DAMAGE:
                file, own = self._place(number)
                return ValueError(f"{file} is damaged: record {own} can't be read. Write the file again.")
        return _damaged(self._place(numbers[0])[0])

    def _place(self, number: int) -> tuple[str, int]:
        """Name of the file that a record is in, and its number there."""
        ends = list(accumulate(part.take for part in self.parts))
        index = bisect_right(ends, number)
        return Path(self.parts[index].filename).name, number - ends[index] + self.parts[index].take


def _alike(one: Rows, other: Rows) -> bool:
    return all(
        a is b is None or (a is not None and b is not None and a.shape == b.shape and a.dtype == b.dtype)
        for a, b in zip(one, other, strict=True)
    )


def _form(example: Rows) -> str:
    parts = zip(Rows._fields, example, strict=True)
    return ", ".join(f"{part} {array.shape} {array.dtype}" for part, array in parts if array is not None)


def _damaged(file: str) -> ValueError:
    return ValueError(f"{file} is damaged or not an ArrayRecord file. Write it again.")
