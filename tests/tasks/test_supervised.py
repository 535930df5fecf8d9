"""Supervised tasks: the mean loss, class weights, what is measured and predicted, a network worked by hand, and what is refused."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.utils import compute_class_weight

from jaxnn import BinaryClassification, Classification, Regression, fit, losses, models, optimizer
from jaxnn.layers import Chain, Dense, Sigmoid
from jaxnn.metrics import accuracy
from jaxnn.recipes import Recipe
from jaxnn.tasks import Supervised
from jaxnn.typing import Batch, Sequences
from tests.catalogue_of_tasks import TASKS
from tests.programs import quick_jit, watched
from tests.tasks.examples import ROWS, prepared
from tests.tolerances import assert_close, precision

SUPERVISED = {name: example for name, example in TASKS.items() if isinstance(example.make(), Supervised)}

every_task = pytest.mark.parametrize("example", SUPERVISED.values(), ids=SUPERVISED.keys())
both_engines = pytest.mark.parametrize("engine", ["autodiff", "backprop"])


@every_task
def test_the_loss_is_the_mean_of_the_losses_of_rows_as_they_are_weighted(example):
    with precision("float64"):
        task, params, batch = prepared(example)
        weighted, key = batch._replace(weight=jnp.linspace(0, 1, ROWS)), jax.random.key(3)
        class_weights = getattr(task, "class_weights", None)
        weight = weighted.weight * (1 if class_weights is None else np.asarray(class_weights)[batch.y])

        def mean_loss(params):
            losses = task.loss.value(task.model.apply(params, weighted.x, key), weighted.y)
            return (losses * weight).sum() / weight.sum()

        loss, gradients = quick_jit(jax.value_and_grad(mean_loss))(params)
        for engine in ("autodiff", "backprop"):
            metrics, got = quick_jit(task.gradients, static_argnums=3)(params, weighted, key, engine)
            assert_close(metrics, {"loss": loss})
            assert_close(got, gradients)
        assert float(task.total(weighted)) == pytest.approx(float(weight.sum()), rel=1e-14)


def measured(task, params, batch, engine):
    return quick_jit(lambda task, params, batch: (task.gradients(params, batch, None, engine), task.evaluate(params, batch)))(
        task, params, batch
    )


@both_engines
@pytest.mark.parametrize("name", ["BinaryClassification", "Classification"])
def test_class_weights_are_rows_repeated_and_sample_weights(name, engine):
    with precision("float64"):
        plain, params, batch = prepared(TASKS[name])
        weights = (2.0, 1.0, 3.0)[: 2 if name == "BinaryClassification" else 3]
        of_row = np.array(weights)[np.asarray(batch.y)]
        got = measured(plain.replace(class_weights=weights), params, batch, engine)
        assert_close(got, measured(plain, params, batch._replace(weight=jnp.asarray(of_row)), engine))
        rows = np.repeat(np.arange(ROWS), of_row.astype(int))
        assert_close(got, measured(plain, params, Batch(batch.x[rows], batch.y[rows], jnp.ones(len(rows))), engine))


def test_class_weights_that_balance_give_the_mean_of_the_classes_accuracies():
    task, params, batch = prepared(TASKS["Classification"], "float32", 40)
    weights = tuple(40 / (3 * np.bincount(batch.y)))
    assert weights == pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=np.asarray(batch.y)))
    chosen = np.asarray(quick_jit(task.predict)(params, batch.x)).argmax(axis=1)
    accuracy = quick_jit(lambda task: task.evaluate(params, batch)["accuracy"])(task.replace(class_weights=weights))
    assert float(accuracy) == pytest.approx(balanced_accuracy_score(batch.y, chosen), rel=1e-5)


@both_engines
def test_a_batch_without_any_weight_is_no_loss_and_no_step(engine):
    task, params, batch = prepared(TASKS["Classification with class weights"], "float32")
    task = task.replace(class_weights=(0.0, 1.0, 1.0))
    (metrics, gradients), evaluated = measured(task, params, batch._replace(y=jnp.zeros(ROWS, jnp.int32)), engine)
    assert float(metrics["loss"]) == float(evaluated["loss"]) == 0
    assert not any(leaf.any() for leaf in jax.tree.leaves(gradients))


def test_class_weights_are_hyperparameters_and_can_be_differentiated():
    with precision("float64"):
        task, params, batch = prepared(TASKS["Classification with class weights"])
        slope = quick_jit(jax.grad(lambda task: task.evaluate(params, batch)["loss"]))(task)
        up, down = (task.replace(class_weights=(1.0 + step, 0.25, 3.0)) for step in (1e-6, -1e-6))
        program = quick_jit(lambda task: task.evaluate(params, batch)["loss"])
        with watched() as events:
            difference = (float(program(up)) - float(program(down))) / 2e-6
        assert sum(events.compiled.values()) <= 1
        assert float(slope.class_weights[0]) == pytest.approx(difference, rel=1e-6)


@pytest.mark.parametrize("name", [name for name in SUPERVISED if name.startswith("Regression")])
def test_predicted_numbers_have_the_shape_of_y(name):
    task, params, batch = prepared(TASKS[name], "float32")
    assert jax.eval_shape(task.predict, params, batch.x).shape == batch.y.shape


def test_accuracy_is_scikit_learns():
    for name in ("Classification", "BinaryClassification"):
        task, params, batch = prepared(TASKS[name], "float32", 40)
        predictions = np.asarray(quick_jit(task.predict)(params, batch.x))
        assert float(accuracy(batch.y, predictions)) == pytest.approx(float(quick_jit(task.evaluate)(params, batch)["accuracy"]))
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
    with pytest.raises(TypeError, match=r"Classification: the model's output must be one array, got Sequences\."):
        x = Sequences(jnp.ones((2, 3, 4)), jnp.array([3, 1]))
        Classification(models.rnn((2,), 2, returns="all")).init(jax.random.key(0), Batch(x, jnp.zeros(2, int), jnp.ones(2)))
    for name, example in SUPERVISED.items():
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
        Classification(models.mlp((), 3)).check(None, y, predictions)


def test_regression_learns_numbers():
    with pytest.raises(ValueError, match=r"Regression: y must be floating-point of shape \(rows, \.\.\.\), got int64 of shape \(2,\)"):
        Regression(models.mlp((), 1)).check(None, np.array([1, 2]), None)
    with pytest.raises(ValueError, match=r"Regression: the model's output must be of shape \(batch, 5, 2\), one for each number of y"):
        initialised(Regression(models.mlp((), 3)), jnp.ones((2, 5, 2)))


def three_classes(**options):
    return Classification(models.mlp((), 3), **options)


@pytest.mark.parametrize(
    ("task", "match"),
    [
        (
            three_classes(class_weights=(1.0, 2.0)),
            "Classification: class_weights must be a tuple of 3 numbers, one for each class, got 2 of",
        ),
        (three_classes(class_weights=(1.0, -1.0, 1.0)), r"fit: task\.class_weights\[1\] must be in \[0, inf\), got -1"),
        (three_classes(class_weights=(0.0, 0.0, 1.0)), r"Classification: class_weights must be above 0 for a class of y at least, got \(0"),
        (
            BinaryClassification(models.mlp((), 1), class_weights=(1.0, 2.0, 3.0)),
            "BinaryClassification: class_weights must be a tuple of 2 numbers, one for each class, got 3 of them",
        ),
        (three_classes(loss=losses.SquaredError()), r"SquaredError: y must be floating point, got int32\. Where y numbers classes"),
        (three_classes(loss=losses.BinaryCrossEntropy()), r"BinaryCrossEntropy: y must be of shape \(4, 3\), as the outputs are"),
        (
            BinaryClassification(models.mlp((), 1), losses.SoftmaxCrossEntropy()),
            r"SoftmaxCrossEntropy: y must be .* \(batch, classes >= 2\)",
        ),
        (
            three_classes(loss=losses.SoftmaxCrossEntropy(label_smoothing=2.0)),
            r"fit: task\.loss\.label_smoothing must be in \[0, 1\], got 2",
        ),
    ],
    ids=repr,
)
def test_losses_and_weights_must_fit_the_task(task, match):
    with watched() as events, pytest.raises((TypeError, ValueError), match=match):
        fit(Recipe(task, optimizer(optax.sgd, learning_rate=0.1)), (np.ones((4, 2), np.float32), np.array([0, 1, 1, 0])))
    assert not events.compiled


def test_what_is_at_its_default_is_not_in_the_repr():
    task = three_classes(class_weights=(1.0, 2.0, 3.0))
    assert "loss" not in repr(jax.tree.map(lambda leaf: leaf, task)) and "class_weights=(1.0, 2.0, 3.0)" in repr(task)
    assert "loss=Huber(delta=2.0)" in repr(Regression(models.mlp((), 1), losses.Huber(2.0)))
