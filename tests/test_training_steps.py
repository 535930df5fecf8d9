"""fit against scikit-learn, step for step from the same weights."""

import jax
import numpy as np
import optax
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from jaxnn import BinaryClassification, Classification, Data, Recipe, Regression, advance, models, optimizer, start
from jaxnn.compiling import compiled
from jaxnn.training import key_data
from tests.samples import blobs, plane, sklearn_params
from tests.tolerances import assert_close, precision

SOLVERS = {
    "gradient descent": ({"solver": "sgd", "momentum": 0.0}, lambda rate: optimizer(optax.sgd, learning_rate=rate)),
    "momentum": (
        {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False},
        lambda rate: optimizer(optax.sgd, learning_rate=rate, momentum=0.8),
    ),
    "nesterov": (
        {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": True},
        lambda rate: optimizer(optax.sgd, learning_rate=rate, momentum=0.8, nesterov=True),
    ),
    "adam": ({"solver": "adam", "epsilon": 1e-14}, lambda rate: optimizer(optax.adam, learning_rate=rate, eps=1e-14)),
}
STEPS, RATE, ALPHA = 6, 0.1, 0.5


def sklearn_walk(make, x, y, **options):
    """The weights that scikit-learn starts from, and those after each of STEPS steps over all rows."""
    classes = {} if make is MLPRegressor else {"classes": np.unique(y)}
    shared = {"hidden_layer_sizes": (5,), "activation": "tanh", "alpha": ALPHA, "batch_size": len(x), "shuffle": False, "random_state": 1}
    still = make(**shared, solver="sgd", momentum=0.0, learning_rate_init=1e-300).partial_fit(x, y, **classes)
    model = make(**shared, learning_rate_init=RATE, **options)
    after = [sklearn_params(model.partial_fit(x, y, **classes)) for _ in range(STEPS)]
    return sklearn_params(still), after


def our_walk(recipe, x, y, params):
    """Our parameters after each of STEPS epochs of one step, from the given ones."""
    data = jax.device_put(Data(x=x, y=y, train=np.arange(len(x), dtype=np.int32)))
    state = compiled(start, once=True)(recipe, data, key_data(0), np.int32(0)).replace(params=params)
    after = []
    for _ in range(STEPS):
        state, _ = compiled(advance, once=True, static=("epochs",))(recipe, state, data, epochs=1)
        after.append(state.params)
    return after


@pytest.mark.parametrize("name", SOLVERS)
def test_regression_is_scikit_learns_step_for_step(name):
    """Its loss is half of ours and its penalty alpha / (2 rows), so its step is twice ours, and l2 = alpha / rows; Adam does not mind
    the scale."""
    with precision("float64"):
        x, y = plane(dtype="float64")
        options, make = SOLVERS[name]
        before, theirs = sklearn_walk(MLPRegressor, x, y, **options)
        model = Regression(models.mlp((5,), 1, activation="tanh"))
        ours = our_walk(Recipe(model, make(RATE if name == "adam" else RATE / 2), batch_size=1000, l2=ALPHA / len(x)), x, y, before)
        assert_close(ours, theirs)


@pytest.mark.parametrize("classes", [2, 3])
def test_classification_is_scikit_learns_step_for_step(classes):
    with precision("float64"):
        x, y = blobs(classes=classes, dtype="float64")
        options, make = SOLVERS["nesterov"]
        before, theirs = sklearn_walk(MLPClassifier, x, y, **options)
        task = BinaryClassification if classes == 2 else Classification
        model = models.mlp((5,), 1 if classes == 2 else classes, activation="tanh")
        recipe = Recipe(task(model), make(RATE), batch_size=1000, l2=ALPHA / (2 * len(x)), gradients="backprop")
        assert_close(our_walk(recipe, x, y, before), theirs)
