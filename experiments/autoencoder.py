"""Does an autoencoder reconstruct digits better than principal components do through a code of the same width?

PCA is the best linear code. Beside it, on the same training rows and at the same widths: a linear autoencoder, one Dense layer each way,
which can be as good at best; a dense one with layers around the code; and a convolutional one (GELU in both). The error is the mean
squared error of a pixel, pixels from 0 to 1, of test rows that nothing was chosen by: sizes, rates and epochs were chosen on validation
rows, and weights are those of the best epoch there. The standard deviation is over first weights and orders of examples. Of the narrowest
codes it is also counted how often the 15 nearest training codes vote for the right digit.

Denoising: test images with noise drawn onto every pixel, given to PCA and to the convolutional autoencoder of clean images, to the
linear map that is best for just this noise (each principal component times v / (v + s²), v its variance, s the noise's deviation), and
to the same autoencoder trained with noise. Variational: a dense one with a distribution over codes, trained by cross-entropy, and images
that codes drawn from N(0, 1) stand for.

All is done on scikit-learn's digits, and on MNIST where mnist.npz is in the data folder; the last two on the larger set that is there.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from sklearn.neighbors import KNeighborsClassifier

from experiments.support.components import Components
from experiments.support.digits import Digits, read_bundled, read_digits, sizes
from experiments.support.falling import falling_adam
from experiments.support.image_figures import grid_of_64, named_rows, scatter_digits
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import EarlyStopping, Recipe, Reconstruction, Run, Task, Variational, fit_many, models, optimizer
from jaxnn.compiling import compiled
from jaxnn.layers import Autoencoder
from jaxnn.losses import BinaryCrossEntropy
from jaxnn.plots import BLACK, BLUE, GREEN, LINES, RED


class Size(NamedTuple):
    """Of the networks of one data set, and of their training."""

    hidden: tuple[int, ...]
    features: tuple[int, ...]
    epochs: int
    batch_size: int


DIGITS, MNIST = Size((128, 64), (16, 32), 80, 32), Size((256, 128), (8, 16), 5, 50)
PRINCIPAL, LINEAR, DENSE, CONVOLUTIONAL = "PCA", "linear", "dense", "convolutional"


@dataclass(frozen=True)
class Config:
    """widths: of codes; the first, 2, is drawn, the last denoises. rows: of MNIST's 50,000. latent, longer: the variational one's code,
    and by what its epochs are multiplied."""

    seeds: int = 3
    widths: tuple[int, ...] = (2, 8, 16, 32)
    rows: int = 20_000
    digits: Size = DIGITS
    mnist: Size = MNIST
    learning_rate: float = 0.004
    noise: float = 0.5
    latent: int = 8
    longer: int = 3
    data: str | None = None

    @classmethod
    def smoke(cls) -> "Config":
        """One seed, one width, few epochs."""
        digits, mnist = Size((64,), (16,), 30, 16), MNIST._replace(epochs=1)
        return cls(seeds=1, widths=(4,), rows=800, digits=digits, mnist=mnist, longer=1)


Coders = dict[str, dict[int, list[Any]]]
"""Name -> width -> one for each seed."""


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Errors by width, of noisy images and of drawn codes."""
    digits, mnist = read_bundled(config.rows), read_digits(config.data, config.rows)
    sets = {digits.name: digits, mnist.name: mnist}
    coders = {name: train_all(of_set, config) for name, of_set in sets.items()}
    results: Results = {name: summary(coders[name], of_set, config) for name, of_set in sets.items()}
    if len(sets) == 1:
        results["MNIST"] = {"left out": "there is no mnist.npz: give its folder by --data or JAXNN_DATA"}
    show("autoencoder", draw_errors({name: errors(coders[name], of_set) for name, of_set in sets.items()}))
    show("autoencoder_images", draw_images(coders[mnist.name], mnist, config))
    show("autoencoder_codes", draw_codes(coders[mnist.name], mnist, config))
    cleaned = denoise(coders[mnist.name], mnist, config)
    show("autoencoder_noise", draw_rows(mnist, {name: images[0] for name, images in cleaned.items()}))
    drawn = train(variational(mnist, config), mnist, config, longer=config.longer)
    show("autoencoder_samples", draw_samples(variational(mnist, config).sample(drawn[0].params, jax.random.key(1), 64), mnist))
    named = f"{mnist.name}, "
    return results | {
        f"{named}noise of {config.noise:g}, code of {config.widths[-1]}": {
            name.replace("\n", " "): mean_sd(error(image, mnist.test[0]) for image in images)
            for name, images in cleaned.items()
            if name != "original"
        },
        f"{named}variational, code of {config.latent}": variational_summary(drawn, mnist),
    }


def size_of(digits: Digits, config: Config) -> Size:
    """That of the data set."""
    return config.mnist if digits.name == "MNIST" else config.digits


def networks(digits: Digits, width: int, config: Config) -> dict[str, Autoencoder]:
    """The autoencoders with a code of that width."""
    size, shape = size_of(digits, config), digits.train[0].shape[1:]
    return {
        LINEAR: models.autoencoder((), width, shape),
        DENSE: models.autoencoder(size.hidden, width, shape, activation="gelu"),
        CONVOLUTIONAL: models.conv_autoencoder(size.features, width, shape, activation="gelu"),
    }


def variational(digits: Digits, config: Config) -> Variational:
    """Pixels are taken for probabilities."""
    shape = digits.train[0].shape[1:]
    network = models.variational_autoencoder(size_of(digits, config).hidden, config.latent, shape, activation="gelu")
    return Variational(network, BinaryCrossEntropy())


def train_all(digits: Digits, config: Config) -> Coders:
    """PCA, and all networks, at all widths."""
    coders: Coders = {name: {} for name in (PRINCIPAL, LINEAR, DENSE, CONVOLUTIONAL)}
    for width in config.widths:
        coders[PRINCIPAL][width] = [Components(digits.train[0], width)]
        for name, network in networks(digits, width, config).items():
            coders[name][width] = train(Reconstruction(network), digits, config)
    return coders


def train(task: Task, digits: Digits, config: Config, *, longer: int = 1, stopping: bool = True) -> list[Run]:
    """All seeds of a task; with stopping, the weights of the best epoch."""
    size = size_of(digits, config)
    epochs = longer * size.epochs
    recipe = Recipe(
        task,
        optimizer(falling_adam, learning_rate=config.learning_rate, steps=epochs * math.ceil(len(digits.train[0]) / size.batch_size)),
        epochs=epochs,
        batch_size=size.batch_size,
        early_stopping=EarlyStopping(patience=epochs) if stopping else None,
    )
    return fit_many([recipe], (digits.train[0], None), validation=(digits.validation[0], None), seeds=config.seeds)


def error(images: np.ndarray, originals: np.ndarray) -> float:
    """The mean squared error of a pixel."""
    return float(np.mean(np.square(images.astype(float) - originals)))


def errors(coders: Coders, digits: Digits) -> dict[str, dict[int, list[float]]]:
    """Of the test images, by coder and width."""
    x = digits.test[0]
    return {name: {width: [error(coder.predict(x), x) for coder in group] for width, group in by.items()} for name, by in coders.items()}


def summary(coders: Coders, digits: Digits, config: Config) -> Results:
    """What is written of one data set."""
    measured = errors(coders, digits)
    principal = {width: values[0] for width, values in measured.pop(PRINCIPAL).items()}
    ratios = {name: {width: np.divide(values, principal[width]) for width, values in by.items()} for name, by in measured.items()}
    return {
        "data": sizes(digits),
        "test error, each pixel its mean": error(digits.train[0].mean(axis=0), digits.test[0]),
        "test error, PCA": principal,
        "test error": {name: {width: mean_sd(values) for width, values in by.items()} for name, by in measured.items()},
        "test error over PCA's": {name: {width: float(np.mean(values)) for width, values in by.items()} for name, by in ratios.items()},
        "better than PCA at every width and seed": {name: bool(np.max(list(by.values())) < 1) for name, by in ratios.items()},
        f"neighbours of codes of {config.widths[0]} vote right": {
            name: mean_sd(votes(coder, digits) for coder in by[config.widths[0]]) for name, by in coders.items()
        },
    }


def encode(coder: Any, x: np.ndarray) -> np.ndarray:
    """Codes (rows, width)."""
    return (
        coder.encode(x)
        if isinstance(coder, Components)
        else np.asarray(compiled(coder.recipe.task.model.encode, once=True)(coder.params, x))
    )


def votes(coder: Any, digits: Digits) -> float:
    """Share of test codes whose 15 nearest training codes have the right digit more often than any other."""
    (x, y), (x_test, y_test) = digits.train, digits.test
    return float(KNeighborsClassifier(15).fit(encode(coder, x), y).score(encode(coder, x_test), y_test))


def denoise(coders: Coders, digits: Digits, config: Config) -> dict[str, list[np.ndarray]]:
    """The test images, the same with noise, and what becomes of these, one for each seed."""
    width, x = config.widths[-1], digits.test[0]
    noisy = x + config.noise * np.random.default_rng(0).standard_normal(x.shape, np.float32)
    trained = train(Reconstruction(networks(digits, width, config)[CONVOLUTIONAL], noise=config.noise), digits, config, stopping=False)
    return {
        "original": [x],
        "with noise": [noisy],
        "PCA": [coders[PRINCIPAL][width][0].predict(noisy)],
        "best linear map": [Components(digits.train[0]).predict(noisy, config.noise**2)],
        "autoencoder\nof clean images": [run.predict(noisy) for run in coders[CONVOLUTIONAL][width]],
        "denoising\nautoencoder": [run.predict(noisy) for run in trained],
    }


def variational_summary(runs: list[Run], digits: Digits) -> Results:
    """In nats an image; their sum is the bound on -ln p(x), with the code's mean in place of draws."""
    x = digits.test[0]
    measured, pixels = [run.evaluate(x, None) for run in runs], math.prod(x.shape[1:])
    return {
        "reconstruction, nats": mean_sd(pixels * row["reconstruction"] for row in measured),
        "KL, nats": mean_sd(row["kl"] for row in measured),
        "test error": mean_sd(error(run.predict(x), x) for run in runs),
    }


def draw_errors(measured: dict[str, dict[str, dict[int, list[float]]]]) -> Figure:
    """Test errors against the width of the code, a panel for each data set."""
    figure = Figure(figsize=(1 + 4.2 * len(measured), 4), layout="constrained")
    for axes, (title, of_set) in zip(np.ravel(figure.subplots(1, len(measured))), measured.items(), strict=True):
        for (name, by_width), colour, style in zip(of_set.items(), (BLACK, RED, GREEN, BLUE), LINES, strict=True):
            spread = [mean_sd(values) for values in by_width.values()]
            means, deviations = ([row[part] for row in spread] for part in ("mean", "sd"))
            axes.errorbar(list(by_width), means, deviations, fmt=f"o{style}", color=colour, markersize=4, capsize=3, label=name)
        axes.set(title=title, xscale="log", yscale="log", xlabel="numbers in the code")
        axes.set_xticks(list(by_width), [str(width) for width in by_width])
        axes.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}")
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("test error: mean squared error of a pixel")
    figure.axes[-1].legend(frameon=False)
    return figure


def draw_images(coders: Coders, digits: Digits, config: Config) -> Figure:
    """A test image of each digit, and what becomes of it through the two narrowest codes."""
    widths = config.widths[:2]
    kept = {f"{name}, {width}": by[width][0].predict(digits.test[0]) for width in widths for name, by in coders.items() if name != LINEAR}
    return draw_rows(digits, {"original": digits.test[0], **kept})


def draw_rows(digits: Digits, rows: dict[str, np.ndarray]) -> Figure:
    """The first test image of each digit, named row by row."""
    picked = [int(np.flatnonzero(digits.test[1] == digit)[0]) for digit in range(10)]
    figure = Figure(figsize=(8.5, 0.2 + 0.66 * len(rows)), layout="constrained")
    named_rows(figure.subplots(), {name: images[picked] for name, images in rows.items()})
    return figure


def draw_codes(coders: Coders, digits: Digits, config: Config, most: int = 1500) -> Figure:
    """Codes of two numbers of test images, each a digit in its colour."""
    x, y = (part[:most] for part in digits.test)
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    names = (PRINCIPAL, DENSE, CONVOLUTIONAL)
    for axes, name in zip(figure.subplots(1, 3), names, strict=True):
        coder = coders[name][config.widths[0]][0]
        scatter_digits(axes, encode(coder, x)[:, :2], y)
        axes.set_title(f"{name}: neighbours vote right {100 * votes(coder, digits):.0f} %", fontsize=11)
    figure.supxlabel(f"{digits.name}: codes of {len(x)} test images, the classes unknown to what made them", fontsize=10)
    return figure


def draw_samples(samples: Any, digits: Digits) -> Figure:
    """Images that codes drawn from N(0, 1) stand for, beside real ones."""
    figure = Figure(figsize=(9, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.08})
    grid_of_64(left, digits.test[0], f"{digits.name}: test images")
    grid_of_64(right, np.asarray(samples), "drawn by the variational autoencoder")
    return figure


if __name__ == "__main__":
    command_line(main, Config)
