"""The bundled data sets are scikit-learn's own, value for value."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
import sklearn.datasets

from jaxnn.data import bundled, infer_kind, load
from jaxnn.data.bundles import SOURCES, _from_sklearn, load_bundled

NAMES = ["digits", "iris", "wine", "breast_cancer", "diabetes"]


def theirs(name: str):
    return getattr(sklearn.datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))


@pytest.mark.parametrize("name", NAMES)
def test_equal_to_scikit_learn(name):
    ours, expected = load(name), theirs(name)
    assert ours.columns == tuple(expected.feature_names)
    assert np.array_equal(ours.numbers, expected.data)
    if name in ("digits", "diabetes"):
        assert np.array_equal(ours.target, expected.target)
    else:
        assert ours.target.tolist() == [str(expected.target_names[code]) for code in expected.target]


@pytest.mark.parametrize("name", NAMES)
def test_description_tells_the_truth(name):
    dataset, words = load(name), bundled()[name]
    assert words.startswith(f"{dataset.rows:,} rows, {len(dataset.columns)} columns, ")
    task = f"{len(set(dataset.target))} classes" if infer_kind(dataset.target) == "classification" else "regression"
    assert task in words


def test_all_are_listed():
    assert list(bundled()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_slow_way_gives_the_same(name):
    values, target = _from_sklearn(name)
    fast = load_bundled(name)
    assert np.array_equal(values, fast.numbers)
    assert np.array_equal(target, fast.target)


def test_files_elsewhere_fall_back_to_scikit_learn(tmp_path, monkeypatch):
    monkeypatch.setattr("jaxnn.data.bundles._folder", lambda: tmp_path)
    assert np.array_equal(load("iris").numbers, theirs("iris").data)


def test_the_files_are_where_the_fast_way_looks():
    from jaxnn.data.bundles import _folder

    for source in SOURCES.values():
        assert (_folder() / source.file).is_file()


def test_loading_imports_neither_scikit_learn_nor_pyarrow():
    code = "import sys; from jaxnn.data import load; load('digits'); assert not {'sklearn', 'pyarrow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'The bundled data sets come with scikit-learn: pip install "jaxnn-toolkit\[cli\]"'):
        load("iris")


def test_a_bundled_set_has_its_own_target():
    assert load("iris", "target").target_name == "target"
    with pytest.raises(ValueError, match=r"The bundled data set iris has a target of its own\. Leave --target 'species' out"):
        load("iris", "species")
