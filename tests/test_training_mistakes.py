"""fit: what is refused, in one sentence before anything is compiled."""

import numpy as np
import optax
import pytest

from jaxnn import Classification, Data, EarlyStopping, Recipe, Regression, fit, models, optimizer
from tests.programs import watched
from tests.samples import blobs, classification, plane, regression

ROWS = 40
X, Y = blobs(ROWS)


def damaged(value: float, count: int = 1) -> np.ndarray:
    x = X.copy()
    x.ravel()[:count] = value
    return x


MISTAKES = {
    "no pair": (classification(), X, {}, TypeError, r"fit: data must be \(x, y\) or \(x, y, weight\), got ndarray"),
    "unequal lengths": (
        classification(),
        (X, Y[:-1]),
        {},
        ValueError,
        "fit: data must be arrays of the same, .* number of rows, got 39 and 40",
    ),
    "no rows": (classification(), (X[:0], Y[:0]), {}, ValueError, "fit: data must be arrays of the same, non-zero number of rows, got 0"),
    "numbers in place of arrays": (classification(), (1.0, 2), {}, ValueError, "fit: data must be arrays with rows along their"),
    "NaN": (classification(), (damaged(np.nan), Y), {}, ValueError, "fit: x must be finite numbers, got 1 NaN or infinite of 160"),
    "infinity": (classification(), (damaged(np.inf, 3), Y), {}, ValueError, "fit: x must be finite numbers, got 3 NaN or infinite"),
    "too large for float32": (
        classification(),
        (damaged(1.0).astype("float64") * 1e300, Y),
        {},
        ValueError,
        r"fit: x must be numbers that float32 can hold, got larger ones\. Scale them first\.",
    ),
    "too large for int32": (
        classification(),
        (X, Y.astype("int64") + 3_000_000_000),
        {},
        ValueError,
        r"fit: y must be from -2147483648 to 2147483647, as int32 is, got 3000000000 to 3000000002\. Number those .* numpy\.unique",
    ),
    "too large for int32 in validation": (
        classification(),
        (X, Y),
        {"validation": (X, np.full(ROWS, 2**32 + 1))},
        ValueError,
        r"fit: y must be from -2147483648 to 2147483647, as int32 is, got 4294967297 to 4294967297",
    ),
    "too large for int32 when joined": (
        classification(),
        (X, Y.astype("int32")),
        {"validation": (X, np.full(ROWS, 3_000_000_000, "uint32"))},
        ValueError,
        r"fit: validation must be from -2147483648 to 2147483647, as int32 is, got 0 to 3000000000",
    ),
    "NaN in y": (regression(), (X, np.full(ROWS, np.nan)), {}, ValueError, "fit: y must be finite numbers, got 40 NaN or infinite of 40"),
    "text": (classification(), (X, np.array(["a"] * ROWS)), {}, TypeError, r"fit: y must be numbers, got dtype <U1\. Encode text"),
    "objects": (classification(), (X.astype(object), Y), {}, TypeError, "fit: x must be numbers, got dtype object"),
    "whole numbers in x": (classification(), (X.astype(int), Y), {}, TypeError, "Dense: x must be a floating-point array, got dtype int32"),
    "one axis": (classification(), (X[:, 0], Y), {}, ValueError, r"Dense: x must be of shape \(batch, \.\.\., inputs\), got shape \(1,\)"),
    "no targets": (classification(), (X, None), {}, ValueError, "Classification: y must be given, one target for each row, got None"),
    "classes from 1": (classification(), (X, Y + 1), {}, ValueError, "Classification: y must be .* from 0 to 2, got 1 to 3"),
    "negative classes": (classification(), (X, Y - 1), {}, ValueError, "Classification: y must be .* from 0 to 2, got -1 to 1"),
    "classes as fractions": (classification(), (X, Y / 2), {}, ValueError, r"Classification: y must be .*, got float32 of shape \(40,\)"),
    "one-hot classes": (
        classification(),
        (X, np.eye(3)[Y]),
        {},
        ValueError,
        r"Classification: y must be .* got float32 of shape \(40, 3\)",
    ),
    "classes where numbers should be": (regression(), (X, Y), {}, ValueError, "Regression: y must be floating-point"),
    "two outputs for one number": (
        Recipe(Regression(models.mlp((), 2)), optimizer(optax.sgd, learning_rate=0.1)),
        plane(),
        {},
        ValueError,
        r"Regression: the model's output must be of shape \(batch, 1\)",
    ),
    "early stopping without validation": (
        classification(early_stopping=EarlyStopping()),
        (X, Y),
        {},
        ValueError,
        r"fit: validation must be given, for early_stopping watches it, got None\. For instance validation=0\.2",
    ),
    "a share of 1": (classification(), (X, Y), {"validation": 1.0}, ValueError, "share must be between 0 and 1, both excluded, got 1.0"),
    "a share of nothing": (classification(), (X, Y), {"validation": 0.001}, ValueError, "share must be enough for a row on each side"),
    "a number of rows": (classification(), (X, Y), {"validation": 8}, TypeError, "fit: validation must be a share of the rows such as 0.2"),
    "a name": (classification(), (X, Y), {"validation": "20%"}, TypeError, r"fit: validation must be .*, got '20%'"),
    "validation twice": (
        classification(),
        Data(x=X, y=Y, train=np.arange(30), validation=np.arange(30, ROWS)),
        {"validation": 0.2},
        ValueError,
        r"fit: validation must be None where data name rows to validate on, got 0\.2\. Leave the argument out",
    ),
    "validation without targets": (
        classification(),
        (X, Y),
        {"validation": X},
        TypeError,
        r"fit: validation must be .*, or \(x, y\), or None",
    ),
    "validation of another width": (
        classification(),
        (X, Y),
        {"validation": (X[:, :3], Y)},
        ValueError,
        r"fit: validation must be rows like those of data, .*\(4,\).*, got .*\(3,\)",
    ),
    "validation of another kind": (
        classification(),
        (X, Y),
        {"validation": (X, Y / 2)},
        ValueError,
        r"fit: validation must be rows like those of data, .*whole \(\).*, got .*floating-point \(\)",
    ),
    "validation of unequal lengths": (
        classification(),
        (X, Y),
        {"validation": (X, Y[1:])},
        ValueError,
        "fit: data must be .*, got 39 and 40",
    ),
    "NaN in validation": (classification(), (X, Y), {"validation": (damaged(np.nan), Y)}, ValueError, "fit: x must be finite numbers"),
    "rows that are not there": (
        classification(),
        Data(x=X, y=Y, train=np.array([0, ROWS])),
        {},
        ValueError,
        r"fit: data\.train must be row numbers from 0 to 39",
    ),
    "no rows to train on": (classification(), Data(x=X, y=Y, train=np.arange(0)), {}, ValueError, r"fit: data\.train must be row numbers"),
    "a mask of rows": (
        classification(),
        Data(x=X, y=Y, train=np.arange(ROWS), validation=np.ones(ROWS, bool)),
        {},
        ValueError,
        r"fit: data\.validation must be row numbers",
    ),
    "learning rate below 0": (
        classification(learning_rate=-0.1),
        (X, Y),
        {},
        ValueError,
        r"learning_rate must be in \[0, inf\), got -0\.1",
    ),
    "dropout of 1": (
        classification(dropout=1.0),
        (X, Y),
        {},
        ValueError,
        r"fit: task\.model\.layers\[2\]\.rate must be in \[0, 1\), got 1",
    ),
    "L2 of NaN": (classification(l2=np.nan), (X, Y), {}, ValueError, r"fit: l2 must be in \[0, inf\), got nan"),
    "patience of 0": (
        classification(early_stopping=EarlyStopping(patience=0)),
        (X, Y),
        {"validation": 0.25},
        ValueError,
        r"fit: early_stopping\.patience must be in \[1, inf\), got 0",
    ),
    "no recipe": (classification().task, (X, Y), {}, TypeError, "fit: recipe must be a Recipe, got Classification"),
    "a model in place of a task": (
        Recipe(models.mlp((), 3), optimizer(optax.sgd, learning_rate=0.1)),
        (X, Y),
        {},
        TypeError,
        r"fit: task must be made as in Classification\(model\), got Chain",
    ),
    "optax's optimizer": (
        Recipe(Classification(models.mlp((), 3)), optax.sgd(0.1)),
        (X, Y),
        {},
        TypeError,
        r"fit: optimizer must be made as in optimizer\(optax\.adam, learning_rate=1e-3\)",
    ),
    "patience in place of early stopping": (
        classification(early_stopping=5),
        (X, Y),
        {},
        TypeError,
        r"fit: early_stopping must be made as in EarlyStopping\(patience=5\), got 5",
    ),
    "a key of text": (classification(), (X, Y), {"key": "0"}, TypeError, "fit: key must be a whole number or one JAX random key"),
    "a fraction for a key": (classification(), (X, Y), {"key": 0.5}, TypeError, "fit: key must be a whole number"),
}


@pytest.mark.parametrize(("recipe", "data", "options", "error", "match"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_one_sentence_before_anything_is_compiled(recipe, data, options, error, match):
    with watched() as events, pytest.raises(error, match=match) as raised:
        fit(recipe, data, **options)
    assert not events.compiled
    assert "\n" not in str(raised.value)
