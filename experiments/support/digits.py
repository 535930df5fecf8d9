"""Handwritten digits as images (rows, height, width, 1) from 0 to 1: MNIST where its file is, else scikit-learn's of 8 x 8 pixels."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits

from experiments.support.runner import data_folder
from jaxnn.data import split_rows

Examples = tuple[np.ndarray, np.ndarray]
"""x (rows, height, width, 1) float32, y (rows,) int32."""


class Digits(NamedTuple):
    """Rows to train on, to choose by, and to report; name says which digits they are."""

    name: str
    train: Examples
    validation: Examples
    test: Examples


def read_digits(folder: str | None, rows: int) -> Digits:
    """The first training rows, and all held-out rows, of mnist.npz in the folder or $JAXNN_DATA; of the bundled digits without one."""
    found = data_folder(folder)
    path = None if found is None else found / "mnist.npz"
    return read_mnist(path, rows) if path is not None and path.is_file() else read_bundled(rows)


def read_mnist(path: Path, rows: int) -> Digits:
    """MNIST in Nielsen's split: 50,000 rows to train on, 10,000 to validate, 10,000 to test; x_train, y_train, x_val, ... as uint8."""
    with np.load(path, allow_pickle=False) as file:
        parts = [_examples(file[f"x_{part}"], file[f"y_{part}"], 28, 255) for part in ("train", "val", "test")]
    (x, y), validation, test = parts
    return Digits("MNIST", (x[:rows], y[:rows]), validation, test)


def read_bundled(rows: int) -> Digits:
    """The 1,797 digits that come with scikit-learn, a fifth each to validate and to test, drawn by class."""
    x, y = load_digits(return_X_y=True)
    rest, test = split_rows(len(x), 0.2, seed=0, classes=y)
    train, validation = split_rows(len(rest), 0.25, seed=0, classes=y[rest])
    train_part, *held_out = (_examples(x[part], y[part], 8, 16) for part in (rest[train], rest[validation], test))
    return Digits("digits", (train_part[0][:rows], train_part[1][:rows]), *held_out)


def flat(examples: Examples) -> Examples:
    """Images as rows of pixels (rows, height * width)."""
    x, y = examples
    return x.reshape(len(x), -1), y


def sizes(digits: Digits) -> dict[str, object]:
    """What a result says of its data."""
    return {"name": digits.name, "pixels": digits.train[0].shape[1:3]} | {
        part: len(getattr(digits, part)[1]) for part in ("train", "validation", "test")
    }


def _examples(x: np.ndarray, y: np.ndarray, side: int, brightest: int) -> Examples:
    return (x.reshape(-1, side, side, 1) / np.float32(brightest)).astype(np.float32), y.astype(np.int32)
