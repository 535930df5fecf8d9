"""Metrics against scikit-learn and optax, in NumPy and in JAX, with weights, at the ends of the scale, and what is refused."""

import inspect
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import sklearn.metrics as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from jaxnn import metrics
from tests.programs import quick_jit
from tests.tolerances import precision

CLASSES = 4
CLOSE = {"rel": 1e-12, "abs": 1e-14}


def softmax(scores):
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def drawn(seed, rows=40, classes=CLASSES):
    """y, rounded probabilities with ties among them, and weights, some of them 0; every class is there."""
    random = np.random.default_rng(seed)
    y = np.concatenate([np.arange(classes), random.integers(0, classes, rows - classes)])
    probabilities = softmax(2 * random.normal(size=(rows, classes)) + 2 * np.eye(classes)[y] * (random.random((rows, 1)) < 0.7))
    weight = random.integers(0, 4, rows).astype(float)
    weight[:classes] += 1
    return y, probabilities, weight


def ece(y, predictions, weight, bins=15):
    """From scikit-learn's reliability curve, bin by bin; weights are whole, so a row is repeated."""
    right, p = (y, predictions) if predictions.ndim == 1 else ((predictions.argmax(axis=1) == y).astype(int), predictions.max(axis=1))
    right, p = (np.repeat(array, weight.astype(int)) for array in (right, p))
    rows = np.bincount(np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p))
    true, predicted = calibration_curve(right, p, n_bins=bins, strategy="uniform")
    return float((rows[rows > 0] * np.abs(true - predicted)).sum() / len(p))


def ovr(y, p, weight):
    return oracle.roc_auc_score(y, p, multi_class="ovr", sample_weight=weight)


def log_loss(y, p, weight):
    return oracle.log_loss(y, p, sample_weight=weight)


OF_PROBABILITIES = {
    "accuracy": (metrics.accuracy, lambda y, p, weight: oracle.accuracy_score(y, p.argmax(axis=1), sample_weight=weight)),
    "calibration_error": (metrics.calibration_error, ece),
    "log_loss": (metrics.log_loss, log_loss),
    "perplexity": (metrics.perplexity, lambda *given: np.exp(log_loss(*given))),
    "roc_auc": (metrics.roc_auc, ovr),
    **{
        f"top_{k}_accuracy": (
            lambda y, p, *, weight, k=k: metrics.top_k_accuracy(y, p, k=k, weight=weight),
            lambda y, p, weight, k=k: oracle.top_k_accuracy_score(y, p, k=k, sample_weight=weight),
        )
        for k in (1, 2, 3)
    },
}
OF_ONE_PROBABILITY = {
    "accuracy": (metrics.accuracy, lambda y, p, weight: oracle.accuracy_score(y, p > 0.5, sample_weight=weight)),
    "calibration_error": (metrics.calibration_error, ece),
    "f1": (metrics.f1, lambda y, p, weight: oracle.f1_score(y, p > 0.5, sample_weight=weight)),
    "log_loss": (metrics.log_loss, log_loss),
    "precision": (metrics.precision, lambda y, p, weight: oracle.precision_score(y, p > 0.5, sample_weight=weight)),
    "recall": (metrics.recall, lambda y, p, weight: oracle.recall_score(y, p > 0.5, sample_weight=weight)),
    "roc_auc": (metrics.roc_auc, lambda y, p, weight: oracle.roc_auc_score(y, p, sample_weight=weight)),
}
OF_NUMBERS = {
    "mean_absolute_error": (metrics.mean_absolute_error, oracle.mean_absolute_error),
    "r2": (metrics.r2, oracle.r2_score),
    "root_mean_squared_error": (metrics.root_mean_squared_error, oracle.root_mean_squared_error),
}
BY_CLASS = {
    "f1": (metrics.f1, oracle.f1_score),
    "precision": (metrics.precision, oracle.precision_score),
    "recall": (metrics.recall, oracle.recall_score),
}
seeds = st.integers(0, 10**6)
few = settings(deadline=None, max_examples=15)


def in_jax(metric, y, predictions, weight, **options):
    """The same by JAX, in one program, in float64."""
    with precision("float64"):
        program = quick_jit(lambda *arrays: metric(arrays[0], arrays[1], weight=arrays[2], **options))
        return program(jnp.asarray(y), jnp.asarray(predictions), None if weight is None else jnp.asarray(weight))


def ids(table):
    return pytest.mark.parametrize(("metric", "wanted"), table.values(), ids=table.keys())


@ids(OF_PROBABILITIES)
@few
@given(seeds)
def test_metrics_of_probabilities_are_scikit_learns(metric, wanted, seed):
    y, p, weight = drawn(seed)
    assert float(metric(y, p, weight=weight)) == pytest.approx(wanted(y, p, weight), **CLOSE)
    assert float(metric(y, p, weight=None)) == pytest.approx(wanted(y, p, np.ones(len(y))), **CLOSE)


@ids(OF_ONE_PROBABILITY)
@few
@given(seeds)
def test_metrics_of_one_probability_are_scikit_learns(metric, wanted, seed):
    y, p, weight = drawn(seed, classes=2)
    p = p[:, 1].round(1)  # ties, edges of bins, and 0 and 1 exactly
    assert float(metric(y, p, weight=weight)) == pytest.approx(wanted(y, p, weight), **CLOSE)
    assert float(metric(y, p)) == pytest.approx(wanted(y, p, np.ones(len(y))), **CLOSE)


@ids(OF_NUMBERS)
@few
@given(seeds, st.sampled_from([(), (1,), (3,)]))
def test_metrics_of_numbers_are_scikit_learns(metric, wanted, seed, row):
    random = np.random.default_rng(seed)
    y, predictions = random.normal(size=(2, 20, *row))
    weight = random.random(20)
    assert float(metric(y, predictions)) == pytest.approx(wanted(y, predictions), **CLOSE)
    assert float(metric(y, predictions, weight=weight)) == pytest.approx(wanted(y, predictions, sample_weight=weight), **CLOSE)


@ids(BY_CLASS)
@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
@few
@given(seeds, st.integers(2, 6))
def test_scores_by_class_are_scikit_learns(metric, wanted, average, seed, classes):
    random = np.random.default_rng(seed)
    y, chosen = random.integers(0, classes, (2, 6))  # few rows: classes that never occur, or are never chosen
    for weight in (None, random.random(6)):
        options = {"labels": range(classes)} if average is None else {}
        scores = wanted(y, chosen, average=average, sample_weight=weight, zero_division=0, **options)
        got = metric(y, chosen, average=average, weight=weight, classes=classes)
        assert got == pytest.approx(scores, **CLOSE)
        if average is not None:
            assert float(metric(y, chosen, average=average, weight=weight)) == pytest.approx(float(got), **CLOSE)


@few
@given(seeds)
def test_confusion_matrix_is_scikit_learns(seed):
    y, p, weight = drawn(seed)
    chosen = p.argmax(axis=1)
    counts = metrics.confusion_matrix(y, chosen)
    assert counts.dtype.kind == "i" and np.array_equal(counts, oracle.confusion_matrix(y, chosen))
    assert np.array_equal(metrics.confusion_matrix(y, p), counts)
    assert np.allclose(metrics.confusion_matrix(y, chosen, weight=weight), oracle.confusion_matrix(y, chosen, sample_weight=weight))
    larger = oracle.confusion_matrix(y, chosen, labels=range(CLASSES + 2))
    assert np.array_equal(metrics.confusion_matrix(y, chosen, classes=CLASSES + 2), larger)


@pytest.mark.parametrize("name", [*OF_PROBABILITIES, "macro f1", "confusion_matrix"])
def test_jax_gives_what_numpy_gives(name):
    y, p, weight = drawn(0)
    if name == "macro f1":
        metric = lambda y, p, weight: metrics.f1(y, p, average="macro", weight=weight)  # noqa: E731
    else:
        metric = OF_PROBABILITIES[name][0] if name in OF_PROBABILITIES else metrics.confusion_matrix
    for given_weight in (weight, None):
        assert np.allclose(in_jax(metric, y, p, given_weight), metric(y, p, weight=given_weight), rtol=1e-12)
    single = metric(jnp.asarray(y), jnp.asarray(p, jnp.float32), weight=jnp.asarray(weight, jnp.float32))
    assert np.allclose(single, metric(y, p, weight=weight), rtol=1e-5)


@pytest.mark.parametrize("name", [*OF_ONE_PROBABILITY, *OF_NUMBERS])
def test_jax_gives_what_numpy_gives_for_one_column(name):
    y, p, weight = drawn(1, classes=2)
    metric = (OF_ONE_PROBABILITY | OF_NUMBERS)[name][0]
    for given_weight in (weight, None):
        assert np.allclose(in_jax(metric, y, p[:, 1], given_weight), metric(y, p[:, 1], weight=given_weight), rtol=1e-12)


def test_many_members_are_measured_at_once():
    y, p, _ = drawn(2)
    stacked = jnp.asarray(np.stack([p, p[::-1], np.roll(p, 1, axis=1)]), jnp.float32)
    for metric in (metrics.accuracy, metrics.roc_auc, metrics.calibration_error, metrics.log_loss):
        together = quick_jit(jax.vmap(lambda p, metric=metric: metric(jnp.asarray(y), p)))(stacked)
        assert np.allclose(together, [metric(y, np.asarray(member)) for member in stacked], rtol=1e-5)


def test_perplexity_of_sequences_leaves_padding_out():
    random = np.random.default_rng(0)
    scores, y, lengths = random.normal(size=(3, 5, 4)), random.integers(0, 4, (3, 5)), np.array([5, 2, 1])
    mask = (np.arange(5) < lengths[:, None]).astype(float)
    p = softmax(scores.reshape(-1, 4)).reshape(scores.shape)
    with precision("float64"):
        losses = optax.losses.softmax_cross_entropy_with_integer_labels(jnp.asarray(scores), jnp.asarray(y))
        wanted = float(jnp.exp((losses * mask).sum() / mask.sum()))
    assert float(metrics.perplexity(y, p, weight=mask)) == pytest.approx(wanted, rel=1e-12)
    assert float(metrics.perplexity(jnp.asarray(y), p, weight=mask)) == pytest.approx(wanted, rel=1e-5)
    assert float(metrics.perplexity(y, np.full((3, 5, 4), 0.25))) == pytest.approx(4, rel=1e-12)


def test_a_weight_is_how_often_a_row_is_there():
    y, p, weight = drawn(3)
    rows = np.repeat(np.arange(len(y)), weight.astype(int))
    for metric, _ in OF_PROBABILITIES.values():
        assert float(metric(y, p, weight=weight)) == pytest.approx(float(metric(y[rows], p[rows], weight=None)), **CLOSE)


def test_where_nothing_is_divided_by_nothing():
    nothing = np.zeros(3)
    assert float(metrics.precision([0, 1, 1], [0, 0, 0])) == float(metrics.recall([0, 0, 0], [0, 1, 1])) == 0
    assert float(metrics.f1([0, 0, 0], [0, 0, 0])) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(oracle.roc_auc_score([1, 1, 1], [0.1, 0.2, 0.3]))
        assert np.isnan(oracle.r2_score([1.0], [2.0]))
    assert np.isnan(metrics.roc_auc([1, 1, 1], [0.1, 0.2, 0.3])) and np.isnan(metrics.r2([1.0], [2.0]))
    assert np.isnan(metrics.roc_auc([0, 1, 1], [0.1, np.nan, 0.3])) and not metrics.top_k_accuracy([0], [[np.nan, 1.0]], k=1)
    for predictions in ([2.0, 2.0], [2.0, 3.0]):
        assert float(metrics.r2([2.0, 2.0], predictions)) == oracle.r2_score([2.0, 2.0], predictions)
    for metric in (metrics.accuracy, metrics.log_loss, metrics.calibration_error, metrics.roc_auc, metrics.r2, metrics.mean_absolute_error):
        assert np.isnan(metric(np.array([0, 1, 1]), np.array([0.0, 1.0, 0.5]), weight=nothing))


def test_certainty_is_punished_with_a_finite_number():
    for dtype in ("float32", "float64"):
        p = np.array([[1.0, 0.0], [0.0, 1.0]], dtype)
        assert float(metrics.log_loss([1, 1], p)) == pytest.approx(oracle.log_loss([1, 1], p, labels=[0, 1]), rel=1e-6)


def test_equal_scores_count_half_whatever_their_order():
    assert float(metrics.roc_auc([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5])) == float(metrics.roc_auc([1, 1, 0, 0], [3, 3, 3, 3])) == 0.5
    assert float(metrics.roc_auc([0, 1], [-np.inf, np.inf])) == 1  # scores need not be probabilities


def test_classes_of_any_whole_dtype_are_the_same_classes():
    y, p, _ = drawn(4)
    for dtype in ("uint8", "int8", "int64"):
        assert metrics.confusion_matrix(y.astype(dtype), p.argmax(axis=1).astype(dtype)).tolist() == metrics.confusion_matrix(y, p).tolist()
    assert float(metrics.accuracy(y > 1, p[:, 0])) == float(metrics.accuracy((y > 1).astype(int), p[:, 0]))


def test_every_metric_takes_truth_first_and_weights_by_name():
    for name in metrics.__all__:
        parameters = inspect.signature(getattr(metrics, name)).parameters
        assert list(parameters)[:2] == ["y", "predictions"]
        assert parameters["weight"].kind is inspect.Parameter.KEYWORD_ONLY and parameters["weight"].default is None
