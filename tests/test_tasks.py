"""Tasks: both engines, weights, what is measured and predicted, a network worked by hand, and what is refused."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.metrics import accuracy_score

from jaxnn import BinaryClassification, Classification, Regression, models
from jaxnn.layers import Chain, Dense, Sigmoid
from jaxnn.typing import Batch
from tests.catalogue import TASKS, TaskExample
from tests.programs import quick_jit
from tests.tolerances import assert_close, draw, precision

ROWS = 8

every_task = pytest.mark.parametrize("example", TASKS.values(), ids=TASKS.keys())
both_engines = pytest.mark.parametrize("engine", ["autodiff", "backprop"])


@functools.cache
def prepared(example: TaskExample, dtype: str = "float64", rows: int = ROWS):
    task, targets = example.make(), example.targets(np.random.default_rng(0), rows)
    y = jnp.asarray(targets, dtype if targets.dtype.kind == "f" else jnp.int32)
    batch = Batch(draw((rows, 4), dtype), y, jnp.ones(rows, dtype))
    return task, quick_jit(task.init)(jax.random.key(0), batch), batch


@every_task
def test_both_engines_give_the_gradient_of_the_mean_loss(example):
    with precision("float64"):
        task, params, batch = prepared(example)
        weighted, key = batch._replace(weight=jnp.linspace(0, 1, ROWS)), jax.random.key(3)

        def mean_loss(params):
            losses = task.loss.value(task.model.apply(params, weighted.x, key), weighted.y)
            return (losses * weighted.weight).sum() / weighted.weight.sum()

        loss, gradients = quick_jit(jax.value_and_grad(mean_loss))(params)
        for engine in ("autodiff", "backprop"):
            metrics, got = quick_jit(task.gradients, static_argnums=3)(params, weighted, key, engine)
            assert_close(metrics, {"loss": loss})
            assert_close(got, gradients)


@every_task
def test_both_engines_walk_the_same_way_for_a_hundred_steps(example):
    with precision("float64"):
        task, params, batch = prepared(example)

        @quick_jit
        def descend(params, keys):
            def step(both, key):
                moved = []
                for engine, params in zip(("autodiff", "backprop"), both, strict=True):
                    _, gradients = task.gradients(params, batch, key, engine)
                    moved.append(jax.tree.map(lambda param, gradient: param - 0.1 * gradient, params, gradients))
                return tuple(moved), None

            return jax.lax.scan(step, (params, params), keys)[0]

        by_jax, by_hand = descend(params, jax.random.split(jax.random.key(1), 100))
        assert_close(by_hand, by_jax)
        assert not np.allclose(jax.tree.leaves(by_jax)[0], jax.tree.leaves(params)[0])


@every_task
@both_engines
def test_rows_without_weight_are_not_there(example, engine):
    with precision("float64"):
        task, params, batch = prepared(example)
        some = Batch(batch.x[:5], batch.y[:5], batch.weight[:5])
        masked = batch._replace(weight=batch.weight.at[5:].set(0.0))

        @quick_jit
        def measure(batch):  # without a key, for dropout's masks depend on the shape
            return task.gradients(params, batch, None, engine), task.evaluate(params, batch)

        assert_close(measure(masked), measure(some))


@every_task
def test_predictions_have_a_row_for_each_row(example):
    with precision("float64"):
        task, params, batch = prepared(example)
        predictions = jax.eval_shape(task.predict, params, batch.x)
        assert predictions.shape[0] == ROWS and predictions.dtype == batch.x.dtype
        task.check(np.asarray(batch.y), predictions)
        if isinstance(task, Regression):
            assert predictions.shape == batch.y.shape


def test_accuracy_is_scikit_learns():
    for name in ("Classification", "BinaryClassification"):
        task, params, batch = prepared(TASKS[name], "float32", 40)
        predictions = np.asarray(quick_jit(task.predict)(params, batch.x))
        chosen = predictions.argmax(axis=1) if predictions.ndim == 2 else predictions > 0.5
        assert float(quick_jit(task.evaluate)(params, batch)["accuracy"]) == pytest.approx(accuracy_score(batch.y, chosen))


def test_probabilities_sum_to_one():
    task, params, batch = prepared(TASKS["Classification"], "float32", 40)
    assert np.allclose(task.predict(params, 100 * batch.x).sum(axis=1), 1, atol=1e-6)


@both_engines
def test_a_network_worked_by_hand(engine):
    """2 inputs, 2 sigmoid units, 1 linear output, squared error; the weights chosen so that all numbers are fractions.

    Notation of the lecture: b weighted input, sigma(b) output, delta = dJ/db, theta weights, theta_0 their bias.

        x = (1, 2),  y = 1

    Forward.    theta[1] = (1/2, 1; -1/4, -1/2), one column a unit;  theta_0[1] = (ln 3, 0)
                b_1 = 1/2 * 1 - 1/4 * 2 + ln 3 = ln 3            sigma(b_1) = 1 / (1 + 1/3) = 3/4
                b_2 =   1 * 1 - 1/2 * 2 + 0    = 0               sigma(b_2) = 1 / (1 + 1)   = 1/2
                theta[2] = (2, -1);  theta_0[2] = 1/2
                yhat = 2 * 3/4 - 1 * 1/2 + 1/2 = 3/2
                J = (y - yhat)^2 = (1 - 3/2)^2 = 1/4

    Backward.   delta[2]   = dJ/dyhat = -2 (y - yhat) = 1        (the output is linear: sigma' = 1)
                delta[1]_1 = sigma'(b_1) theta[2]_1 delta[2] = 3/4 (1 - 3/4) *  2 * 1 =  3/8
                delta[1]_2 = sigma'(b_2) theta[2]_2 delta[2] = 1/2 (1 - 1/2) * -1 * 1 = -1/4

                dJ/dtheta[2] = sigma(b) delta[2] = (3/4, 1/2)    dJ/dtheta_0[2] = delta[2] = 1
                dJ/dtheta[1] = x^T delta[1]  = (3/8, -1/4; 3/4, -1/2)    dJ/dtheta_0[1] = delta[1] = (3/8, -1/4)

    One step of gradient descent, alpha = 1/10:  theta <- theta - alpha dJ/dtheta
                theta[1] = (1/2 - 3/80, 1 + 1/40; -1/4 - 3/40, -1/2 + 1/20)   theta_0[1] = (ln 3 - 3/80, 1/40)
                theta[2] = (2 - 3/40, -1 - 1/20)                              theta_0[2] = 1/2 - 1/10
    """
    with precision("float64"):
        task = Regression(Chain((Dense(2), Sigmoid(), Dense(1))))
        params = (
            {"kernel": jnp.array([[1 / 2, 1], [-1 / 4, -1 / 2]]), "bias": jnp.array([math.log(3), 0.0])},
            (),
            {"kernel": jnp.array([[2.0], [-1.0]]), "bias": jnp.array([1 / 2])},
        )
        batch = Batch(jnp.array([[1.0, 2.0]]), jnp.array([1.0]), jnp.ones(1))
        metrics, gradients = quick_jit(task.gradients, static_argnums=(2, 3))(params, batch, None, engine)
        assert float(metrics["loss"]) == pytest.approx(1 / 4, abs=1e-12)
        assert float(task.predict(params, batch.x)[0]) == pytest.approx(3 / 2, abs=1e-12)
        by_hand = (
            {"kernel": jnp.array([[3 / 8, -1 / 4], [3 / 4, -1 / 2]]), "bias": jnp.array([3 / 8, -1 / 4])},
            (),
            {"kernel": jnp.array([[3 / 4], [1 / 2]]), "bias": jnp.array([1.0])},
        )
        for got, wanted in zip(jax.tree.leaves(gradients), jax.tree.leaves(by_hand), strict=True):
            assert np.allclose(got, wanted, rtol=0, atol=1e-12)

        step = optax.sgd(1 / 10)
        updates, _ = step.update(gradients, step.init(params))
        after = (
            {"kernel": jnp.array([[37 / 80, 41 / 40], [-13 / 40, -9 / 20]]), "bias": jnp.array([math.log(3) - 3 / 80, 1 / 40])},
            (),
            {"kernel": jnp.array([[77 / 40], [-21 / 20]]), "bias": jnp.array([2 / 5])},
        )
        for got, wanted in zip(jax.tree.leaves(optax.apply_updates(params, updates)), jax.tree.leaves(after), strict=True):
            assert np.allclose(got, wanted, rtol=0, atol=1e-12)


def initialised(task, y):
    return jax.eval_shape(task.init, jax.random.key(0), Batch(jnp.ones((2, 4)), y, jnp.ones(2)))


def test_models_must_fit_their_task():
    with pytest.raises(ValueError, match=r"Regression: the model's output must be of shape \(batch, 1\), one for each number of y"):
        initialised(Regression(models.mlp((), 2)), jnp.ones(2))
    with pytest.raises(ValueError, match=r"BinaryClassification: the model's output must be of shape \(batch, 1\), the log odds"):
        initialised(BinaryClassification(models.mlp((), 2)), jnp.ones(2, jnp.int32))
    with pytest.raises(ValueError, match=r"Classification: the model's output must be of shape \(batch, classes >= 2\)"):
        initialised(Classification(models.mlp((), 1)), jnp.ones(2, jnp.int32))
    for name, example in TASKS.items():
        with pytest.raises(ValueError, match=rf"{name.split()[0]}: y must be given, one target for each row, got None"):
            initialised(example.make(), None)


@pytest.mark.parametrize(
    ("y", "got"),
    [
        (np.array([0, 1, 3]), "got 0 to 3"),
        (np.array([0, -1, 2]), "got -1 to 2"),
        (np.array([0.0, 1.0]), r"got float64 of shape \(2,\)"),
        (np.array([[0], [1]]), r"got int64 of shape \(2, 1\)"),
    ],
)
def test_classes_must_be_numbered_from_zero(y, got):
    predictions = jax.ShapeDtypeStruct((8, 3), np.float32)
    sentence = rf"Classification: y must be \(rows,\) whole numbers from 0 to 2, {got}\. Number the classes, for instance by numpy\.unique"
    with pytest.raises(ValueError, match=sentence):
        Classification(models.mlp((), 3)).check(y, predictions)


@pytest.mark.parametrize("y", [np.array([1, 2]), np.ones((2, 1, 1), np.float32)])
def test_regression_learns_numbers(y):
    with pytest.raises(ValueError, match=r"Regression: y must be floating-point of shape \(rows,\) or \(rows, units\), got"):
        Regression(models.mlp((), 1)).check(y, None)
