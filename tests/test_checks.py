"""Ranges and the sentences that name the number out of them."""

import math

import jax
import optax
import pytest

from jaxnn import Classification, EarlyStopping, Recipe, models, optimizer
from jaxnn.checks import check_ranges, check_whole, nearest, sentence
from jaxnn.layers import Chain, Dense, ReLU
from jaxnn.typing import Range
from tests.samples import classification


def test_a_sentence_says_where_what_and_what_to_try():
    assert sentence("fit", "epochs", "a whole number", 0) == "fit: epochs must be a whole number, got 0."
    assert sentence("fit", "epochs", "a whole number", 0, "Try 1.") == "fit: epochs must be a whole number, got 0. Try 1."


def test_nearest_names():
    assert nearest("sigmod", ["sigmoid", "tanh"]) == "Did you mean sigmoid?"
    assert nearest("zzz", ["sigmoid", "tanh"]) == "Known: sigmoid, tanh."


@pytest.mark.parametrize("value", [0, -1, 1.0, True, None, "1", math.nan])
def test_whole_numbers(value):
    check_whole("fit", "epochs", 1, low=1)
    with pytest.raises(ValueError, match=r"fit: epochs must be a whole number >= 1, got"):
        check_whole("fit", "epochs", value, low=1)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_range_has_what_is_not_finite(value):
    assert value not in Range() and value not in Range(0, 1)


def test_ends_of_ranges():
    assert 0 in Range(0, 1) and 1 in Range(0, 1)
    assert 0 not in Range(0, 1, open_low=True) and 1 not in Range(0, 1, open_high=True)
    assert str(Range(0, 1, open_low=True)) == "(0, 1]" and str(Range(0)) == "[0, inf)" and str(Range()) == "(-inf, inf)"


def sgd(**numbers: float) -> optax.GradientTransformation:
    return optimizer(optax.sgd, **({"learning_rate": 0.1} | numbers))


@pytest.mark.parametrize(
    ("recipe", "path"),
    [
        (classification(learning_rate=-0.1), r"optimizer\.numbers\.learning_rate must be in \[0, inf\), got -0\.1"),
        (classification(learning_rate=math.nan), r"optimizer\.numbers\.learning_rate must be in \[0, inf\), got nan"),
        (classification(optimizer=sgd(momentum=1.0)), r"optimizer\.numbers\.momentum must be in \[0, 1\), got 1"),
        (classification(dropout=1.0), r"task\.model\.layers\[2\]\.rate must be in \[0, 1\), got 1"),
        (classification(dropout=-0.1), r"task\.model\.layers\[2\]\.rate must be in \[0, 1\), got -0\.1"),
        (classification(l2=-1e-3), r"l2 must be in \[0, inf\), got -0\.001"),
        (classification(l2=math.inf), r"l2 must be in \[0, inf\), got inf"),
        (classification(early_stopping=EarlyStopping(patience=0)), r"early_stopping\.patience must be in \[1, inf\), got 0"),
        (classification(early_stopping=EarlyStopping(min_delta=-1.0)), r"early_stopping\.min_delta must be in \[0, inf\), got -1"),
    ],
)
def test_numbers_out_of_range_are_named_by_their_whole_path(recipe, path):
    with pytest.raises(ValueError, match="^fit: " + path):
        check_ranges("fit", recipe)


def test_what_is_no_number_is_named_too():
    recipe = Recipe(Classification(Chain((Dense(3), ReLU))), sgd())
    with pytest.raises(TypeError, match=r"fit: task\.model\.layers\[1\] must be a number or a record of numbers, got .*ReLU\(\) and not"):
        check_ranges("fit", recipe)
    with pytest.raises(TypeError, match=r"fit: l2 must be a number or a record of numbers, got '0\.1'"):
        check_ranges("fit", classification(l2="0.1"))


def test_traced_numbers_pass():
    jax.jit(lambda recipe: check_ranges("fit", recipe))(classification(dropout=1.5))


def test_recipes_that_are_in_range_pass():
    check_ranges("fit", classification(dropout=0.0, l2=0.0, early_stopping=EarlyStopping()))
    check_ranges("fit", Recipe(Classification(models.mlp((), 2, activation="elu")), sgd(momentum=0.0)))
