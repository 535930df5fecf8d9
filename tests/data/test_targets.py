"""Targets: which are classes, their names and numbers, quantities in their units, and weights that balance classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.utils.class_weight import compute_class_weight

from jaxnn.data import Classes, Quantity, balancing_weights, infer_kind
from tests.data.samples import text


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (text("a", "b"), "classification"),
        (np.array([True, False]), "classification"),
        (np.arange(20), "classification"),
        (np.arange(21), "regression"),
        (np.array([0.0, 1.0, 1.0]), "classification"),
        (np.array([0.5, 1.0]), "regression"),
        (np.arange(500.0), "regression"),
    ],
)
def test_infer_kind(target, kind):
    assert infer_kind(target) == kind


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (np.array([10, 9, -1]), ("-1", "9", "10")),
        (np.array([1.0, 0.5]), ("0.5", "1")),
        (np.array([True, False]), ("False", "True")),
        (text("b", "a", "B"), ("B", "a", "b")),
    ],
)
def test_class_names_and_numbers(target, names):
    classes = Classes.fit("y", target)
    assert classes.classes == names
    assert classes.encode(target).dtype == np.int32
    assert [names[code] for code in classes.encode(target)] == classes.decode(classes.encode(target)).tolist()


def test_whole_numbers_written_as_fractions_are_the_same_classes():
    assert Classes.fit("y", np.array([0, 1])).encode(np.array([1.0, 0.0])).tolist() == [1, 0]


@given(arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e6, 1e6, width=32), unique=True))
def test_quantities_come_back_in_their_units(target):
    quantity = Quantity.fit("y", target)
    encoded = quantity.encode(target)
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded.mean(dtype=np.float64), 0, atol=1e-5)
    np.testing.assert_allclose(quantity.restore(encoded), target, rtol=1e-6, atol=1e-6 * np.abs(target).max() + 1e-6 * quantity.scale)


def test_balancing_weights_are_those_of_scikit_learn():
    y = np.array([0, 2, 2, 1, 2, 2, 0])
    assert balancing_weights(y) == pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=y))
    assert balancing_weights(y, 4)[3] == 0
