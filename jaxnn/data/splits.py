"""Which rows train and which are held out: index arrays, shuffled by a seed, stratified by class where there are classes.

Throughout, `classes` is an integer class for every row, shape (rows,), and `names` gives the word for class 0, 1, ...
so that an error can speak of 'setosa' and not of class 0.
"""

from collections.abc import Sequence

import numpy as np

from jaxnn.checks import sentence

Rows = np.ndarray  # row numbers, int32, shape (some,)


def split_rows(
    rows: int, share: float, *, seed: int, classes: np.ndarray | None = None, names: Sequence[str] | None = None
) -> tuple[Rows, Rows]:
    """Splits rows into (rest, held out): disjoint, covering, both shuffled.

    `round(share * rows)` rows are held out. With `classes`, a class of n rows gives share * n of them, rounded by largest
    remainder, and at least one row of every class lands on either side.

    Raises `ValueError` for a share outside (0, 1), too few rows for it, one class only, or a class with a single row.

    >>> rest, held_out = split_rows(10, 0.2, seed=0, classes=np.array([0] * 5 + [1] * 5))
    >>> len(rest), sorted(int(row) // 5 for row in held_out)
    (8, [0, 1])
    """
    held_total = _held_total(rows, share)
    order = np.random.default_rng(seed).permutation(rows).astype(np.int32)
    held = np.arange(rows) < held_total
    if classes is not None:
        labels = _labels(rows, classes)
        sizes = _class_sizes(classes, names, low=2, why="one row for each side of the split")
        held = _rank_in_class(labels[order]) < _apportion(sizes, held_total, rows)[labels[order]]
    return order[~held], order[held]


def fold_rows(
    rows: int, folds: int, *, seed: int, classes: np.ndarray | None = None, names: Sequence[str] | None = None
) -> list[tuple[Rows, Rows]]:
    """Splits rows into `folds` pairs (train, validation); every row validates exactly once.

    Validation sizes differ by at most one row, and with `classes` so do those of every class.

    Raises `ValueError` for fewer than two folds, more folds than rows, one class only, or a class with fewer rows than folds.

    >>> [len(validation) for train, validation in fold_rows(10, 3, seed=0)]
    [4, 3, 3]
    """
    if not isinstance(folds, int) or folds < 2 or folds > rows:
        raise ValueError(sentence("fold_rows", "folds", f"a whole number from 2 to the number of rows ({rows})", folds))
    order = np.random.default_rng(seed).permutation(rows).astype(np.int32)
    dealt = np.arange(rows)
    if classes is not None:
        labels = _labels(rows, classes)
        _class_sizes(classes, names, low=folds, why="one row for every fold")
        # Like cards: sorted by class and dealt in turn, neither a class nor the whole can be off by more than one.
        dealt[np.argsort(labels[order], kind="stable")] = np.arange(rows)
    return [(order[dealt % folds != fold], order[dealt % folds == fold]) for fold in range(folds)]


def _held_total(rows: int, share: float) -> int:
    if not 0 < share < 1:
        raise ValueError(sentence("split_rows", "share", "between 0 and 1, both excluded", share))
    total = round(share * rows)
    if not 1 <= total < rows:
        got = f"{share:g} of {rows} rows, which is {total}"
        raise ValueError(sentence("split_rows", "share", "enough for a row on each side", got, "Use more rows or another share."))
    return total


def _labels(rows: int, classes: np.ndarray) -> np.ndarray:
    """The classes as 0, 1, ... without gaps, shape (rows,)."""
    classes = np.asarray(classes)
    if classes.shape != (rows,) or classes.dtype.kind not in "iub":
        got = f"{classes.dtype} of shape {classes.shape}"
        raise ValueError(sentence("splits", "classes", f"a whole number for each of {rows} rows", got))
    return np.unique(classes, return_inverse=True)[1]


def _class_sizes(classes: np.ndarray, names: Sequence[str] | None, *, low: int, why: str) -> np.ndarray:
    """Rows of every class, refused if there is one class only or a class has fewer than `low` rows."""
    present, sizes = np.unique(classes, return_counts=True)
    words = [repr(names[value]) if names is not None and 0 <= value < len(names) else str(value) for value in present]
    if len(sizes) < 2:
        raise ValueError(f"All {len(classes)} rows are of one class ({words[0]}): expected two classes or more. Check the target column.")
    rare = [f"{word} ({size})" for word, size in zip(words, sizes, strict=True) if size < low]
    if rare:
        shown = ", ".join(rare[:5]) + (f" and {len(rare) - 5} more" if len(rare) > 5 else "")
        raise ValueError(
            f"Every class needs at least {low} rows, {why}; too few of: {shown}. Collect more, merge classes or leave these rows out."
        )
    return sizes


def _rank_in_class(labels: np.ndarray) -> np.ndarray:
    """How many rows of the same class come earlier, shape (rows,)."""
    by_class = np.argsort(labels, kind="stable")
    starts = np.cumsum(np.bincount(labels)) - np.bincount(labels)
    rank = np.empty(len(labels), np.int64)
    rank[by_class] = np.arange(len(labels)) - starts[labels[by_class]]
    return rank


def _apportion(sizes: np.ndarray, total: int, rows: int) -> np.ndarray:
    """Shares `total` held-out rows among classes by largest remainder, each class keeping one row on either side."""
    if not len(sizes) <= total <= rows - len(sizes):
        got = f"{total} of {rows} rows held out"
        raise ValueError(sentence("split_rows", "share", f"enough for each of {len(sizes)} classes on both sides", got))
    quotas = sizes * (total / rows)
    held = np.clip(np.floor(quotas).astype(np.int64), 1, sizes - 1)
    while (short := total - held.sum()) != 0:
        # The class furthest from its quota moves first; ties go to the earlier class, so that a seed decides rows and never counts.
        step = np.sign(short)
        movable = held < sizes - 1 if step > 0 else held > 1
        held[np.argmax(np.where(movable, (quotas - held) * step, -np.inf))] += step
    return held
