"""Metrics of every kind of task against scikit-learn, on sets larger than what is predicted at once; tokens one by one."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics as oracle

from jaxnn import BinaryClassification, NextToken, Regression, Variational, layers, measuring, metrics, models, tasks
from jaxnn.measuring import evaluate, named_metrics
from jaxnn.typing import Batch, Sequences
from tests.catalogue_of_tasks import TASKS
from tests.programs import quick_jit
from tests.tolerances import precision


def shaped(rows, *row, seed=0, **options):
    return np.random.default_rng(seed).normal(size=(rows, *row), **options)


def of_series(y, p, weight):
    y, p = y.reshape(len(y), -1), p.reshape(len(p), -1)
    return {
        "mae": oracle.mean_absolute_error(y, p, sample_weight=weight),
        "r2": oracle.r2_score(y, p, sample_weight=weight),
        "rmse": oracle.root_mean_squared_error(y, p, sample_weight=weight),
    }


NUMBERS = {"mae": metrics.mean_absolute_error, "r2": metrics.r2, "rmse": metrics.root_mean_squared_error}
SERIES = layers.Chain((layers.Dense(6), layers.Reshape((3, 2))))
OF_ROWS = {
    "two classes": (
        BinaryClassification(models.mlp((3,), 1), class_weights=(1.0, 5.0)),
        lambda x, random: random.integers(0, 2, len(x)),
        {"f1": metrics.f1, "auc": metrics.roc_auc, "precision": metrics.precision, "log_loss": metrics.log_loss},
        lambda x, y, p, weight: {
            "f1": oracle.f1_score(y, p > 0.5, sample_weight=weight),
            "auc": oracle.roc_auc_score(y, p, sample_weight=weight),
            "precision": oracle.precision_score(y, p > 0.5, sample_weight=weight, zero_division=0),
            "log_loss": oracle.log_loss(y, p, sample_weight=weight),
        },
    ),
    "a number": (Regression(models.mlp((3,), 1)), lambda x, random: random.normal(size=len(x)), NUMBERS, lambda x, *of: of_series(*of)),
    "series": (Regression(SERIES), lambda x, random: random.normal(size=(len(x), 3, 2)), NUMBERS, lambda x, *of: of_series(*of)),
    "reconstructions": (
        tasks.Reconstruction(layers.Autoencoder(layers.Dense(2), layers.Dense(4))),
        lambda x, random: None,
        NUMBERS,
        lambda x, y, p, weight: of_series(x, p, weight),
    ),
    "samples": (
        Variational(layers.VariationalAutoencoder(layers.Dense(2), layers.Dense(4), latent=1)),
        lambda x, random: None,
        NUMBERS,
        lambda x, y, p, weight: of_series(x, p, weight),
    ),
}


@pytest.mark.parametrize(("task", "targets", "named", "wanted"), OF_ROWS.values(), ids=OF_ROWS)
def test_sets_larger_than_a_piece_are_compared_at_once(task, targets, named, wanted, monkeypatch):
    monkeypatch.setattr(measuring, "EVALUATION_ROWS", 8)
    with precision("float64"):
        x, random = shaped(21, 4), np.random.default_rng(1)
        y, weight = targets(x, random), random.integers(0, 4, 21) + 1.0
        batch = jax.tree.map(jnp.asarray, Batch(x, y, weight))
        params = task.init(jax.random.key(0), batch)
        found = quick_jit(lambda params, batch: evaluate(task, params, batch, named_metrics("test", named)))(params, batch)
        assert found.keys() == named.keys() | task.evaluate(params, batch).keys()
        by_oracle = wanted(x, y, np.asarray(task.predict(params, batch.x)), weight)
    assert {name: float(found[name]) for name in named} == pytest.approx(by_oracle, rel=1e-9)


TOKENS = np.array([[1, 2, 3, 1, 2], [3, 3, 1, 4, 4], [2, 4, 1, 1, 1]])
STEPWISE = layers.Timewise(layers.Chain((layers.Embedding(5, 3), layers.Dense(5))))
OF_TOKENS = {
    "one length": (jnp.asarray(TOKENS), None, lambda row: [(row, step, TOKENS[row, step + 1]) for step in range(4)]),
    "lengths": (
        Sequences(jnp.asarray(TOKENS), jnp.array([5, 2, 3])),
        None,
        lambda row: [(row, step, TOKENS[row, step + 1]) for step in range([4, 1, 2][row])],
    ),
    "targets": (
        jnp.asarray(TOKENS),
        jnp.asarray(np.where(TOKENS == 1, -1, TOKENS)),
        lambda row: [(row, step, token) for step, token in enumerate(TOKENS[row]) if token != 1],
    ),
}


@pytest.mark.parametrize(("x", "y", "counted"), OF_TOKENS.values(), ids=OF_TOKENS)
def test_tokens_are_compared_one_by_one_where_they_count(x, y, counted, monkeypatch):
    """Classes that only steps that don't count have must not become classes of the mean; here 0 fills up."""
    monkeypatch.setattr(measuring, "EVALUATION_ROWS", 2)
    named = {"perplexity": metrics.perplexity, "f1": functools.partial(metrics.f1, average="macro")}
    with precision("float64"):
        task, batch = NextToken(STEPWISE), Batch(x, y, jnp.array([1.0, 2.0, 0.5]))
        params = task.init(jax.random.key(0), batch)
        found = quick_jit(lambda params, batch: evaluate(task, params, batch, named_metrics("test", named)))(params, batch)
        predictions = np.asarray(task.predict(params, x))
    rows, steps, truth = map(np.array, zip(*[place for row in range(3) for place in counted(row)], strict=True))
    p, weight = predictions[rows, steps], np.asarray(batch.weight)[rows]
    log_loss = oracle.log_loss(truth, p, sample_weight=weight, labels=range(5))
    macro_f1 = oracle.f1_score(truth, p.argmax(axis=1), average="macro", sample_weight=weight, zero_division=0)
    assert float(found["perplexity"]) == pytest.approx(np.exp(log_loss), rel=1e-9)
    assert float(found["perplexity"]) == pytest.approx(np.exp(float(found["loss"])), rel=1e-9)
    assert float(found["f1"]) == pytest.approx(macro_f1, rel=1e-9)


@pytest.mark.parametrize("example", TASKS.values(), ids=TASKS)
def test_every_task_has_a_truth_and_a_weight_for_each_prediction_or_says_that_it_has_none(example):
    random, task = np.random.default_rng(0), example.make()
    x, y = example.inputs(random, 8), None if example.targets is None else example.targets(random, 8)
    batch = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32 if leaf.dtype.kind == "f" else jnp.int32), Batch(x, y, np.ones(8)))
    params = jax.eval_shape(task.init, jax.random.key(0), batch)

    def compare(params, batch):
        return task.compared(batch, task.predict(params, batch.x))

    if isinstance(task, tasks.Adversarial):
        with pytest.raises(ValueError, match="Adversarial: y must be given, for metrics compare predictions with it, got None"):
            jax.eval_shape(compare, params, batch)
        return
    truth, predictions, weight = jax.eval_shape(compare, params, batch)
    assert weight.shape == truth.shape[:1] == predictions.shape[:1]
    if isinstance(task, NextToken | tasks.Classification | BinaryClassification):
        assert truth.ndim == 1 and jnp.issubdtype(truth.dtype, jnp.integer) and predictions.ndim <= 2
    else:
        assert truth.size == predictions.size
