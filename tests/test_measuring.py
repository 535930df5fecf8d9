"""Metrics of a recipe: against scikit-learn on whole sets, in every kind of run, watched, ranked by, refused, and free."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics as oracle

from jaxnn import (
    Checkpoints,
    Choice,
    Classification,
    EarlyStopping,
    Grid,
    ReduceOnPlateau,
    fit,
    fit_many,
    fit_stream,
    from_json,
    layers,
    load_model,
    metrics,
    models,
    save_model,
    sweep,
    tasks,
    to_json,
)
from jaxnn.data import streaming
from jaxnn.identity import check_same_run, identity
from jaxnn.keys import key_data
from jaxnn.measuring import MODES, evaluate
from jaxnn.training import as_data
from jaxnn.typing import Batch
from tests.catalogue_of_tasks import critic
from tests.programs import watched
from tests.samples import CLASSES, blobs, classification, plane, regression
from tests.test_measuring_tasks import NUMBERS
from tests.tolerances import assert_same_bits

CLOSE = {"rel": 1e-4, "abs": 1e-5}
X, Y = blobs(60)
WEIGHT = np.random.default_rng(0).integers(1, 4, 60).astype(float)


def macro(**fields):
    """Built anew at each call: partials that are equal to nothing but themselves."""
    named = {
        "f1": functools.partial(metrics.f1, average="macro"),
        "auc": metrics.roc_auc,
        "top_2": functools.partial(metrics.top_k_accuracy, k=2),
    }
    return classification(metrics=named, **fields)


def cost(y, predictions, *, weight):
    """A metric of one's own: what wrong classes cost, three times as much for class 0."""
    right = jnp.take_along_axis(predictions, y[:, None], axis=1)[:, 0]
    return (jnp.where(y == 0, 3.0, 1.0) * (1 - right) * weight).sum() / weight.sum()


@pytest.fixture(scope="module")
def data():
    return as_data("test", (X, Y, WEIGHT), 0.3, key_data(0))


@pytest.fixture(scope="module")
def run(data):
    return fit(macro(), data, member=1)


def of_scikit_learn(y, p, weight):
    return {
        "f1": oracle.f1_score(y, p.argmax(axis=1), average="macro", sample_weight=weight, zero_division=0),
        "auc": oracle.roc_auc_score(y, p / p.sum(axis=1, keepdims=True), multi_class="ovr", sample_weight=weight),
        "top_2": oracle.top_k_accuracy_score(y, p, k=2, sample_weight=weight),
    }


def test_the_history_has_what_scikit_learn_says_of_the_whole_sets(run, data):
    rows = data.validation
    wanted = of_scikit_learn(Y[rows], run.predict(X[rows]).astype(float), WEIGHT[rows])
    assert {metric: float(run.history[f"validation_{metric}"][-1]) for metric in wanted} == pytest.approx(wanted, **CLOSE)
    found = run.evaluate(X, Y)
    assert {name: found[name] for name in wanted} == pytest.approx(of_scikit_learn(Y, run.predict(X).astype(float), None), **CLOSE)


def test_training_rows_are_a_set_too():
    run = fit(classification(metrics={"macro": functools.partial(metrics.recall, average="macro")}, measure_training=True), (X, Y, WEIGHT))
    wanted = oracle.recall_score(Y, run.predict(X).argmax(axis=1), average="macro", sample_weight=WEIGHT, zero_division=0)
    assert run.history["training_macro"][-1] == pytest.approx(wanted, **CLOSE)


def test_the_run_is_the_one_without_them(run, data):
    plain = fit(macro().replace(metrics=None), data, member=1)
    assert_same_bits(plain.params, run.params)
    assert_same_bits({name: run.history[name] for name in plain.history}, plain.history)
    assert {name.removeprefix("validation_") for name in run.history.keys() - plain.history.keys()} >= {"f1", "auc", "top_2"}


def test_equal_partials_are_one_program_and_numbers_none_of_their_own(run, data):
    with watched() as events:
        fit(macro(learning_rate=0.2), data, member=2)
    assert not events.compiled and "advance" not in events.traced


def test_a_population_and_a_stream_and_a_run_in_pieces_are_the_run(run, data, tmp_path):
    _, member = fit_many([macro(learning_rate=0.2), macro()], data)
    assert_same_bits((member.params, member.history), (run.params, run.history))

    seen = []
    pieces = fit(macro(), data, member=1, checkpoints=Checkpoints(tmp_path, steps=2), callback=lambda _, metrics: seen.append(metrics))
    assert_same_bits(pieces.history, run.history)
    assert [epoch["validation_auc"] for epoch in seen] == pytest.approx(run.history["validation_auc"].tolist())

    train, held = (tuple(array[rows] for array in (X, Y, WEIGHT)) for rows in (np.asarray(data.train), np.asarray(data.validation)))
    streamed = fit_stream(macro(), streaming.arrays(*train), validation=held, member=1)
    assert_same_bits(streamed.history, fit(macro(), train, validation=held, member=1).history)


def test_without_them_nothing_is_predicted():
    task = Classification(models.mlp((3,), CLASSES))
    batch = Batch(jnp.asarray(X), jnp.asarray(Y), jnp.ones(len(X)))
    params = task.init(jax.random.key(0), batch)
    assert str(jax.make_jaxpr(functools.partial(evaluate, task))(params, batch)) == str(jax.make_jaxpr(task.evaluate)(params, batch))


def test_which_way_is_better_is_known_of_every_metric():
    """What is exactly right is better than what is not."""
    assert {metric.__name__ for metric in MODES} == set(metrics.__all__) - {"confusion_matrix"}
    y, right, wrong = np.array([0, 1, 1, 0]), np.array([0.1, 0.9, 0.9, 0.1]), np.array([0.9, 0.2, 0.4, 0.8])
    for metric, mode in MODES.items():
        call = functools.partial(metric, k=1) if metric is metrics.top_k_accuracy else metric
        columns = metric in (metrics.top_k_accuracy, metrics.perplexity)
        good, bad = (float(call(y, np.stack([1 - p, p], axis=1) if columns else p)) for p in (right, wrong))
        assert good > bad if mode == "max" else good < bad, metric


def test_early_stopping_keeps_the_best_epoch_by_any_of_them(data):
    rule = EarlyStopping(monitor="validation_top_2", patience=99.0)
    top_2 = {"top_2": functools.partial(metrics.top_k_accuracy, k=2)}
    run = fit(classification(early_stopping=rule, metrics=top_2, epochs=6, learning_rate=2.0), data)
    assert run.best_epoch == np.argmax(run.history["validation_top_2"]) + 1 < 6


def test_the_rules_know_which_way_a_metric_is_better_or_are_told():
    recipe = regression(metrics=NUMBERS | {"cost": cost})
    assert recipe.with_mode(EarlyStopping(monitor="validation_mae")).mode == "min"
    assert recipe.with_mode(ReduceOnPlateau(monitor="validation_r2")).mode == "max"
    assert recipe.with_mode(EarlyStopping(monitor="validation_r2", mode="min")).mode == "min"
    assert recipe.with_mode(EarlyStopping(monitor="validation_accuracy")).mode == "max"
    assert recipe.with_mode(EarlyStopping(monitor="validation_cost", mode="min")).mode == "min"


def test_a_sweep_ranks_by_any_of_them(data):
    space = {"learning_rate": Choice(0.001, 0.1, 1.0)}
    result = sweep(lambda learning_rate: macro(learning_rate=learning_rate), space, data, search=Grid(), metric="validation_auc")
    scores = [trial.score for trial in result.trials]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 3
    assert result.best.score == result.best.history["validation_auc"][-1]

    def build(learning_rate):
        return regression(learning_rate=learning_rate, metrics=NUMBERS)

    result = sweep(build, {"learning_rate": Choice(0.001, 0.1, 0.2)}, plane(30), search=Grid(), metric="validation_mae")
    scores = [trial.score for trial in result.trials]
    assert scores == sorted(scores) and len(set(scores)) == 3


def test_a_metric_of_ones_own_is_one_like_any_other(data):
    recipe = classification(metrics={"cost": cost}, early_stopping=EarlyStopping(monitor="validation_cost", mode="min", patience=99.0))
    run, rows = fit(recipe, data), data.validation
    p, y, weight = run.predict(X[rows]), Y[rows], WEIGHT[rows]
    wanted = np.average(np.where(y == 0, 3, 1) * (1 - p[np.arange(len(y)), y]), weights=weight)
    assert run.history["validation_cost"][run.best_epoch - 1] == pytest.approx(wanted, **CLOSE)
    with pytest.raises(ValueError, match=r"cost.* has no public name"):
        to_json(recipe)
    assert from_json(to_json(recipe, names={"cost": cost}), known={"cost": cost}) == recipe

    def build(learning_rate):
        return recipe.replace(optimizer=classification(learning_rate=learning_rate).optimizer)

    ranked = functools.partial(sweep, build, {"learning_rate": Choice(0.1, 0.2)}, data, search=Grid(), metric="validation_cost")
    with pytest.raises(ValueError, match="sweep: mode must be 'min' or 'max', for validation_cost is a metric of your own, got None"):
        ranked()
    first, second = ranked(mode="max").trials
    assert first.score > second.score


def test_files_name_metrics_and_hold_nothing_that_runs(run, tmp_path):
    odd = macro().replace(metrics={"type": metrics.roc_auc, "function": functools.partial(metrics.f1, average="micro", classes=CLASSES)})
    for recipe in (odd, odd.replace(metrics={"function": metrics.roc_auc})):
        assert from_json(to_json(recipe)) == recipe
    assert json.loads(to_json(odd))["metrics"]["function"]["function"] == {"function": "jaxnn.metrics.f1"}
    save_model(tmp_path / "model.safetensors", run)
    assert load_model(tmp_path / "model.safetensors").recipe == run.recipe
    for text in ('"jaxnn.metrics.numpy"', '"jaxnn.metrics.rows"', '"os.system"'):
        with pytest.raises(ValueError, match="is not a public function of"):
            from_json(to_json(macro()).replace('"jaxnn.metrics.roc_auc"', text))
    with pytest.raises(ValueError, match="from_json"):
        from_json(to_json(macro()).replace('[["average", "macro"]]', '[["average"]]'))


def test_a_checkpoint_of_other_metrics_is_one_of_another_run(data):
    here, there = (identity(recipe, data, key_data(0), 0) for recipe in (macro(), macro().replace(metrics={"auc": metrics.roc_auc})))
    with pytest.raises(ValueError, match=r"is a checkpoint of another run: recipe\.metrics\.f1 is null there"):
        check_same_run("fit", "folder", there, here)


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ({}, TypeError, "Recipe: metrics must be functions by their names in the history, or None, got {}"),
        (metrics.f1, TypeError, "Recipe: metrics must be functions by their names"),
        ({"f1": "f1"}, TypeError, r"Recipe: metrics\['f1'\] must be a function metric\(y, predictions, \*, weight\), or a .*, got 'f1'"),
        ({"f 1": metrics.f1}, ValueError, "Recipe: a name of metrics must be one of letters, digits and _, got 'f 1'"),
        ({"f1": functools.partial(metrics.f1, Y)}, TypeError, "a partial with options by name, not weight, alone"),
        ({"f1": functools.partial(metrics.f1, weight=1)}, TypeError, "a partial with options by name, not weight, alone"),
        ({"f1": functools.partial(metrics.f1, classes=[3])}, TypeError, "of options that are numbers, text or tuples, got {'classes'"),
    ],
)
def test_what_is_no_metric_is_refused_by_the_recipe(given, error, match):
    with pytest.raises(error, match=match):
        classification(metrics=given)


GAN = tasks.Adversarial(layers.Dense(4), critic(), latent=2)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"metrics": {"accuracy": metrics.f1}}, "fit: a name of metrics must be other than accuracy, loss, which the task measures, got"),
        ({"metrics": {"f1": metrics.f1}}, r"fit: metrics\['f1'\] does not suit Classification and its data: f1: average must be 'macro'"),
        ({"metrics": {"r2": metrics.r2}}, "does not suit Classification and its data: r2: predictions must be of the shape of y"),
        ({"metrics": {"one": lambda y, p: 1.0}}, "does not suit Classification and its data: .*unexpected keyword argument 'weight'"),
        ({"metrics": {"sk": lambda y, p, weight: np.asarray(y)[0]}}, "does not suit Classification and its data"),
        ({"metrics": {"f1": functools.partial(metrics.f1, average=None)}}, r"must be one number, got shape \(3,\). Of the scores of"),
        ({"metrics": {"counts": metrics.confusion_matrix}}, r"fit: metrics\['counts'\] must be one number, got shape \(3, 3\)"),
        (
            {"metrics": {"cost": cost}, "early_stopping": EarlyStopping(monitor="validation_cost")},
            "EarlyStopping: mode must be 'min' or 'max', for validation_cost is a metric of your own, got None",
        ),
        (
            {"metrics": {"auc": metrics.roc_auc}, "plateau": ReduceOnPlateau(monitor="validation_ac")},
            "fit: plateau.monitor: there is no metric 'validation_ac'. Did you mean validation_auc",
        ),
    ],
)
def test_a_metric_that_does_not_suit_is_refused_before_compiling(fields, match):
    with watched() as events, pytest.raises(ValueError, match=match):
        fit(classification(**fields), (X, Y), validation=0.3)
    assert not events.compiled


def test_metrics_need_a_set_and_a_truth():
    recipe = classification(metrics={"auc": metrics.roc_auc})
    with pytest.raises(ValueError, match="fit: validation must be given, for metrics are measured on it, got None"):
        fit(recipe, (X, Y))
    with pytest.raises(ValueError, match="Adversarial and its data: Adversarial: y must be given, for metrics compare predictions with"):
        fit(recipe.replace(task=GAN), (X, None), validation=0.3)
