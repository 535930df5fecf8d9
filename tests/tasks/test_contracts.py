"""What every task promises to the loop: both engines give the gradients of the losses it names, rows count by their weight."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

from jaxnn import Recipe, advance, from_json, optimizer, start, to_json
from jaxnn.tasks import Adversarial
from jaxnn.training import as_data, check_run, key_data
from tests.catalogue_of_tasks import TASKS
from tests.programs import quick_jit
from tests.tasks.examples import ROWS, prepared, some
from tests.tolerances import DTYPES, assert_close, precision, relative_error

ALONE = {name: example for name, example in TASKS.items() if not isinstance(example.make(), Adversarial)}
"""Those whose metrics are means over rows alone; an adversarial one measures each piece against the same generated rows."""

every_task = pytest.mark.parametrize("example", TASKS.values(), ids=TASKS.keys())
both_engines = pytest.mark.parametrize("engine", ["autodiff", "backprop"])

LOSSES = {"generator": "generator_loss", "discriminator": "loss"}
"""Which loss each network of an adversarial task descends; all others descend "loss"."""


def by_part(task, gradients):
    """A Wasserstein critic's last bias has gradient 0, up to rounding, so what is compared is each network's gradient as a whole."""
    return {name: ravel_pytree(gradients[name])[0] for name in LOSSES} if isinstance(task, Adversarial) else gradients


def gradients_of_losses(task, params, batch, key):
    """By JAX, through the metrics."""

    def loss(moved, name):
        return task.gradients(moved, batch, key, "autodiff")[0][name]

    if not isinstance(task, Adversarial):
        return jax.grad(loss)(params, "loss")
    return {
        part: jax.grad(lambda moved, part=part, name=name: loss(params | {part: moved}, name))(params[part])
        for part, name in LOSSES.items()
    }


@every_task
def test_both_engines_give_the_gradients_of_the_losses(example):
    with precision("float64"):
        task, params, batch = prepared(example)
        batch, key = batch._replace(weight=jnp.linspace(0, 1, ROWS)), jax.random.key(3)

        @quick_jit
        def three_ways(params):
            by_jax, by_hand = (task.gradients(params, batch, key, engine) for engine in ("autodiff", "backprop"))
            return by_jax, by_hand, gradients_of_losses(task, params, batch, key)

        (metrics, by_jax), (same_metrics, by_hand), wanted = three_ways(params)
        assert jax.tree.structure(by_jax) == jax.tree.structure(by_hand) == jax.tree.structure(params)
        assert_close(same_metrics, metrics)
        assert_close(by_part(task, by_hand), by_part(task, by_jax))
        assert_close(by_part(task, by_jax), by_part(task, wanted))


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
        assert relative_error(by_part(task, by_hand), by_part(task, by_jax)) < 1e-6
        assert not np.allclose(jax.tree.leaves(by_jax)[0], jax.tree.leaves(params)[0])


@every_task
@both_engines
def test_rows_without_weight_are_not_there(example, engine):
    with precision("float64"):
        task, params, batch = prepared(example)

        @quick_jit
        def measure(batch):  # without a key, for dropout's masks depend on the shape
            metrics, gradients = task.gradients(params, batch, None, engine)
            return metrics, by_part(task, gradients), task.evaluate(params, batch), task.total(batch)

        masked = batch._replace(weight=batch.weight.at[5:].set(0.0))
        assert_close(measure(masked), measure(some(batch, slice(5))))


@pytest.mark.parametrize("example", ALONE.values(), ids=ALONE.keys())
def test_metrics_of_pieces_average_to_those_of_the_whole(example):
    with precision("float64"):
        task, params, batch = prepared(example)
        batch = batch._replace(weight=jnp.linspace(0, 1, ROWS))
        measure = quick_jit(lambda batch: (task.evaluate(params, batch), task.total(batch)))
        pieces = [measure(some(batch, rows)) for rows in (slice(0, 3), slice(3, 4), slice(4, ROWS))]
        whole, total = measure(batch)
        assert "loss" in whole
        for name in whole:
            assert float(sum(metrics[name] * count for metrics, count in pieces)) == pytest.approx(float(whole[name] * total), rel=1e-12)
        assert float(sum(count for _, count in pieces)) == pytest.approx(float(total), rel=1e-12)


@every_task
def test_predictions_have_a_row_for_each_row(example):
    task, params, batch = prepared(example, "float32")
    predictions = jax.eval_shape(task.predict, params, batch.x)
    assert predictions.shape[0] == ROWS and jnp.issubdtype(predictions.dtype, jnp.floating)
    task.check(*jax.tree.map(np.asarray, (batch.x, batch.y)), predictions)


@every_task
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_go_through(example, dtype):
    with precision(dtype):
        task, params, batch = prepared(example, dtype)
        params = jax.tree.map(lambda leaf: leaf.astype(dtype), params)
        for engine in ("autodiff", "backprop"):
            metrics, gradients = jax.eval_shape(
                lambda params, engine=engine: task.gradients(params, batch, jax.random.key(0), engine), params
            )
            evaluated, predictions = jax.eval_shape(lambda params: (task.evaluate(params, batch), task.predict(params, batch.x)), params)
            assert {leaf.dtype.name for leaf in jax.tree.leaves((metrics, gradients, evaluated, predictions))} == {dtype}
            assert jax.tree.map(jnp.shape, gradients) == jax.tree.map(jnp.shape, params)


@every_task
def test_the_loop_takes_it_alone_and_in_a_population(example):
    task, _, batch = prepared(example, "float32")
    recipe = Recipe(task, optimizer(optax.adam, learning_rate=0.1), epochs=2, batch_size=3)
    data = as_data("test", jax.tree.map(np.asarray, (batch.x, batch.y)), 0.5, key_data(0))
    check_run("test", recipe, data)

    def run(number):
        return advance(recipe, start(recipe, data, key_data(0), number), data, epochs=2)

    _, history = jax.eval_shape(run, 0)
    assert {"loss", "validation_loss"} <= history.keys() and {leaf.shape for leaf in history.values()} == {(2,)}
    _, histories = jax.eval_shape(jax.vmap(run), jnp.arange(3))
    assert {leaf.shape for leaf in histories.values()} == {(3, 2)}


@every_task
def test_an_equal_task_built_apart_is_not_traced_again(example):
    traces = 0

    @quick_jit
    def gradients(task, params, batch):
        nonlocal traces
        traces += 1
        return task.gradients(params, batch, jax.random.key(0), "backprop")

    task, params, batch = prepared(example, "float32")
    for equal in (task, example.make(), from_json(to_json(task)), jax.tree.map(lambda number: number / 2, task)):
        gradients.eval_shape(equal, params, batch)
    assert traces == 1
