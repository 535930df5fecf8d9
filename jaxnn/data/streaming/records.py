"""ArrayRecord files: records of bytes that can be read in any order."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxnn.data.streaming.mapped import existing
from jaxnn.data.streaming.source import Rows, Source


def array_record(paths: str | Path | Sequence[str | Path], decode: Callable[[bytes], tuple[Any, ...]]) -> Source:
    """A source of ArrayRecord files, one after the other, as Grain reads them.

    decode: from the bytes of a record to one example, (x, y) or (x, y, weight), arrays or numbers; y may be None. Nothing is
    unpickled: ``numpy.frombuffer`` is what most need. Raises ImportError without grain, FileNotFoundError, ValueError for a
    damaged file.
    """
    try:
        from grain.sources import ArrayRecordDataSource
    except ImportError as error:
        raise ImportError('Reading ArrayRecord files needs grain: pip install "jaxnn-toolkit[stream]".') from error
    files = [existing(Path(path)) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    name = files[0].name
    try:
        records = ArrayRecordDataSource([str(file) for file in files])
    except (RuntimeError, ValueError, OSError):
        raise ValueError(f"{name} is damaged or not an ArrayRecord file. Write it again.") from None

    def read(rows: np.ndarray) -> Rows:
        examples = [decode(record) for record in records.__getitems__(rows.tolist())]
        return Rows(*(None if part[0] is None else np.stack(part) for part in zip(*examples, strict=True)))

    return Source(name, len(records), read)
