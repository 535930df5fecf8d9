"""BatchNorm against Flax's over several steps, and how what it leaves for the next step travels."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen

from jaxnn import Classification, Recipe, advance, fit, fit_many, optimizer, optimizers, start
from jaxnn.compiling import compiled
from jaxnn.data.batching import epoch_batches
from jaxnn.layers import BatchNorm, Buffers, Chain, Dense, Repeat, Residual, Tanh, Timewise
from jaxnn.layers.buffers import has_buffers, with_buffers, with_moved_buffers, without_buffers
from jaxnn.loop import epoch_order
from jaxnn.regularisation import squared, with_penalty
from jaxnn.training import as_data, key_data
from tests.programs import quick_jit
from tests.samples import CLASSES, blobs
from tests.tolerances import assert_close, assert_same_bits, draw, precision

NETWORK = Chain((Dense(5), Tanh(), BatchNorm(momentum=0.8), Dense(CLASSES)))
KEY = jax.random.key(0)


def recipe(**fields):
    fields = {"optimizer": optimizer(optax.sgd, learning_rate=0.1, momentum=0.9), "epochs": 3, "batch_size": 8} | fields
    return Recipe(Classification(NETWORK), **fields)


def test_several_steps_are_those_of_flax():
    with precision("float64"), jax.numpy_dtype_promotion("standard"):  # Flax promotes float64 with its own float32
        layer, theirs = BatchNorm(momentum=0.7, eps=1e-3), linen.BatchNorm(momentum=0.7, epsilon=1e-3)
        x = 3 + 2 * draw((4, 6, 2, 3), "float64")
        params, variables = (
            layer.init(KEY, x[0]),
            jax.tree.map(lambda leaf: leaf.astype("float64"), theirs.init(KEY, x[0], use_running_average=True)),
        )
        params |= {"scale": draw((3,), "float64", seed=1), "bias": draw((3,), "float64", seed=2)}
        variables |= {"params": {"scale": params["scale"], "bias": params["bias"]}}

        @quick_jit
        def step(params, variables, x):
            y, residuals = layer.forward(params, x, KEY)
            dparams, dx = layer.backward(params, residuals, jnp.sin(x))
            flax, pull, changed = jax.vjp(
                lambda learned, x: theirs.apply(variables | {"params": learned}, x, use_running_average=False, mutable=["batch_stats"]),
                variables["params"],
                x,
                has_aux=True,
            )
            running = with_moved_buffers(without_buffers(params), params, dparams)["running"].values
            return (y, without_buffers(dparams), dx, running), (flax, *pull(jnp.sin(x)), changed["batch_stats"])

        for batch in x:
            (y, dlearned, dx, running), (flax, dflax, dx_of_flax, stats) = step(params, variables, batch)
            assert_close((y, dx, running), (flax, dx_of_flax, {"mean": stats["mean"], "variance": stats["var"]}))
            assert_close({"scale": dlearned["scale"], "bias": dlearned["bias"]}, dflax)
            params, variables = params | {"running": Buffers(running)}, variables | {"batch_stats": stats}
        evaluated = theirs.apply(variables, x[0], use_running_average=True)
        assert_close(layer.apply(params, x[0]), evaluated)


def test_without_a_key_the_running_numbers_are_numbers_like_any_other():
    with precision("float64"):
        layer, x, dy = BatchNorm(), draw((6, 3), "float64"), draw((6, 3), "float64", seed=1)
        params = layer.init(KEY, x) | {"running": Buffers({"mean": draw((3,), "float64", seed=2), "variance": jnp.array([0.5, 1.0, 2.0])})}
        y, residuals = layer.forward(params, x)
        by_jax = jax.vjp(layer.apply, params, x)[1](dy)
        assert_close(layer.backward(params, residuals, dy), by_jax)
        moved = params | {"running": jax.tree.map(lambda leaf: leaf + 1e-6, params["running"])}
        slope = sum(leaf.sum() for leaf in jax.tree.leaves(by_jax[0]["running"]))
        assert float(jnp.vdot(layer.apply(moved, x) - y, dy)) == pytest.approx(float(slope) * 1e-6, rel=1e-4)


def test_eps_is_a_number_that_gradients_reach_and_momentum_does_not_touch_the_output():
    x, dy = draw((6, 3)), draw((6, 3), seed=1)
    params = BatchNorm().init(KEY, x)
    slopes = jax.grad(lambda layer: jnp.vdot(layer.apply(params, x, KEY), dy))(BatchNorm(0.9, 0.1))
    plain = jax.grad(lambda eps: jnp.vdot((x - x.mean(0)) / jnp.sqrt(x.var(0) + eps), dy))(0.1)
    assert float(slopes.eps) == pytest.approx(float(plain), rel=1e-4) and float(slopes.momentum) == 0


def by_hand(data, learning_rate, epochs, batch_size, state):
    """The same run in plain Python: jax.grad of the forward rule alone, running numbers kept beside it."""
    task, params = Classification(NETWORK), state
    order_key = jax.random.wrap_key_data(jax.random.key_data(jax.random.split(jax.random.fold_in(KEY, 0), 3)[1]))

    @quick_jit
    def step(params, rows, weight):
        x, y = data.x[rows], data.y[rows]

        def loss(learned):
            outputs, residuals = NETWORK.forward(with_buffers(learned, params), x, KEY)
            return jnp.vdot(weight, task.loss.value(outputs, y)) / weight.sum(), residuals[2][2]

        gradients, moved = jax.grad(loss, has_aux=True)(without_buffers(params))
        running = jax.tree.map(lambda old, change: old + change, params[2]["running"], Buffers(moved))
        learned = jax.tree.map(lambda p, g: p - learning_rate * g, without_buffers(params), gradients)
        return (*learned[:2], learned[2] | {"running": running}, *learned[3:])

    for epoch in range(epochs):
        for rows, weight in zip(*epoch_batches(jax.random.fold_in(order_key, epoch), data.train, batch_size), strict=True):
            params = step(params, rows, weight)
    return params


@pytest.mark.parametrize("times", [0, 2])
def test_a_layer_that_takes_no_part_is_unmoved_and_one_used_twice_moves_twice(times):
    layer, x = BatchNorm(0.5), 1 + draw((6, 3))
    params = layer.init(KEY, x)

    def loss(params):
        return sum((layer.apply(params, x, KEY).sum() for _ in range(times)), jnp.zeros(()))

    moved = with_moved_buffers(without_buffers(params), params, jax.grad(loss)(params))["running"].values["mean"]
    assert_close(moved, times * 0.5 * x.mean(axis=0), "float32")


@pytest.mark.parametrize("engine", ["autodiff", "backprop"])
def test_a_run_is_a_plain_loop_with_the_running_numbers_beside_it(engine):
    data = as_data("fit", blobs(), None, key_data(0))
    plain = recipe(optimizer=optimizer(optax.sgd, learning_rate=0.1), gradients=engine)
    state = compiled(start, once=True)(plain, data, key_data(0), np.int32(0)).params
    run = fit(plain, data)
    assert_close(run.params, by_hand(data, 0.1, 3, 8, state), "float32")
    mean = run.params[2]["running"].values["mean"]
    assert np.all(mean != 0) and np.all(np.isfinite(mean))


@pytest.mark.parametrize("engine", ["autodiff", "backprop"])
def test_a_frozen_one_normalises_by_its_running_numbers_and_they_stay(engine):
    """Beside it the first layer learns through it, and the last behind it: the same run in plain Python."""
    descent = optimizer(optax.sgd, learning_rate=0.1)
    frozen = recipe(optimizer=optimizers(descent, None, None, descent), gradients=engine)
    data = as_data("fit", blobs(), None, key_data(0))
    state = compiled(start, once=True)(frozen, data, key_data(0), np.int32(0))
    running = {"mean": draw((5,), seed=1), "variance": jnp.array([0.5, 1.0, 2.0, 3.0, 0.1])}
    norm = {"scale": draw((5,), seed=2), "bias": draw((5,), seed=3), "running": Buffers(running)}
    state = state.replace(params=(*state.params[:2], norm, state.params[3]))
    after, _ = compiled(advance, once=True, static=("epochs",))(frozen, state, data, epochs=3)
    assert_same_bits(after.params[2], norm)

    @quick_jit
    @jax.grad
    def gradients(learned, x, y, weight):
        hidden = jnp.tanh(x @ learned[0]["kernel"] + learned[0]["bias"])
        hidden = (hidden - running["mean"]) / jnp.sqrt(running["variance"] + 1e-5) * norm["scale"] + norm["bias"]
        log_odds = jax.nn.log_softmax(hidden @ learned[1]["kernel"] + learned[1]["bias"])
        return -jnp.vdot(weight, log_odds[jnp.arange(len(y)), y]) / weight.sum()

    learned = state.params[0], state.params[3]
    for epoch in range(3):
        for rows, weight in zip(*epoch_order(frozen, state.replace(epoch=jnp.int32(epoch)), data.train), strict=True):
            slopes = gradients(learned, data.x[rows], data.y[rows], weight)
            learned = jax.tree.map(lambda param, slope: param - 0.1 * slope, learned, slopes)
    assert_close((after.params[0], after.params[3]), learned, "float32")


def test_step_by_step_too_both_engines_move_the_running_numbers():
    layer, x = Timewise(BatchNorm()), draw((3, 4, 2))
    params = layer.init(KEY, x)
    by_jax = quick_jit(jax.grad(lambda params: jnp.sin(layer.apply(params, x, KEY)).sum()))(params)
    y, residuals = layer.forward(params, x, KEY)
    assert_close(by_jax, layer.backward(params, residuals, jnp.cos(y))[0], "float32")
    assert np.asarray(by_jax["running"].values["mean"]).any()


def test_running_numbers_of_narrow_dtypes_arrive():
    layer, x = BatchNorm(), (3 + 2 * draw((64, 1))).astype("bfloat16")
    params = layer.init(KEY, x)

    def step(_, params):
        y, residuals = layer.forward(params, x, KEY)
        return with_moved_buffers(without_buffers(params), params, layer.backward(params, residuals, y)[0])

    running = quick_jit(lambda params: jax.lax.fori_loop(0, 1000, step, params))(params)["running"].values
    wide = np.asarray(x, np.float32)
    assert_close(running, {"mean": wide.mean(0), "variance": wide.var(0)}, "bfloat16")


def test_an_optimizer_never_sees_them():
    run = fit(recipe(optimizer=optimizer(optax.adamw, learning_rate=0.1, weight_decay=0.5)), blobs())
    assert has_buffers(run.params) and not has_buffers(run.state.optimizer)
    assert len(jax.tree.leaves(run.state.optimizer[0].mu)) == len(jax.tree.leaves(without_buffers(run.params)))


def test_a_member_of_a_population_is_the_run_alone():
    alone = fit(recipe(), blobs(), member=1)
    other = fit_many([recipe(), recipe()], blobs())[1]
    assert_same_bits(other.params, alone.params)
    side_by_side = fit_many([recipe(), recipe()], blobs(), lanes=2)[1]
    assert_close(side_by_side.params, alone.params, "float32")


def test_l2_is_on_kernels_alone_also_where_layers_are_stacked():
    deep = Repeat(Residual(Chain((Dense(4), BatchNorm()))), 3)
    params = deep.init(KEY, jnp.ones((2, 4)))
    ones = jax.tree.map(jnp.ones_like, params)
    added = with_penalty(jax.tree.map(jnp.zeros_like, params), ones, 0.5, squared)
    (dense, norm), _ = added
    assert np.all(dense["kernel"] == 1)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves((dense["bias"], norm)))


def test_trees_without_buffers_go_through_as_they_are():
    tree = ({"kernel": 1.0}, (), None, [2.0])
    assert without_buffers(tree) == tree and with_buffers(tree, ({"kernel": 5.0}, (), None, [6.0])) == tree
    assert not has_buffers(tree)
    both = (tree, Buffers({"mean": 3.0}))
    assert without_buffers(both) == (tree, None) and with_buffers((tree, None), both) == both and has_buffers(both)


def test_inputs_are_checked():
    with pytest.raises(ValueError, match=r"BatchNorm: x must be of shape \(batch, \.\.\., features\), got shape \(4,\)"):
        BatchNorm().init(KEY, jnp.ones(4))
    with pytest.raises(TypeError, match="BatchNorm: x must be a floating-point array, got dtype int32"):
        BatchNorm().init(KEY, jnp.ones((2, 4), jnp.int32))
    with pytest.raises(ValueError, match=r"BatchNorm: x must be of shape \(batch, \.\.\., 4\), as its parameters are, got shape \(2, 5\)"):
        BatchNorm().apply(BatchNorm().init(KEY, jnp.ones((2, 4))), jnp.ones((2, 5)))
