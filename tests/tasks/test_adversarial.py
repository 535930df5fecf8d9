"""Adversarial: losses and penalty by NumPy, optax and finite differences; what is drawn, weighted and refused; a line that is learned."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import Adversarial, Recipe, advance, fit, models, optimizer, optimizers, start
from jaxnn.layers import BatchNorm, Chain, Dense, Dropout, Identity, ReLU, Tanh
from jaxnn.layers.buffers import Buffers
from jaxnn.tasks.penalty import penalty, penalty_by_hand, penalty_by_jax
from jaxnn.training import as_data, key_data
from jaxnn.typing import Batch
from tests.programs import quick_jit
from tests.tolerances import assert_close, assert_same_bits, draw, precision

ROWS = 6

both_engines = pytest.mark.parametrize("engine", ["autodiff", "backprop"])


def batch_of(x, weight=None):
    return Batch(x, None, jnp.ones(len(x), x.dtype) if weight is None else weight)


def linear(**options):
    return Adversarial(Dense(2), Dense(1), latent=3, **options)


def prepared(task, dtype="float64"):
    batch = batch_of(draw((ROWS, 2), dtype), jnp.linspace(0, 1, ROWS, dtype=dtype))
    return quick_jit(task.init)(jax.random.key(0), batch), batch


gradients = quick_jit(lambda task, *arguments: task.gradients(*arguments), static_argnums=4)
evaluate = quick_jit(lambda task, *arguments: task.evaluate(*arguments))


def scores_by_numpy(params, x):
    """The fixed latent draws of a step without a key, and what a linear critic says of both halves."""
    latent = jax.random.normal(jax.random.split(jax.random.key(0))[0], (len(x), 3), x.dtype)
    generator, critic = params["generator"], params["discriminator"]
    fake = np.asarray(latent) @ np.asarray(generator["kernel"])
    score = lambda rows: (rows @ np.asarray(critic["kernel"]) + np.asarray(critic["bias"]))[:, 0]  # noqa: E731
    return score(np.asarray(x)), score(fake)


@both_engines
@pytest.mark.parametrize("smoothing", [None, 0.2])
def test_the_non_saturating_losses_are_those_of_optax(engine, smoothing):
    with precision("float64"):
        task = linear(label_smoothing=smoothing)
        params, batch = prepared(task)
        (real, fake), weight = scores_by_numpy(params, batch.x), np.asarray(batch.weight)
        cross_entropy = lambda score, truth: optax.sigmoid_binary_cross_entropy(score, np.full(ROWS, truth))  # noqa: E731
        wanted = {
            "loss": np.average(cross_entropy(real, 1 - (smoothing or 0)) + cross_entropy(fake, 0.0), weights=weight),
            "generator_loss": np.average(cross_entropy(fake, 1.0), weights=weight),
            "real_score": np.average(1 / (1 + np.exp(-real)), weights=weight),
            "fake_score": np.average(1 / (1 + np.exp(-fake)), weights=weight),
        }
        assert_close(gradients(task, params, batch, None, engine)[0], wanted)
        assert_close(evaluate(task, params, batch), wanted)


@both_engines
def test_the_wasserstein_losses_are_differences_of_means(engine):
    with precision("float64"):
        task = linear(objective="wasserstein", penalty=10.0)
        params, batch = prepared(task)
        real, fake = (np.average(score, weights=np.asarray(batch.weight)) for score in scores_by_numpy(params, batch.x))
        slope = np.linalg.norm(params["discriminator"]["kernel"])  # of a linear critic, the same everywhere
        wanted = {"loss": fake - real + 10 * (slope - 1) ** 2, "generator_loss": -fake, "real_score": real, "fake_score": fake}
        assert_close(gradients(task, params, batch, None, engine)[0], wanted)
        assert_close(evaluate(task, params, batch), wanted)


CRITIC = Chain((Dense(3), Tanh(), Dense(1)))


def test_the_penalty_and_its_gradient_by_finite_differences():
    with precision("float64"):
        x, share = draw((4, 2), "float64"), jnp.array([0.1, 0.2, 0.3, 0.4])
        params = quick_jit(CRITIC.init)(jax.random.key(0), x)
        leaves, structure = jax.tree.flatten(params)
        apply = quick_jit(CRITIC.apply)

        def by_differences(leaves, step=1e-5):
            """The slopes too are differences."""
            at = jax.tree.unflatten(structure, leaves)
            columns = [(apply(at, x.at[:, i].add(step)) - apply(at, x.at[:, i].add(-step)))[:, 0] / (2 * step) for i in range(2)]
            return float(share @ jnp.square(jnp.linalg.norm(jnp.stack(columns), axis=0) - 1))

        for penalised in (penalty_by_hand, penalty_by_jax):
            value, gradient = quick_jit(penalised, static_argnums=0)(CRITIC, params, x, share)
            assert float(value) == pytest.approx(by_differences(leaves), rel=1e-8)
            for number, (leaf, got) in enumerate(zip(leaves, jax.tree.leaves(gradient), strict=True)):
                for index in np.ndindex(leaf.shape):
                    up, down = ([*leaves[:number], leaf.at[index].add(step), *leaves[number + 1 :]] for step in (1e-3, -1e-3))
                    assert float(got[index]) == pytest.approx((by_differences(up) - by_differences(down)) / 2e-3, abs=3e-5)


@pytest.mark.parametrize("critic", [CRITIC, models.mlp((4, 3), 1, activation="gelu"), Chain((Dense(3), ReLU(), Dropout(0.5), Dense(1)))])
def test_the_penalty_by_hand_is_that_of_autodiff(critic):
    with precision("float64"):
        x, share = draw((5, 2, 2), "float64"), jnp.full(5, 0.2)
        params = quick_jit(critic.init)(jax.random.key(0), x)
        by_hand, by_jax = (
            quick_jit(penalised, static_argnums=0)(critic, params, x, share) for penalised in (penalty_by_hand, penalty_by_jax)
        )
        assert_close(by_hand, by_jax)
        assert_close(by_hand[0], penalty(params, critic, x, share))


def test_where_the_critic_is_flat_the_penalty_is_one_and_has_no_gradient():
    x, share = draw((3, 2)), jnp.full(3, 1 / 3)
    params = jax.tree.map(jnp.zeros_like, quick_jit(CRITIC.init)(jax.random.key(0), x))
    for penalised in (penalty_by_hand, penalty_by_jax):
        value, gradient = quick_jit(penalised, static_argnums=0)(CRITIC, params, x, share)
        assert float(value) == pytest.approx(1)
        assert not any(leaf.any() for leaf in jax.tree.leaves(gradient))


def test_the_penalty_is_looked_at_between_real_and_generated_rows():
    with precision("float64"):
        task = Adversarial(Identity(), CRITIC, latent=2, penalty=1.0)
        params, batch = prepared(task)
        latent_key, mix_key, *_ = jax.random.split(jax.random.key(5), 4)
        fake, mix = jax.random.normal(latent_key, (ROWS, 2), "float64"), jax.random.uniform(mix_key, (ROWS, 1), "float64")
        between = mix * batch.x + (1 - mix) * fake
        wanted = penalty(params["discriminator"], CRITIC, between, batch.weight / batch.weight.sum())
        with_penalty, without = (
            gradients(task.replace(penalty=factor), params, batch, jax.random.key(5), "backprop")[0]["loss"] for factor in (1.0, 0.0)
        )
        assert float(with_penalty - without) == pytest.approx(float(wanted), rel=1e-10)


def test_without_a_key_the_draws_are_fixed_and_of_the_row():
    task = Adversarial(Chain((Dense(2), Dropout(0.5))), CRITIC, latent=3, penalty=1.0)
    params, batch = prepared(task, "float32")
    first = evaluate(task, params, batch)
    assert_same_bits(evaluate(task, params, batch), first)
    longer = Batch(jnp.concatenate([batch.x, batch.x]), None, jnp.concatenate([batch.weight, jnp.zeros_like(batch.weight)]))
    assert_close(evaluate(task, params, longer), first, "float32")
    one, other = (gradients(task, params, batch, key, "backprop")[0]["loss"] for key in jax.random.split(jax.random.key(1)))
    assert float(one) != float(other)


def test_predictions_are_probabilities_or_scores():
    params, batch = prepared(linear(), "float32")
    real, _ = scores_by_numpy(params, batch.x)
    assert np.asarray(linear(objective="wasserstein").predict(params, batch.x)) == pytest.approx(real, rel=1e-5)
    assert np.asarray(linear().predict(params, batch.x)) == pytest.approx(1 / (1 + np.exp(-real)), rel=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_are_generated_from_draws_of_the_latent_numbers(dtype):
    with precision(dtype):
        params, _ = prepared(linear(), dtype)
        samples = linear().sample(params, jax.random.key(3), 4)
        latent = jax.random.normal(jax.random.key(3), (4, 3), dtype)
        assert samples.dtype == dtype
        assert_close(samples, latent @ params["generator"]["kernel"], dtype)


@pytest.mark.parametrize("factor", [None, 1.0])
def test_buffers_are_renewed_once_by_real_and_generated_rows_together(factor):
    with precision("float64"):
        critic = Chain((BatchNorm(0.9), Dense(1)))
        task = Adversarial(Dense(2), critic, latent=3, penalty=factor)
        params, batch = prepared(task)
        key = jax.random.key(4)
        fake = jax.random.normal(jax.random.split(key, 4)[0], (ROWS, 3), "float64") @ params["generator"]["kernel"]
        both = jnp.concatenate([batch.x, fake])
        (alone, _), _ = critic.backward(
            params["discriminator"], critic.forward(params["discriminator"], both, key)[1], jnp.ones((2 * ROWS, 1))
        )

        def buffers(tree):
            return [node for node in jax.tree.leaves(tree, is_leaf=lambda node: isinstance(node, Buffers)) if isinstance(node, Buffers)]

        assert buffers(alone)
        for engine in ("autodiff", "backprop"):
            assert_close(buffers(gradients(task, params, batch, key, engine)[1]), buffers(alone))


def test_a_generator_finds_where_the_rows_are():
    x = np.random.default_rng(0).normal(3.0, 0.5, (64, 1)).astype(np.float32)
    rates = {"generator": 0.01, "discriminator": 0.05}
    made = optimizers(**{name: optimizer(optax.adam, learning_rate=rate, b1=0.5) for name, rate in rates.items()})
    task = Adversarial(Dense(1), models.mlp((8,), 1, activation="tanh"), latent=1)
    recipe, data = Recipe(task, made, epochs=200), as_data("test", (x, None), None, key_data(0))
    began = quick_jit(start)(recipe, data, key_data(0), 0)
    after, history = quick_jit(advance, static_argnames="epochs")(recipe, began, data, epochs=200)
    before, found = (float(task.sample(state.params, jax.random.key(1), 500).mean()) for state in (began, after))
    assert abs(before) < 1 and found == pytest.approx(3, abs=0.5)
    assert np.all(np.isfinite(history["loss"]))


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (
            lambda: linear(objective="least squares"),
            ValueError,
            "Adversarial: objective must be 'non_saturating' or 'wasserstein', got 'le",
        ),
        (lambda: Adversarial(Dense(2), Dense(1), latent=0), ValueError, "Adversarial: latent must be a whole number >= 1, got 0"),
        (lambda: linear(objective="wasserstein", label_smoothing=0.1), ValueError, "Adversarial: label_smoothing must be None where there"),
    ],
)
def test_games_that_can_not_be(make, error, match):
    with pytest.raises(error, match=match):
        make()


@pytest.mark.parametrize(
    ("task", "y", "match"),
    [
        (linear(), np.ones(4, np.float32), r"Adversarial: y must be None, for it learns from x alone"),
        (
            Adversarial(Dense(3), Dense(1), 2),
            None,
            r"Adversarial: the generator's output must be of the shape of x, \(1, 2\), got shape \(1, 3\)",
        ),
        (
            Adversarial(Dense(2), Dense(2), 2),
            None,
            r"Adversarial: the discriminator's output must be of shape \(batch, 1\), got shape \(1, 2\)",
        ),
        (linear(penalty=-1.0), None, r"fit: task\.penalty must be in \[0, inf\), got -1"),
        (linear(label_smoothing=1.0), None, r"fit: task\.label_smoothing must be in \[0, 1\), got 1"),
    ],
)
def test_networks_must_fit_each_other_and_the_rows(task, y, match):
    with pytest.raises(ValueError, match=match):
        fit(Recipe(task, optimizer(optax.sgd, learning_rate=0.1)), (np.ones((4, 2), np.float32), y))
