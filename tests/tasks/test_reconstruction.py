"""Reconstruction: noise that only the model sees, the divergence by integration, a bound that is tight, and what is refused."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.integrate
import scipy.stats

from jaxnn import Recipe, Reconstruction, Variational, fit, losses, models, optimizer
from jaxnn.layers import Autoencoder, Dense, VariationalAutoencoder
from jaxnn.typing import Batch, Sequences
from tests.programs import quick_jit
from tests.tolerances import assert_close, assert_same_bits, draw, precision

X = np.outer(np.linspace(-1, 1, 24), [1.0, 2.0, -1.0]).astype(np.float32)


def batch_of(x):
    return Batch(x, None, jnp.ones(len(x), x.dtype))


gradients = quick_jit(lambda task, *arguments: task.gradients(*arguments), static_argnums=4)
evaluate = quick_jit(lambda task, *arguments: task.evaluate(*arguments))


def init(task, x):
    return quick_jit(task.init)(jax.random.key(0), batch_of(x))


def linear(outputs=4, *, noise=None, loss=losses.SquaredError()):  # noqa: B008
    return Reconstruction(Autoencoder(Dense(2), Dense(outputs)), loss, noise)


def test_the_model_sees_noise_and_must_give_the_clean_input():
    with precision("float64"):
        x, key = draw((6, 4), "float64"), jax.random.key(5)
        params = init(linear(), x)
        noise = jax.random.normal(jax.random.split(key)[0], x.shape, x.dtype)
        code = (x + 0.3 * noise) @ params["encoder"]["kernel"]
        squares = np.square(code @ params["decoder"]["kernel"] - x)
        for engine in ("autodiff", "backprop"):
            metrics, _ = gradients(linear(noise=0.3), params, batch_of(x), key, engine)
            assert float(metrics["loss"]) == pytest.approx(float(squares.mean()), rel=1e-12)
        clean = evaluate(linear(noise=0.3), params, batch_of(x))
        assert_close(clean, evaluate(linear(), params, batch_of(x)))
        assert_close(clean["loss"], gradients(linear(noise=0.0), params, batch_of(x), key, "backprop")[0]["loss"])


def test_noise_is_a_hyperparameter_and_none_is_structure():
    assert linear(noise=0.1).draws and not linear().draws
    structures = {jax.tree.structure(linear(noise=noise)) for noise in (0.1, 0.2, None)}
    assert len(structures) == 2


def test_a_row_on_a_line_is_written_as_one_number():
    recipe = Recipe(Reconstruction(Autoencoder(Dense(1), Dense(3))), optimizer(optax.adam, learning_rate=0.05), epochs=60, batch_size=8)
    run = fit(recipe, (X, None))
    assert run.predict(X) == pytest.approx(X, abs=0.05)
    assert run.evaluate(X, None)["loss"] == pytest.approx(float(np.square(run.predict(X) - X).mean()), rel=1e-5)


def test_with_probabilities_the_reconstruction_is_one():
    task, x = linear(loss=losses.BinaryCrossEntropy()), draw((6, 4)) > 0
    batch = batch_of(x.astype(np.float32))
    params = task.init(jax.random.key(0), batch)
    log_odds = task.model.apply(params, batch.x)
    assert_close(task.predict(params, batch.x), jax.nn.sigmoid(log_odds), "float32")
    by_optax = optax.sigmoid_binary_cross_entropy(log_odds, batch.x).mean()
    assert float(evaluate(task, params, batch)["loss"]) == pytest.approx(float(by_optax), rel=1e-5)


def variational(**options):
    return Variational(VariationalAutoencoder(Dense(4), Dense(3), latent=2), **options)


def test_the_divergence_is_that_of_normal_distributions():
    with precision("float64"):
        x, task = draw((4, 3), "float64"), variational()
        params = init(task, x)
        moments = np.asarray(x @ params["encoder"]["kernel"])

        def divergence(mean, deviation):
            q, p = scipy.stats.norm(mean, deviation), scipy.stats.norm()
            integrand = lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z))  # noqa: E731
            return scipy.integrate.quad(integrand, mean - 12 * deviation, mean + 12 * deviation, epsabs=1e-12)[0]

        kl = [sum(divergence(row[unit], math.exp(row[2 + unit] / 2)) for unit in range(2)) for row in moments]
        metrics = evaluate(task, params, batch_of(x))
        assert float(metrics["kl"]) == pytest.approx(np.mean(kl), rel=1e-8)
        assert float(metrics["loss"]) == pytest.approx(float(metrics["reconstruction"]) + np.mean(kl) / 3, rel=1e-8)
        heavier = evaluate(variational(kl=4.0), params, batch_of(x))
        assert float(heavier["loss"]) == pytest.approx(float(metrics["reconstruction"]) + 4 * np.mean(kl) / 3, rel=1e-8)


def test_the_bound_is_tight_where_the_encoder_is_the_posterior():
    r"""One unit, one latent number, x = w z + noise of variance 1/2, so x ~ N(0, w^2 + 1/2) and z|x ~ N(2 w s x, s), s = 1 / (1 + 2 w^2).

    J = E (x - w z)^2 + KL = -ln p(x) - ln(pi) / 2 there. ``evaluate`` takes z = mean, whose square is smaller by w^2 s.
    """
    with precision("float64"):
        w = 1.3
        s = 1 / (1 + 2 * w**2)
        task = Variational(VariationalAutoencoder(Dense(2), Dense(1), latent=1))
        encoder = {"kernel": jnp.array([[2 * w * s, 0.0]]), "bias": jnp.array([0.0, math.log(s)])}
        params = {"encoder": encoder, "decoder": {"kernel": jnp.array([[w]]), "bias": jnp.zeros(1)}}
        surprise = -scipy.stats.norm(0, math.sqrt(w**2 + 0.5)).logpdf([-0.7, 0.1, 2.0])
        for x, wanted in zip([-0.7, 0.1, 2.0], surprise, strict=True):
            at_mean = float(evaluate(task, params, batch_of(jnp.array([[x]])))["loss"])
            assert at_mean + w**2 * s + math.log(math.pi) / 2 == pytest.approx(wanted, rel=1e-12)
        rows = batch_of(jnp.full((20_000, 1), 2.0))
        drawn, _ = gradients(task, params, rows, jax.random.key(0), "backprop")
        assert float(drawn["loss"]) + math.log(math.pi) / 2 == pytest.approx(surprise[2], rel=0.01)


def test_training_draws_codes_and_evaluation_takes_their_means():
    task, x = variational(), draw((5, 3))
    params = init(task, x)
    code = task.model.encode(params, x)
    assert_close(task.predict(params, x), task.model.decode(params, code), "float32")
    one, other = (gradients(task, params, batch_of(x), key, "backprop")[0]["loss"] for key in jax.random.split(jax.random.key(1)))
    assert float(one) != float(other)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_are_decoded_draws_of_the_prior(dtype):
    with precision(dtype):
        task = variational(loss=losses.BinaryCrossEntropy())
        params = init(task, draw((2, 3), dtype))
        samples = task.sample(params, jax.random.key(7), 5)
        assert samples.shape == (5, 3) and samples.dtype == dtype
        log_odds = task.model.decode(params, jax.random.normal(jax.random.key(7), (5, 2), dtype))
        assert_close(samples, jax.nn.sigmoid(log_odds), dtype)
        assert_same_bits(task.sample(params, jax.random.key(7), 5), samples)


@pytest.mark.parametrize(
    ("task", "data", "match"),
    [
        (linear(), (X, X), r"Reconstruction: y must be None, for it learns from x alone, got .*\. Write fit\(recipe, \(x, None\)\)"),
        (linear(), (X, None), r"Reconstruction: the model's output must be of the shape of x, \(1, 3\), got shape \(1, 4\)"),
        (linear(3), (np.ones((4, 3), int), None), "Reconstruction: x must be a floating-point array, got dtype int32"),
        (linear(3, noise=-1.0), (X, None), r"fit: task\.noise must be in \[0, inf\), got -1"),
        (linear(3, loss=losses.SoftmaxCrossEntropy()), (X, None), r"SoftmaxCrossEntropy: y must be of shape \(batch,\)"),
        (
            Reconstruction(models.variational_autoencoder((), 2, 3)),
            (X, None),
            r"must be one array, got VariationalOutput\. Write Variational",
        ),
        (linear(3), (Sequences(X[:, None]), None), "Reconstruction: x must be one array, got Sequences"),
        (variational(kl=-1.0), (X, None), r"fit: task\.kl must be in \[0, inf\), got -1"),
        (variational(), (X, X[:, 0]), "Variational: y must be None, for it learns from x alone"),
        (variational(), (X[:, :2], None), r"Variational: the model's output must be of the shape of x, \(1, 2\), got shape \(1, 3\)"),
        (Variational(models.mlp((), 3)), (X, None), "Variational: model must be a VariationalAutoencoder, got Chain"),
        (
            Variational(VariationalAutoencoder(Dense(3), Dense(3), latent=2)),
            (X, None),
            r"VariationalAutoencoder: the encoder's output must be of shape \(batch, 4\), means and log variances .*, got shape \(1, 3\)",
        ),
    ],
)
def test_mistakes(task, data, match):
    with pytest.raises((TypeError, ValueError), match=match):
        fit(Recipe(task, optimizer(optax.sgd, learning_rate=0.1)), data)


def test_a_code_has_at_least_one_number():
    with pytest.raises(ValueError, match="VariationalAutoencoder: latent must be a whole number >= 1, got 0"):
        VariationalAutoencoder(Dense(4), Dense(3), latent=0)


@pytest.mark.parametrize("name", ["Reconstruction", "Variational"])
def test_cross_entropy_is_of_numbers_from_0_to_1(name):
    model = models.autoencoder((3,), 2, 4) if name == "Reconstruction" else models.variational_autoencoder((3,), 2, 4)
    task = {"Reconstruction": Reconstruction, "Variational": Variational}[name](model, loss=losses.BinaryCrossEntropy())
    recipe = Recipe(task, optimizer(optax.sgd, learning_rate=0.1), epochs=1)
    with pytest.raises(ValueError, match=rf"{name}: x must be from 0 to 1 with BinaryCrossEntropy, got 0 to 255\. Scale it"):
        fit(recipe, (np.array([[0.0, 255.0, 1.0, 2.0]] * 4, np.float32), None))
