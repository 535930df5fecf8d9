"""Data that stay on disk: a ``Source`` reads the rows that are asked for, in any order, and holds no more of the file than these.

`npy`, `npz`, `parquet` and `array_record` make one of files, `arrays` of whatever takes row numbers in brackets; ``jaxnn.fit_stream``
trains on one. What is wrong with a file is told when the source is made, by the name of file and column.
"""

from jaxnn.data.streaming.mapped import npy, npz
from jaxnn.data.streaming.records import array_record
from jaxnn.data.streaming.source import Source, arrays
from jaxnn.data.streaming.tables import parquet

__all__ = ["Source", "array_record", "arrays", "npy", "npz", "parquet"]
