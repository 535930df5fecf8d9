"""What a user may write by mistake: one sentence that names the argument, before anything is compiled."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import Checkpoints, Classification, Data, Recipe, Regression, fit, fit_stream, load_model, models, optimizer, save_model
from jaxnn.data import balancing_weights, fold_rows, streaming
from tests.programs import watched
from tests.samples import blobs, classification

X, Y = blobs(12)
RECIPE = classification(epochs=1)
MASK = {"kernel": True, "bias": False}
A_KEY = jax.random.key(0)
MISTAKES = {
    "rows of different lengths": (
        lambda: fit(RECIPE, ([[1.0], [1.0, 2.0]], [0, 1])),
        ValueError,
        "fit: x must be rows of one shape, got a list of",
    ),
    "an empty axis": (
        lambda: fit(RECIPE, (X[:, :0], Y)),
        ValueError,
        r"fit: data must be arrays without an empty axis, got shape \(12, 0\)",
    ),
    "rows as a tuple": (
        lambda: fit(RECIPE, (tuple(Y), Y)),
        ValueError,
        r"fit: data must be arrays with .*, got a single number\. A tuple is several",
    ),
    "a mask of rows": (
        lambda: fit(RECIPE, Data(x=X, y=Y, train=Y > 0)),
        ValueError,
        r"fit: data\.train must be row numbers from 0 to 11, .* Write numpy\.flatnonzero of a mask\.",
    ),
    "a callback that is none": (
        lambda: fit(RECIPE, (X, Y), callback="print"),
        TypeError,
        r"fit: callback must be a function of .*, got 'print'",
    ),
    "half a member": (lambda: fit(RECIPE, (X, Y), member=1.5), ValueError, "fit: member must be a whole number >= 0, got 1.5"),
    "classes as flags": (
        lambda: fit(RECIPE, (X, Y > 0)),
        ValueError,
        r"Classification: y must be .*, got bool .* Write y\.astype\(int\)\.",
    ),
    "a name for a loss": (
        lambda: Regression(models.mlp((), 1), loss="mse"),
        TypeError,
        "Regression: loss must be a Loss of jaxnn.losses, got 'mse'",
    ),
    "a function for a loss": (
        lambda: Regression(models.mlp((), 1), loss=optax.squared_error),
        TypeError,
        "Regression: loss must be a Loss",
    ),
    "weights by name": (
        lambda: Classification(models.mlp((), 3), class_weights="balanced"),
        TypeError,
        r"Classification: class_weights must be a tuple of numbers, .*, got 'balanced'\. .* jaxnn\.data\.balancing_weights\(y\)",
    ),
    "weights in a list": (
        lambda: Classification(models.mlp((), 3), class_weights=[1.0, 1.0, 1.0]),
        TypeError,
        r"got \[1.0, 1.0, 1.0\]\. Write tuple",
    ),
    "NumPy's whole number": (
        lambda: RECIPE.replace(epochs=np.int64(5)),
        ValueError,
        r"Recipe: epochs must be .*, got .*5.*\. Write int\(epochs\)\.",
    ),
    "text for seconds": (lambda: Checkpoints("runs", seconds="5"), ValueError, "Checkpoints: seconds must be a number >= 0, got '5'"),
    "half a fold": (lambda: fold_rows(10, 2.5, seed=0), ValueError, "fold_rows: folds must be a whole number from 2 to"),
    "no model": (lambda: save_model("model.jaxnn", None), TypeError, "save_model: model must be a Run or a Model, got NoneType"),
    "a mask as a tree": (
        lambda: optimizer("adamw", learning_rate=0.1, mask=MASK),
        TypeError,
        "optimizer: mask must be a number, a schedule, or something that can be hashed, got dict. A mask can be a function",
    ),
    "a key for a seed": (
        lambda: optimizer("noisy_sgd", learning_rate=0.1, key=A_KEY),
        TypeError,
        "optimizer: key must be .* a seed",
    ),
    "a flag for a rate": (
        lambda: optimizer("adam", learning_rate=True),
        TypeError,
        "optimizer: learning_rate must be a number or a schedule, got True",
    ),
    "a class's name": (lambda: optimizer("AdamW", learning_rate=0.1), ValueError, r"no optimizer 'AdamW'\. Did you mean adamw"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_in_a_sentence_before_anything_is_compiled(name):
    make, kind, match = MISTAKES[name]
    with watched() as events, pytest.raises(kind, match=match):
        make()
    assert not events.compiled


def test_text_for_a_number_is_told_without_advice_on_classes():
    with pytest.raises(TypeError, match="fit: l2 must be a number") as told:
        fit(RECIPE.replace(l2="a"), (X, Y))
    assert "Give an instance" not in str(told.value)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError, match=r"is a folder\. Give the name of a file in it\."):
        save_model(tmp_path, fit(RECIPE, (X, Y)))


def test_no_rows_can_be_evaluated():
    with pytest.raises(ValueError, match="evaluate: x must be at least one row, got none"):
        fit(RECIPE, (X, Y)).evaluate(X[:0], Y[:0])


def test_rows_may_be_named_in_a_list_and_shares_be_numpys():
    assert fit(RECIPE, Data(x=X, y=Y, train=[0, 1, 2])).epochs == 1
    assert "validation_loss" in fit(RECIPE, (X, Y), validation=np.float32(0.25)).history


def test_optimizers_that_take_any_keyword_and_dtypes_as_options():
    passing_on = optimizer(lambda **numbers: optax.adam(**numbers), learning_rate=0.1)
    assert passing_on.numbers == {"learning_rate": 0.1}
    assert optimizer("adam", learning_rate=0.1, mu_dtype=jnp.dtype("bfloat16")).options == (("mu_dtype", jnp.dtype("bfloat16")),)
    masked = optimizer("adamw", learning_rate=0.1, mask=functools.partial(jax.tree.map, lambda leaf: leaf.ndim > 1))
    assert isinstance(Recipe(RECIPE.task, masked, epochs=1), Recipe) and fit(RECIPE.replace(optimizer=masked), (X, Y)).epochs == 1


def test_of_no_rows_there_are_no_predictions():
    run = fit(RECIPE, (X, Y))
    assert run.predict(X[:0]).shape == (0, 3) and run.predict(X[:0]).dtype == np.float32


def test_a_stream_in_which_no_row_counts_is_refused():
    rows = streaming.arrays(X, Y, np.zeros(len(X)))
    with pytest.raises(ValueError, match="fit_stream: weight must be above 0 for one row at least, got 0 for all of them"):
        fit_stream(RECIPE, rows)


@pytest.mark.parametrize("y", [["a", "b"], [0.0, 1.0], [-1, 0]], ids=repr)
def test_weights_balance_classes_that_are_numbered(y):
    with pytest.raises(ValueError, match=r"balancing_weights: y must be \(rows,\) whole numbers from 0, got"):
        balancing_weights(np.array(y))


def test_a_model_file_is_not_read_before_its_size_is_right(tmp_path):
    path = save_model(tmp_path / "model", fit(RECIPE, (X, Y)))
    with path.open("ab") as file:
        file.truncate(20 * 2**30)  # sparse: it takes no room on the disk, and would in memory
    with pytest.raises(ValueError, match=r"load_model: .* is truncated or damaged: its 21474836480 bytes are not those of its header"):
        load_model(path)


def test_a_home_folder_may_be_written_short(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    fit(RECIPE, (X, Y), checkpoints=Checkpoints("~/runs"))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["epoch-1"]
