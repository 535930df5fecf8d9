"""The run as a pure function: against NumPy and an explicit Python loop, resumed and differentiated."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import Data, EarlyStopping, Regression, advance, fit, measuring, models, optimizer, start
from jaxnn.compiling import compiled
from jaxnn.data.batching import epoch_batches
from jaxnn.measuring import evaluate
from jaxnn.training import as_data, key_data
from jaxnn.typing import Batch
from tests.loops import MEMBER, begin, go_on, go_once, split
from tests.samples import ROWS, blobs, classification, plane, regression
from tests.tolerances import assert_close, assert_same_bits, draw, precision

TRAIN = ROWS - 5  # 17 rows in batches of 8: the last batch is one row


@pytest.fixture(scope="module")
def data() -> Data:
    return split(*blobs())


def everything(optimizer: Any = None) -> Any:
    """Dropout, L2, early stopping and an optimizer with memory, all that a resumed run could lose."""
    momentum = optimizer or {"optimizer": momentum_descent()}
    return classification(dropout=0.2, l2=1e-2, early_stopping=EarlyStopping(patience=4.0), epochs=5, **momentum)


def momentum_descent() -> Any:
    return optimizer(optax.sgd, learning_rate=0.3, momentum=0.9)


def explicit_run(recipe: Any, state: Any, data: Data, epochs: int) -> tuple[Any, list[float]]:
    """The same run in plain Python around one compiled step: params and the mean loss of each epoch."""
    order_key, steps_key = (jax.random.wrap_key_data(raw) for raw in state.keys)
    batches = jax.jit(functools.partial(epoch_batches, batch_size=recipe.batch_size))

    @jax.jit
    def step(params, memory, rows, weight, key):
        batch = Batch(data.x[rows], data.y[rows], weight)
        metrics, gradients = recipe.task.gradients(params, batch, key, recipe.gradients)
        gradients = jax.tree.map(lambda g, p: g + 2 * recipe.l2 * p if p.ndim > 1 else g, gradients, params)
        updates, memory = recipe.optimizer.build().update(gradients, memory, params)
        return optax.apply_updates(params, updates), memory, metrics["loss"] * weight.sum()

    params, memory, history, number = state.params, state.optimizer, [], 0
    for epoch in range(epochs):
        losses = []
        for rows, weight in zip(*batches(jax.random.fold_in(order_key, epoch), data.train), strict=True):
            params, memory, loss = step(params, memory, rows, weight, jax.random.fold_in(steps_key, number))
            losses.append(loss)
            number += 1
        history.append(np.stack(losses).sum() / len(data.train))
    return params, history


@pytest.mark.parametrize("gradients", ["autodiff", "backprop"])
def test_a_run_is_a_python_loop_bit_for_bit(data, gradients):
    recipe = everything().replace(gradients=gradients, early_stopping=None)
    state = begin(recipe, data, key_data(1), MEMBER)
    after, history = go_on(recipe, state, data, epochs=5)
    params, losses = explicit_run(recipe, state, data, 5)
    assert_same_bits(after.params, params)
    assert np.allclose(history["loss"], losses, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "ways"),
    [(lambda: optimizer(optax.adam, learning_rate=0.05), ([2, 3], [1] * 5)), (momentum_descent, ([1] * 5,))],
    ids=["adam", "momentum"],
)
def test_a_run_resumed_is_the_run_straight_bit_for_bit(data, make, ways):
    recipe = everything({"optimizer": make()})
    initial = begin(recipe, data, key_data(1), MEMBER)
    straight, history = go_on(recipe, initial, data, epochs=5)
    for parts in ways:
        state, pieces = initial, []
        for epochs in parts:
            state, metrics = go_on(recipe, state, data, epochs=epochs)
            pieces.append(metrics)
        assert_same_bits(state, straight)
        assert_same_bits({name: np.concatenate([piece[name] for piece in pieces]) for name in history}, dict(history))


def by_numpy(state: Any, data: Data, batch_size: int, epochs: int, rate: float, l2: float) -> tuple[np.ndarray, float, list[float]]:
    """Gradient descent of a linear regression in NumPy: kernel, bias and the mean loss of each epoch."""
    x, y = np.asarray(data.x), np.asarray(data.y)
    kernel, bias = np.asarray(state.params[0]["kernel"])[:, 0], float(state.params[0]["bias"][0])
    order_key = jax.random.wrap_key_data(state.keys[0])
    history = []
    for epoch in range(epochs):
        indices, weights = epoch_batches(jax.random.fold_in(order_key, epoch), data.train, batch_size)
        losses = []
        for rows, weight in zip(np.asarray(indices), np.asarray(weights), strict=True):
            rows = rows[weight > 0]
            errors = x[rows] @ kernel + bias - y[rows]
            losses += list(errors**2)
            kernel, bias = kernel - rate * (2 * x[rows].T @ errors / len(rows) + 2 * l2 * kernel), bias - rate * 2 * errors.mean()
        assert len(losses) == len(data.train)
        history.append(float(np.mean(losses)))
    return kernel, bias, history


@pytest.mark.parametrize("batch_size", [1, 8, TRAIN, 1000])
def test_batches_of_any_size_train_on_exactly_the_rows(batch_size):
    with precision("float64"):
        data = split(*plane(dtype="float64"))
        recipe = regression(learning_rate=0.05, l2=0.01, batch_size=batch_size)
        state = begin(recipe, data, key_data(0), MEMBER)
        after, history = go_once(recipe, state, data, epochs=3)
        kernel, bias, losses = by_numpy(state, data, batch_size, 3, 0.05, 0.01)
        assert np.allclose(after.params[0]["kernel"][:, 0], kernel, rtol=1e-12, atol=1e-14)
        assert np.allclose(after.params[0]["bias"], bias, rtol=1e-12, atol=1e-14)
        assert np.allclose(history["loss"], losses, rtol=1e-12)
        held_out = np.asarray(data.validation)
        errors = np.asarray(data.x)[held_out] @ kernel + bias - np.asarray(data.y)[held_out]
        assert float(history["validation_loss"][-1]) == pytest.approx(np.mean(errors**2), rel=1e-12)


def test_data_of_few_bits_are_refused_for_numbers_would_be_rounded_to_them():
    data = jax.tree.map(lambda leaf: leaf.astype("bfloat16") if leaf.dtype == np.float32 else leaf, split(*blobs()))
    with pytest.raises(ValueError, match=r"advance: data must be float32 or float64, got bfloat16\. Call fit"):
        begin(everything(), data, key_data(0), MEMBER)


# Start, evaluation, hypergradients -------------------------------------------------------------------------------------------


def test_randomness_comes_from_key_and_member_alone(data):
    recipe = classification()
    first = begin(recipe, data, key_data(0), np.int32(0))
    assert_same_bits(begin(recipe, data, key_data(0), np.int32(0)), first)
    assert_same_bits(begin(recipe.replace(batch_size=4), data, key_data(0), np.int32(0)).params, first.params)
    for key, member in ((0, 1), (1, 0)):
        other = begin(recipe, data, key_data(key), np.int32(member))
        assert not np.array_equal(other.params[0]["kernel"], first.params[0]["kernel"])
        assert not np.array_equal(other.keys, first.keys)


@pytest.mark.parametrize("rows", [1, 4, 9, 12])
def test_many_rows_are_evaluated_in_pieces_with_the_same_result(rows, monkeypatch):
    task = Regression(models.mlp((), 1))
    batch = Batch(draw((rows, 4)), draw((rows,), seed=1), jnp.linspace(0.5, 1, rows))
    params = task.init(jax.random.key(0), batch)
    monkeypatch.setattr(measuring, "EVALUATION_ROWS", 4)
    assert_close(evaluate(task, params, batch), task.evaluate(params, batch), "float32")


def test_rows_that_fill_up_a_piece_are_examples_without_weight(monkeypatch):
    rows_seen = []

    class Watching(Regression):
        def evaluate(self, params, batch):
            jax.debug.callback(lambda *seen: rows_seen.append(np.stack(seen)), batch.x[:, 0], batch.weight)
            return super().evaluate(params, batch)

    batch = Batch(jnp.arange(1.0, 7)[:, None], jnp.ones(6), jnp.ones(6))
    task = Watching(models.mlp((), 1))
    params = task.init(jax.random.key(0), batch)
    monkeypatch.setattr(measuring, "EVALUATION_ROWS", 4)
    jax.block_until_ready(evaluate(task, params, batch))
    jax.effects_barrier()
    assert np.concatenate(rows_seen, axis=1).tolist() == [[1, 2, 3, 4, 5, 6, 6, 6], [1, 1, 1, 1, 1, 1, 0, 0]]


@pytest.mark.parametrize("gradients", ["autodiff", "backprop"])
def test_gradients_go_through_the_whole_run_to_its_hyperparameters(gradients):
    with precision("float64"):
        data = split(*blobs(dtype="float64"))

        def validation_loss(recipe):
            _, history = advance(recipe, start(recipe, data, key_data(0), MEMBER), data, epochs=2)
            return history["validation_loss"][-1]

        loss_and_slopes = compiled(jax.value_and_grad(validation_loss), once=True)

        def recipe(rate, l2):
            return classification(learning_rate=rate, l2=l2, gradients=gradients)

        _, slopes = loss_and_slopes(recipe(0.1, 0.02))
        assert jax.tree.structure(slopes) == jax.tree.structure(recipe(0.1, 0.02))
        for slope, (rate, l2) in ((slopes.optimizer.numbers["learning_rate"], (1e-6, 0)), (slopes.l2, (0, 1e-6))):
            above, below = (loss_and_slopes(recipe(0.1 + sign * rate, 0.02 + sign * l2))[0] for sign in (1, -1))
            assert float(slope) == pytest.approx(float(above - below) / 2e-6, rel=1e-6)
            assert abs(slope) > 1e-3


def test_training_rows_are_measured_as_they_are_at_the_end_of_the_epoch():
    run = fit(classification(dropout=0.5, measure_training=True, batch_size=5), blobs(), validation=0.3)
    x, y = blobs()
    everything_else = fit(classification(dropout=0.5, batch_size=5), blobs(), validation=0.3)
    assert_same_bits(run.params, everything_else.params)
    rows = [index for index in range(ROWS) if index not in held_out()]
    measured = run.evaluate(x[rows], y[rows])
    assert {f"training_{name}" for name in measured} < set(run.history)
    assert all(run.history[f"training_{name}"][-1] == pytest.approx(value, rel=1e-5) for name, value in measured.items())


def held_out() -> set[int]:
    return set(np.asarray(as_data("test", blobs(), 0.3, key_data(0)).validation).tolist())
