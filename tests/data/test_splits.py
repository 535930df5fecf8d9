"""Splits and folds: as sets of rows, class by class, against scikit-learn's counts, and what they refuse."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold, train_test_split

from jaxnn.data import fold_rows, split_rows

SEEDS = st.integers(0, 2**32 - 1)
SHARES = st.floats(0.05, 0.95)
SIZES = st.lists(st.integers(2, 40), min_size=2, max_size=6)


def shuffled_classes(sizes: list[int], seed: int = 0) -> np.ndarray:
    classes = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(seed).permutation(classes)


def feasible(sizes: list[int], share: float) -> bool:
    return len(sizes) <= round(share * sum(sizes)) <= sum(sizes) - len(sizes)


@given(st.integers(2, 200), SHARES, SEEDS)
def test_split_is_disjoint_and_covers(rows, share, seed):
    assume(0 < round(share * rows) < rows)
    rest, held = split_rows(rows, share, seed=seed)
    assert sorted([*rest, *held]) == list(range(rows))
    assert len(held) == round(share * rows)
    assert rest.dtype == held.dtype == np.int32


@given(SIZES, SHARES, SEEDS)
def test_stratified_split_keeps_every_class_on_both_sides(sizes, share, seed):
    assume(feasible(sizes, share))
    classes = shuffled_classes(sizes, seed)
    rest, held = split_rows(len(classes), share, seed=seed, classes=classes)
    counts = np.bincount(classes[held], minlength=len(sizes))
    assert sorted([*rest, *held]) == list(range(len(classes)))
    assert len(held) == round(share * len(classes))
    assert np.all(counts >= 1) and np.all(counts < sizes)
    quotas = len(held) * np.array(sizes) / sum(sizes)
    # Where no class has to be lifted to its one row, every class is within a row of its share.
    if np.all(quotas >= 1) and np.all(np.array(sizes) - quotas >= 1):
        assert np.all(np.abs(counts - quotas) < 1)


@given(SIZES, SHARES, SEEDS)
def test_stratified_counts_are_those_of_scikit_learn(sizes, share, seed):
    assume(feasible(sizes, share))
    classes = shuffled_classes(sizes)
    total = round(share * len(classes))
    quotas = total * np.array(sizes) / sum(sizes)
    # Elsewhere scikit-learn leaves classes out, and breaks ties by its seed.
    assume(np.all(quotas >= 1) and np.all(np.array(sizes) - quotas >= 1) and len(set(np.round(quotas % 1, 9))) == len(sizes))
    _, held = split_rows(len(classes), share, seed=seed, classes=classes)
    _, theirs = train_test_split(classes, test_size=total, stratify=classes, random_state=0)
    assert np.bincount(classes[held]).tolist() == np.bincount(theirs).tolist()


@given(SIZES, st.integers(2, 6), SEEDS)
def test_folds_are_those_of_scikit_learn_in_size(sizes, folds, seed):
    assume(min(sizes) >= folds)
    # In order, for scikit-learn numbers classes as they appear.
    classes = np.repeat(np.arange(len(sizes)), sizes)
    ours = fold_rows(len(classes), folds, seed=seed, classes=classes)
    theirs = StratifiedKFold(folds).split(classes, classes)
    for (train, validation), (_, expected) in zip(ours, theirs, strict=True):
        assert sorted([*train, *validation]) == list(range(len(classes)))
        assert np.bincount(classes[validation]).tolist() == np.bincount(classes[expected]).tolist()


@given(st.integers(2, 100), st.integers(2, 10), SEEDS)
def test_every_row_validates_once(rows, folds, seed):
    assume(folds <= rows)
    pairs = fold_rows(rows, folds, seed=seed)
    assert sorted(row for _, validation in pairs for row in validation) == list(range(rows))
    sizes = [len(validation) for _, validation in pairs]
    assert max(sizes) - min(sizes) <= 1
    for train, validation in pairs:
        assert sorted([*train, *validation]) == list(range(rows))


@pytest.mark.parametrize("classes", [None, shuffled_classes([30, 20])], ids=["plain", "stratified"])
def test_a_seed_decides_all_and_another_differs(classes):
    for draw in (
        lambda seed: split_rows(50, 0.3, seed=seed, classes=classes),
        lambda seed: fold_rows(50, 3, seed=seed, classes=classes)[0],
    ):
        first, again, other = draw(1), draw(1), draw(2)
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
        assert not np.array_equal(first[0], other[0])


def test_both_sides_are_shuffled_across_classes():
    classes = np.repeat([0, 1], 100)
    rest, held = split_rows(200, 0.5, seed=0, classes=classes)
    for side in (rest, held):
        assert 10 < np.sum(classes[side[:50]]) < 40


def test_class_numbers_may_have_gaps():
    classes = np.array([3, 3, 3, 9, 9, 9])
    _, held = split_rows(6, 1 / 3, seed=0, classes=classes)
    assert sorted(classes[held]) == [3, 9]


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_share_outside_is_refused(share):
    with pytest.raises(ValueError, match=r"split_rows: share must be between 0 and 1, both excluded, got"):
        split_rows(10, share, seed=0)


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match=r"share must be enough for a row on each side, got 0\.2 of 2 rows, which is 0\. Use more rows"):
        split_rows(2, 0.2, seed=0)
    with pytest.raises(ValueError, match=r"share must be enough for each of 4 classes on both sides, got 2 of 20 rows held out"):
        split_rows(20, 0.1, seed=0, classes=np.arange(20) % 4)


def test_a_rare_class_is_refused_by_name():
    classes = np.array([0, 0, 0, 1, 2, 2])
    with pytest.raises(
        ValueError, match=r"Every class needs at least 2 rows, one row for each side of the split; too few of: 'dog' \(1\)\."
    ):
        split_rows(6, 0.5, seed=0, classes=classes, names=["cat", "dog", "eel"])
    with pytest.raises(ValueError, match=r"Every class needs at least 3 rows, one row for every fold; too few of: 1 \(1\), 2 \(2\)\."):
        fold_rows(6, 3, seed=0, classes=classes)


def test_one_class_is_refused_by_name():
    with pytest.raises(ValueError, match=r"All 6 rows are of one class \('cat'\): expected two classes or more\. Check the target"):
        split_rows(6, 0.5, seed=0, classes=np.zeros(6, int), names=["cat"])


@pytest.mark.parametrize("folds", [1, 11])
def test_wrong_number_of_folds_is_refused(folds):
    with pytest.raises(ValueError, match=rf"fold_rows: folds must be a whole number from 2 to the number of rows \(10\), got {folds}"):
        fold_rows(10, folds, seed=0)


def test_classes_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"classes must be a whole number for each of 6 rows, got int64 of shape \(5,\)"):
        split_rows(6, 0.5, seed=0, classes=np.zeros(5, np.int64))
