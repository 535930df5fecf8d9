"""Targets: weights that balance classes."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from jaxnn.data import balancing_weights


def test_balancing_weights_are_those_of_scikit_learn():
    y = np.array([0, 2, 2, 1, 2, 2, 0])
    assert balancing_weights(y) == pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=y))
    assert balancing_weights(y, 4)[3] == 0
