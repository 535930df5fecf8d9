"""Small files of rows, written as their kinds prescribe."""

from pathlib import Path

import numpy as np
from array_record.python.array_record_module import ArrayRecordWriter

X, Y = np.arange(36, dtype=np.float32).reshape(12, 3), np.arange(12, dtype=np.int32)


def decode(record: bytes) -> tuple[np.ndarray, np.ndarray]:
    return np.frombuffer(record, np.float32, 3), np.frombuffer(record, np.int32, 1, 12)[0]


def write_records(path: Path, records: list[bytes]) -> Path:
    writer = ArrayRecordWriter(str(path), "group_size:1,uncompressed")
    for record in records:
        writer.write(record)
    writer.close()
    return path


def saved(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path
