"""Metrics as lines of a file. A line is handed to the system whole, so a run that is killed leaves no half of one.

A file that is there is refused rather than written over; ``append=True`` goes on with it, as a resumed run does. What a full disk left
of a line at its end is cut off first.
"""

import csv
import io
import json
import math
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from jaxnn.checks import sentence
from jaxnn.writers.base import Writer

TAIL = 1 << 16
"""Bytes from the end of a file in which its last whole line ends; no line is longer."""


class _Lines(Writer):
    def __init__(self, path: str | Path, *, append: bool = False) -> None:
        self.path = Path(path)
        self.file = _opened(type(self).__name__, self.path, append)
        self.closing = weakref.finalize(self, self.file.close)

    def _write(self, line: str) -> None:
        self.file.write(line.encode())
        self.file.flush()


class JSONL(_Lines):
    """A JSON object a line: epoch, then the metrics by name; what is not finite is null, for JSON has no NaN.

    path: the file, made at once so that a mistake shows before the run. append: go on with a file that is there. Raises FileExistsError,
    FileNotFoundError for a missing folder, OSError for a full disk.
    """

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        finite = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
        self._write(json.dumps({"epoch": epoch, **finite}) + "\n")


class CSV(_Lines):
    """A table with a header: epoch, then a column a metric, every number with all its digits.

    path, append and errors as for ``JSONL``. Raises ValueError for metrics other than those of the header, as when one file is
    written by two runs of different recipes.
    """

    def __init__(self, path: str | Path, *, append: bool = False) -> None:
        super().__init__(path, append=append)
        with self.path.open(newline="", encoding="utf-8") as file:
            self.columns = next(csv.reader(file), [])

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        columns = ["epoch", *metrics]
        if not self.columns:
            self.columns = columns
            self._write(_row(columns))
        if sorted(columns) != sorted(self.columns):
            advice = "Give a run of other metrics a file of its own."
            raise ValueError(sentence("CSV", "metrics", f"the columns of {self.path.name}, {self.columns}", columns, advice))
        row = {"epoch": epoch, **metrics}
        self._write(_row([row[name] for name in self.columns]))


def _row(values: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _opened(where: str, path: Path, append: bool) -> BinaryIO:
    if not path.parent.is_dir():
        raise FileNotFoundError(sentence(where, "path", "in a folder that is there", repr(str(path)), f"Make {path.parent} first."))
    if not append and path.exists():
        advice = "Choose another, remove it, or write append=True to go on with it."
        raise FileExistsError(sentence(where, "path", "a new file", f"{str(path)!r}, which exists", advice))
    file = path.open("ab" if append else "xb")
    if append:
        _cut_half_line(path, file)
    return file


def _cut_half_line(path: Path, file: BinaryIO) -> None:
    size = path.stat().st_size
    start = max(0, size - TAIL)
    with path.open("rb") as reader:
        reader.seek(start)
        whole = reader.read().rfind(b"\n") + 1
    file.truncate(start + whole)
