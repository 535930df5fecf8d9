"""A whole training run by hand-written backprop follows that by ``jax.grad``, for one model of each kind."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import Adversarial, Classification, NextToken, Recipe, Reconstruction, Regression, Variational, advance, models, optimizer, start
from jaxnn.layers import BatchNorm
from jaxnn.training import as_data, check_run, key_data
from tests.catalogue import normal, pairs, sequences, words
from tests.catalogue_of_tasks import classes, numbers
from tests.programs import quick_jit
from tests.tolerances import precision, relative_error

ROWS, STEPS, EPOCHS = 8, 2, 50

GAN = models.gan((3,), 4, activation="tanh")

KINDS = {
    "mlp": (Classification(models.mlp((4,), 3, activation="silu", dropout=0.1)), normal(4), classes(3)),
    "cnn": (Classification(models.cnn((2, 3), 3, hidden=(4,), activation="tanh")), normal(4, 5, 1), classes(3)),
    "cnn with running means": (Classification(models.cnn((2,), 3, hidden=(), norm=BatchNorm(0.9))), normal(4, 5, 2), classes(3)),
    "rnn": (Classification(models.rnn((3, 2), 3, dropout=0.1)), sequences(), classes(3)),
    "transformer": (Classification(models.transformer(3, width=8, depth=2, heads=2, dropout=0.1)), sequences(), classes(3)),
    "seq2seq": (NextToken(models.seq2seq(6, 6, (3, 2), cell="gru", embedding=2)), pairs(words, words), None),
    "autoencoder": (Reconstruction(models.autoencoder((3,), 2, 4, activation="tanh"), noise=0.1), normal(4), None),
    "conv_autoencoder": (Reconstruction(models.conv_autoencoder((2,), 2, (4, 4, 1), activation="silu")), normal(4, 4, 1), None),
    "variational_autoencoder": (Variational(models.variational_autoencoder((3,), 2, 4, activation="tanh")), normal(4), None),
    "wide_deep": (Regression(models.wide_deep((3,), 1, activation="softplus")), normal(4), numbers()),
    "residual_mlp": (Classification(models.residual_mlp(8, 3, 3, activation="tanh")), normal(4), classes(3)),
    "gan": (Adversarial(GAN.generator, GAN.discriminator, latent=2, penalty=1.0, objective="wasserstein"), normal(4), None),
}


@pytest.mark.parametrize(("task", "x", "y"), KINDS.values(), ids=KINDS.keys())
def test_a_hundred_steps_by_hand_follow_those_by_jax(task, x, y):
    random = np.random.default_rng(0)
    with precision("float64"):
        data = as_data("test", (x(random, ROWS), None if y is None else y(random, ROWS)), None, key_data(0))
        recipes = [
            Recipe(task, optimizer(optax.sgd, learning_rate=0.05), EPOCHS, ROWS // STEPS, gradients=engine)
            for engine in ("autodiff", "backprop")
        ]
        check_run("test", recipes[0], data)

        @quick_jit
        def runs(data):
            began = start(recipes[0], data, key_data(0), 0)
            return began.params, [advance(recipe, began, data, epochs=EPOCHS) for recipe in recipes]

        params, ((by_jax, history), (by_hand, same_history)) = runs(data)
        follows = lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)  # noqa: E731
        jax.tree.map(follows, (by_hand.params, same_history), (by_jax.params, history))
        assert relative_error(by_jax.params, params) > 0.01 and jnp.all(jnp.isfinite(history["loss"]))
        assert history["loss"][-10:].mean() < history["loss"][:10].mean() or isinstance(task, Adversarial)
