"""Dense against NumPy and against scikit-learn's networks from the same weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from jaxnn.layers import Dense, ReLU
from jaxnn.models import mlp
from jaxnn.tasks import BinaryClassification, Classification, Regression
from tests.samples import sklearn_params
from tests.tolerances import draw, precision


def test_output_is_numpys():
    layer, x = Dense(3), draw((5, 2, 4))
    params = layer.init(jax.random.key(0), x)
    y = np.asarray(x) @ np.asarray(params["kernel"]) + np.asarray(params["bias"])
    assert np.allclose(layer.apply(params, x), y, atol=1e-6)
    assert np.all(params["bias"] == 0)


@pytest.mark.parametrize(("name", "theirs"), [("relu", "relu"), ("tanh", "tanh"), ("sigmoid", "logistic")])
def test_regression_predicts_what_scikit_learn_predicts_from_the_same_weights(name, theirs):
    x, y = np.random.default_rng(0).normal(size=(30, 4)), np.random.default_rng(1).normal(size=30)
    model = MLPRegressor(hidden_layer_sizes=(6, 5), activation=theirs, random_state=0).partial_fit(x, y)
    with precision("float64"):
        ours = Regression(mlp((6, 5), 1, activation=name)).predict(sklearn_params(model, 1), jnp.asarray(x))
        assert np.allclose(ours, model.predict(x), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_scikit_learns_from_the_same_weights(classes):
    x, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % classes
    model = MLPClassifier(hidden_layer_sizes=(6,), random_state=0).partial_fit(x, y, classes=range(classes))
    with precision("float64"):
        task = BinaryClassification(mlp((6,), 1)) if classes == 2 else Classification(mlp((6,), 3))
        ours = task.predict(sklearn_params(model), jnp.asarray(x))
        theirs = model.predict_proba(x)
        assert np.allclose(ours, theirs[:, 1] if classes == 2 else theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("features", [0, -1, 2.0, True, "3"])
def test_features_must_be_a_whole_number(features):
    with pytest.raises(ValueError, match="Dense: features must be a whole number >= 1"):
        Dense(features)


def test_inputs_must_have_a_batch_axis_the_width_and_floats():
    layer = Dense(3)
    with pytest.raises(ValueError, match=r"Dense: x must be of shape \(batch, \.\.\., inputs\), got shape \(4,\)"):
        layer.init(jax.random.key(0), jnp.ones(4))
    with pytest.raises(TypeError, match="Dense: x must be a floating-point array, got dtype int32"):
        layer.init(jax.random.key(0), jnp.ones((2, 4), jnp.int32))
    params = layer.init(jax.random.key(0), jnp.ones((2, 4)))
    with pytest.raises(ValueError, match=r"Dense: x must be of shape \(batch, \.\.\., 4\), as its parameters are, got shape \(2, 5\)"):
        layer.apply(params, jnp.ones((2, 5)))


def test_mlp_is_dense_layers_with_the_activation_between():
    assert mlp((7, 5), 2).layers == (
        Dense(7, initializer=jax.nn.initializers.he_normal),
        ReLU(),
        Dense(5, initializer=jax.nn.initializers.he_normal),
        ReLU(),
        Dense(2),
    )
    assert mlp((), 1).layers == (Dense(1),)
    assert sum(type(layer).__name__ == "Dropout" for layer in mlp((7, 5), 2, dropout=0.0).layers) == 2
    with pytest.raises(TypeError, match=r"mlp: hidden must be a sequence of widths, got 8\. Write \(8,\) for one hidden layer"):
        mlp(8, 2)
