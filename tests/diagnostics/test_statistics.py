"""Statistics of layers against what NumPy and jax.grad give, and the advice that they lead to."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import BinaryClassification, Classification, Regression, models
from jaxnn.diagnostics import LayerStatistics, advice, statistics
from jaxnn.layers import Chain, Conv, Dense, Flatten, Function, LeakyReLU, ReLU, Repeat, Residual, Sigmoid, Tanh
from jaxnn.layers.buffers import without_buffers
from jaxnn.typing import Batch
from tests.catalogue_of_tasks import TASKS
from tests.interop.modules import PLAIN, STATEFUL
from tests.samples import blobs
from tests.tasks.examples import prepared
from tests.tolerances import precision


def begin(task, x, y, seed=0):
    return task.init(jax.random.key(seed), Batch(jnp.asarray(x), jnp.asarray(y), jnp.ones(len(x), x.dtype)))


def test_means_spreads_and_gradients_are_those_of_numpy_and_autodiff():
    with precision("float64"):
        x, y = blobs(dtype="float64")
        task = Classification(models.mlp((5,), 3, activation="tanh"))
        params = begin(task, x, y)
        found = statistics(task, params, (x, y))
        first, between, last = found.rows
        b = x @ np.asarray(params[0]["kernel"]) + np.asarray(params[0]["bias"])
        assert (first.mean, first.sd) == pytest.approx((b.mean(), b.std()))
        assert between.saturated == pytest.approx(np.mean(1 - np.tanh(b) ** 2 < 0.05))
        assert (first.saturated, first.dead, between.gradient) == (None, None, None)

        def loss(params):
            return task.loss.value(task.model.apply(params, x), y).mean()

        value, gradients = jax.value_and_grad(loss)(params)
        for row, gradient in ((first, gradients[0]), (last, gradients[2])):
            numbers = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(gradient)])
            assert row.gradient == pytest.approx(np.linalg.norm(numbers))
            assert row.gradient_rms == pytest.approx(np.sqrt(np.mean(numbers**2)))
        assert found.loss == pytest.approx(float(value))
        assert [row.path for row in found.rows] == ["model.layers[0]", "model.layers[1]", "model.layers[2]"]


def test_units_that_are_flat_for_all_rows_are_dead():
    x, y = np.linspace(-1, 1, 8, dtype=np.float32)[:, None], np.zeros(8, np.float32)
    params = ({"kernel": jnp.ones((1, 4)), "bias": jnp.array([-5.0, -0.5, 0, 5])}, (), {"kernel": jnp.ones((4, 1)), "bias": jnp.zeros(1)})
    assert statistics(Regression(Chain((Dense(4), ReLU(), Dense(1)))), params, (x, y)).rows[1].dead == 0.25
    assert statistics(Regression(Chain((Dense(4), LeakyReLU(), Dense(1)))), params, (x, y)).rows[1].dead == 0


def test_layers_of_images_and_layers_inside_a_scan_are_seen():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(3, 4, 4, 1)).astype(np.float32), np.array([0, 1, 1], np.int32)
    block = Residual(Chain((Dense(4), Sigmoid())))
    task = BinaryClassification(Chain((Conv(2), ReLU(), Flatten(), Dense(4), Repeat(block, 2), Dense(1))))
    rows = {row.path: row for row in statistics(task, begin(task, x, y), (x, y)).rows}
    assert rows["model.layers[1]"].dead in (0.0, 0.5, 1.0)  # a unit is a channel
    inside = [row for path, row in rows.items() if path.startswith("model.layers[4].") and row.saturated is not None]
    assert len(inside) == 1 and inside[0].saturated == 0
    assert rows["model.layers[4]"].gradient > 0  # what is repeated has its parameters together


@pytest.mark.parametrize("name", ["Adversarial, smoothed labels and penalty", "NextToken of lengths", "Variational of probabilities"])
def test_each_gradient_belongs_to_a_layer_in_tasks_of_every_kind(name):
    task, params, batch = prepared(TASKS[name], "float32")
    key = jax.random.key(0) if task.draws else None
    rows = statistics(task, params, (batch.x, batch.y), key=key).rows
    _, gradients = task.gradients(params, batch, key, "backprop")
    assert sum(row.gradient**2 for row in rows if row.gradient) == pytest.approx(float(optax.tree.norm(gradients)) ** 2, rel=1e-4)


@pytest.mark.parametrize(
    ("layer", "scale", "words"),
    [(Sigmoid(), 100.0, "are saturated"), (Tanh(), 100.0, "are saturated"), (Sigmoid(), 1.0, "Gradients vanish")],
)
def test_advice_in_words(layer, scale, words):
    x, y = blobs()
    hidden = models.mlp((8,) * (10 if scale == 1 else 1), 1, activation=layer)
    task = BinaryClassification(hidden)
    found = statistics(task, begin(task, x, y), (scale * x, (y > 0).astype(np.int32)))
    assert any(words in sentence for sentence in found.advice)
    assert words in repr(found)


def row(path, rms, **fields):
    return LayerStatistics(path, "Dense(3)", 0.0, 1.0, gradient=rms, gradient_rms=rms, **fields)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row("a", 1.0), row("b", 1.0)], []),
        ([row("a", 1e-6), row("b", 1.0)], ["Gradients vanish"]),
        ([row("a", 1.0), row("b", 1e-6)], ["Gradients explode"]),
        ([row("a", 1e4), row("b", 1e4)], ["Gradients explode"]),
        ([row("a", np.nan)], ["a: outputs or gradients are not finite"]),
        ([row("a", 1.0, dead=0.6)], ["a: 60 % of the units of Dense(3) are dead"]),
        ([LayerStatistics("a", "ReLU()", 0.0, 1.0)], []),
    ],
)
def test_each_rule(rows, words):
    said = advice(rows)
    assert len(said) == len(words) and all(sentence.startswith(start) for sentence, start in zip(said, words, strict=True))


def test_the_table_names_layers_and_numbers():
    x, y = blobs()
    task = Classification(models.mlp((5,), 3, activation="tanh"))
    lines = repr(statistics(task, begin(task, x, y), (x, y))).splitlines()
    assert lines[0].split() == ["layer", "mean", "sd", "saturated", "dead", "gradient", "rms"]
    assert lines[1].strip().startswith("0 Dense(5") and "%" in lines[2] and lines[4].startswith("loss ")


@pytest.mark.parametrize("inner", [Function(jnp.tanh), PLAIN["flax"](), STATEFUL["flax"]()], ids=["function", "module", "with a state"])
def test_functions_and_modules_inside_a_scan_are_seen(inner):
    """What they keep of the way is a callable of JAX's, which a scan that runs in Python could not stack."""
    x, y = blobs()
    task = Classification(Chain((Repeat(Chain((inner, Dense(x.shape[1]))), 2), Dense(3))))
    params = begin(task, x, y)
    key = jax.random.key(0) if inner.draws else None
    rows = statistics(task, params, (x, y), key=key).rows
    _, gradients = task.gradients(params, Batch(jnp.asarray(x), jnp.asarray(y), jnp.ones(len(x))), key, "autodiff")
    whole = float(optax.tree.norm(without_buffers(gradients)))
    assert sum(row.gradient**2 for row in rows if row.gradient) == pytest.approx(whole**2, rel=1e-4)
