"""Autoencoders and GANs: what they are made of, images there and back, PCA as the oracle of the linear one, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.decomposition import PCA

from jaxnn import Adversarial, Recipe, Reconstruction, Variational, fit, models, optimizer
from jaxnn.layers import Chain, LeakyReLU
from jaxnn.typing import Batch
from tests.programs import quick_jit
from tests.tolerances import draw


def names(model: Chain) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def shapes(layer, x):
    params = jax.eval_shape(layer.init, jax.random.key(0), x)
    return jax.eval_shape(layer.apply, params, x).shape


def test_the_decoder_mirrors_the_encoder():
    model = models.autoencoder((8, 4), 2, (3, 3), activation="tanh", dropout=0.1)
    assert names(model.encoder) == ["Flatten", "Dense", "Tanh", "Dropout", "Dense", "Tanh", "Dropout", "Dense"]
    assert names(model.decoder) == ["Dense", "Tanh", "Dropout", "Dense", "Tanh", "Dropout", "Dense", "Reshape"]
    assert [layer.features for layer in model.encoder.layers if hasattr(layer, "features")] == [8, 4, 2]
    assert [layer.features for layer in model.decoder.layers if hasattr(layer, "features")] == [4, 8, 9]


def test_images_are_halved_and_doubled():
    model = models.conv_autoencoder((4, 6), 3, (8, 12, 2))
    assert names(model.encoder) == ["Conv", "ReLU", "Conv", "ReLU", "Flatten", "Dense"]
    assert names(model.decoder) == ["Dense", "Reshape", "ReLU", "ConvTranspose", "ReLU", "ConvTranspose"]
    x = jax.ShapeDtypeStruct((5, 8, 12, 2), np.float32)
    assert shapes(model, x) == x.shape and shapes(Chain(model.encoder.layers[:4]), x) == (5, 2, 3, 6)
    assert shapes(Chain(model.decoder.layers[:4]), jax.ShapeDtypeStruct((5, 3), np.float32)) == (5, 4, 6, 4)


@pytest.mark.parametrize(
    "model",
    [
        models.variational_autoencoder((5,), 2, (8, 4, 1)),
        models.conv_variational_autoencoder((3, 4), 2, (8, 4, 1)),
    ],
)
def test_variational_ones_are_learnt_and_sampled(model):
    task, batch = Variational(model), Batch(draw((3, 8, 4, 1)), None, jnp.ones(3))
    params = quick_jit(task.init)(jax.random.key(0), batch)
    assert {"loss", "kl"} <= jax.eval_shape(task.evaluate, params, batch).keys()
    assert jax.eval_shape(lambda params: task.sample(params, jax.random.key(0), 7), params).shape == (7, 8, 4, 1)


@pytest.mark.parametrize(
    "networks",
    [models.gan((5,), (8, 4, 1)), models.conv_gan((3, 4), (8, 4, 1), output="sigmoid"), models.gan((), 4, output="tanh", dropout=0.1)],
)
def test_gans_are_what_an_adversarial_task_begins_with(networks):
    shape = (4,) if len(names(networks.discriminator)) == 1 else (8, 4, 1)
    task, batch = Adversarial(*networks, latent=2), Batch(draw((3, *shape)), None, jnp.ones(3))
    params = quick_jit(task.init)(jax.random.key(0), batch)
    samples = quick_jit(lambda params: task.sample(params, jax.random.key(0), 50))(params)
    assert samples.shape == (50, *shape)
    end = names(networks.generator)[-1]
    assert end in ("Reshape", "ConvTranspose", "Sigmoid", "Tanh")
    assert end != "Sigmoid" or (samples.min() > 0 and samples.max() < 1)


def test_gans_leak_and_drop_where_errors_must_pass():
    generator, discriminator = models.gan((6, 3), 4, dropout=0.5)
    assert names(discriminator) == ["Dense", "LeakyReLU", "Dropout", "Dense", "LeakyReLU", "Dropout", "Dense"]
    assert names(generator) == ["Dense", "LeakyReLU", "Dense", "LeakyReLU", "Dense"]
    assert [layer.features for layer in generator.layers if hasattr(layer, "features")] == [3, 6, 4]
    assert discriminator.layers[1] == LeakyReLU(0.2)


def test_a_linear_autoencoder_comes_near_to_pca_and_never_below():
    random = np.random.default_rng(0)
    x = (random.normal(size=(64, 2)) @ random.normal(size=(2, 5)) + 0.1 * random.normal(size=(64, 5))).astype(np.float32)
    x -= x.mean(axis=0)
    best = float(np.square(x - (pca := PCA(2).fit(x)).inverse_transform(pca.transform(x))).mean())
    recipe = Recipe(Reconstruction(models.autoencoder((), 2, 5)), optimizer(optax.adam, learning_rate=0.02), epochs=600, batch_size=64)
    reached = fit(recipe, (x, None)).evaluate(x, None)["loss"]
    assert best <= reached * (1 + 1e-5) and reached < 1.05 * best


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: models.autoencoder(8, 2, 4), TypeError, r"autoencoder: hidden must be a sequence of widths, got 8\. Write \(8,\) for one"),
        (lambda: models.autoencoder((8,), 0, 4), ValueError, "autoencoder: latent must be a whole number >= 1, got 0"),
        (
            lambda: models.variational_autoencoder((8,), 2, (4, 0)),
            ValueError,
            "variational_autoencoder: shape must be a whole number >= 1, got 0",
        ),
        (lambda: models.autoencoder((8,), 2, ()), ValueError, r"autoencoder: shape must be of one axis at least, got \(\)"),
        (lambda: models.autoencoder((8,), 2, 4, activation="relo"), ValueError, "Did you mean"),
        (lambda: models.conv_autoencoder(8, 2, (4, 4, 1)), TypeError, r"conv_autoencoder: features must be a sequence of widths, got 8"),
        (
            lambda: models.conv_autoencoder((4, 4, 4), 2, (28, 28, 1)),
            ValueError,
            r"conv_autoencoder: shape must be \(sizes divisible by 8, and channels\), got \(28, 28, 1\)\. Pad the images, or take fewer",
        ),
        (lambda: models.conv_gan((4,), 28), ValueError, r"conv_gan: shape must be \(sizes divisible by 2, and channels\), got \(28,\)"),
        (lambda: models.gan(8, 4), TypeError, r"gan: hidden must be a sequence of widths, got 8"),
    ],
)
def test_mistakes(make, error, match):
    with pytest.raises(error, match=match):
        make()
