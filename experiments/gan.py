"""Does a GAN of a few hidden neurons, from random numbers to images, draw all ten digits?

Generator and discriminator of Dense layers, a few hundred hidden neurons, learn by each other, each by its own Adam. Two games side by
side, both with a gradient penalty, which keeps them in balance: the non-saturating one, a discriminator that says how likely an image
is real, and Wasserstein's, whose critic scores real images above drawn ones. Each is trained with several seeds for a fixed number of
epochs; sizes, rates and epochs were chosen by the scores below with validation images in place of test images.

No eye scores. A convolutional network that was trained on real training images says of each drawn image which digit it is and how
likely; a digit is covered if at least a stated share of all drawn images is given to it by a stated probability. How far the whole
distribution is from that of test images says the squared maximum mean discrepancy, kernel exp(-|a - b|² / (2 s²)), a and b what that
network's last hidden layer makes of two images, s the median distance of two test images there. The same of pixels stands beside it; it
is blind to much, as noise shows. Everything is also measured of real images (the validation rows), of noise with each pixel's own values
(training images, every pixel shuffled over the images), and of the generator before training. That samples aren't copies: distances from
the nearest training image, beside those of real images.

MNIST where mnist.npz is in the data folder, else scikit-learn's digits of 8 x 8 pixels.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

from experiments.support.digits import Digits, read_digits, sizes
from experiments.support.image_figures import grid_of_64, named_rows
from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from experiments.support.sampled import discrepancy, median_kernel, nearest, seen
from jaxnn import Adversarial, Classification, Data, EarlyStopping, Recipe, Run, fit, fit_many, models, optimizer, optimizers, start
from jaxnn.compiling import compiled
from jaxnn.layers import Chain
from jaxnn.plots import BLACK, BLUE, RED
from jaxnn.tasks.adversarial import Objective


class Game(NamedTuple):
    """An objective, the factor of its penalty, and the learning rates of the two networks."""

    objective: Objective
    penalty: float
    generator: float
    discriminator: float


LIKELIER, HIGHER = Game("non_saturating", 1.0, 5e-4, 1e-3), Game("wasserstein", 10.0, 5e-4, 1e-3)
SATURATING, WASSERSTEIN = "non-saturating", "Wasserstein"
REAL, NOISE, UNTRAINED = "real images", "noise", "untrained generator"
FLOOR = 1e-4
"""Smaller discrepancies, which may be below 0, are drawn here."""


@dataclass(frozen=True)
class Config:
    """latent: random numbers that become an image. hidden: of the discriminator; the generator has them in reverse. shown: epochs after
    which the same random numbers are drawn again. sure, covered: the probability and the share by which a digit counts."""

    seeds: int = 3
    rows: int = 20_000
    latent: int = 64
    hidden: tuple[int, ...] = (256, 128)
    non_saturating: Game = LIKELIER
    wasserstein: Game = HIGHER
    epochs: int = 25
    batch_size: int = 50
    shown: tuple[int, ...] = (1, 4)
    samples: int = 2000
    sure: float = 0.9
    covered: float = 0.01
    judge_features: tuple[int, ...] = (8, 16)
    judge_epochs: int = 5
    data: str | None = None

    @classmethod
    def smoke(cls) -> "Config":
        """One seed, smaller networks, small images."""
        return cls(seeds=1, hidden=(64,), epochs=40, batch_size=32, shown=(), samples=300, judge_features=(8,), judge_epochs=8)


class Judge:
    """A classifier of real images, and the test images that others are compared with."""

    def __init__(self, run: Run, digits: Digits, config: Config) -> None:
        self.run, self.config, self.train = run, config, digits.train[0]
        self.test = digits.test[0][: config.samples]
        self.seen_test = self.features(self.test)
        self.kernels = median_kernel(self.seen_test), median_kernel(self.test)
        self.accuracy = float(np.mean(run.predict(digits.test[0]).argmax(axis=1) == digits.test[1]))

    def features(self, images: np.ndarray) -> np.ndarray:
        """What the last hidden layer makes of images."""
        layers = self.run.recipe.task.model.layers[:-1]  # type: ignore[attr-defined]
        return np.asarray(Chain(layers).apply(self.run.params[:-1], jnp.asarray(images)))

    def score(self, images: np.ndarray) -> Results:
        """All that is measured of images."""
        of_features, of_pixels = self.kernels
        said = seen(self.run.predict(images), self.config.sure)
        return said | {
            "digits covered": int(np.sum(said["shares"] >= self.config.covered)),
            "smallest share": float(said["shares"].min()),
            "discrepancy": discrepancy(of_features, self.features(images), self.seen_test),
            "discrepancy of pixels": discrepancy(of_pixels, images, self.test),
            "distance from the nearest training image": float(nearest(images, self.train).mean()),
        }


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Scores of what both games draw, and of what they are to be compared with."""
    digits = read_digits(config.data, config.rows)
    judge = make_judge(digits, config)
    games = {SATURATING: config.non_saturating, WASSERSTEIN: config.wasserstein}
    runs = {name: train(game, digits, config) for name, game in games.items()}
    drawn = references(digits, config) | {
        name: [draw(run.recipe.task, run.params, config) for run in group] for name, group in runs.items()
    }
    scores = {name: [judge.score(images) for images in group] for name, group in drawn.items()}
    show("gan", draw_samples({name: drawn[name][0] for name in (REAL, NOISE, SATURATING, WASSERSTEIN)}, digits))
    show("gan_scores", draw_scores(scores, config))
    show("gan_training", draw_training({name: stages(game, runs[name][0], digits, config) for name, game in games.items()}))
    return {
        "data": sizes(digits),
        "judge's test accuracy": judge.accuracy,
        "scales of the kernels of features and of pixels": [kernel.scale for kernel in judge.kernels],
        **{name: summary(group) for name, group in scores.items()},
        "all ten digits covered by every seed": {name: all(row["digits covered"] == 10 for row in scores[name]) for name in games},
    }


def make_judge(digits: Digits, config: Config) -> Judge:
    """A classifier of the training images, at its best epoch by validation loss."""
    recipe = Recipe(
        Classification(models.cnn(config.judge_features, 10)),
        optimizer(optax.adam, learning_rate=0.003),
        epochs=config.judge_epochs,
        batch_size=config.batch_size,
        early_stopping=EarlyStopping(patience=config.judge_epochs),
    )
    return Judge(fit(recipe, digits.train, key=0, validation=digits.validation), digits, config)


def recipe(game: Game, digits: Digits, config: Config) -> Recipe:
    """Two networks of Dense layers and an Adam for each, with little memory of gradients, for the other network moves too."""
    networks = models.gan(config.hidden, digits.train[0].shape[1:], output="sigmoid")
    rates = {"generator": game.generator, "discriminator": game.discriminator}
    return Recipe(
        Adversarial(*networks, latent=config.latent, objective=game.objective, penalty=game.penalty),
        optimizers(**{name: optimizer(optax.adam, learning_rate=rate, b1=0.5) for name, rate in rates.items()}),
        epochs=config.epochs,
        batch_size=config.batch_size,
    )


def train(game: Game, digits: Digits, config: Config) -> list[Run]:
    """All seeds of a game."""
    return fit_many([recipe(game, digits, config)], (digits.train[0], None), seeds=config.seeds)


def untrained(made: Recipe, digits: Digits, seed: int) -> Any:
    """The parameters that a member of ``train`` begins with."""
    data = Data(x=digits.train[0], y=None, train=np.arange(len(digits.train[0])))
    return compiled(start, once=True)(made, data, np.zeros(2, np.uint32), np.int32(seed)).params


def draw(task: Any, params: Any, config: Config, rows: int | None = None) -> np.ndarray:
    """Images from random numbers, always the same ones."""
    return np.asarray(task.sample(params, jax.random.key(1), rows or config.samples))


def references(digits: Digits, config: Config) -> dict[str, list[np.ndarray]]:
    """What the drawn images are compared with: real ones, noise with each pixel's own values, and what generators begin with."""
    x, made = digits.train[0], recipe(config.wasserstein, digits, config)
    shuffled = np.random.default_rng(0).permuted(x.reshape(len(x), -1), axis=0).reshape(x.shape)
    return {
        REAL: [digits.validation[0][: config.samples]],
        NOISE: [shuffled[: config.samples]],
        UNTRAINED: [draw(made.task, untrained(made, digits, seed), config) for seed in range(config.seeds)],
    }


def stages(game: Game, run: Run, digits: Digits, config: Config) -> dict[int, np.ndarray]:
    """Epoch -> ten images of the first seed, of the same random numbers: a run of fewer epochs is the beginning of the whole."""
    made, data = recipe(game, digits, config), (digits.train[0], None)
    params = {epochs: fit(made.replace(epochs=epochs), data, key=0).params for epochs in config.shown}
    params = {0: untrained(made, digits, 0)} | params | {config.epochs: run.params}
    return {epochs: draw(made.task, found, config, 10) for epochs, found in params.items()}


def summary(scores: list[Results]) -> Results:
    """Numbers over seeds; shares of the digits 0 to 9 as means."""
    numbers = {name: mean_sd(row[name] for row in scores) for name in scores[0] if name != "shares"}
    return numbers | {"shares": np.mean([row["shares"] for row in scores], axis=0)}


def draw_samples(images: dict[str, np.ndarray], digits: Digits) -> Figure:
    """Sixty-four of each kind, not picked."""
    figure = Figure(figsize=(8.6, 9), layout="constrained")
    figure.suptitle(f"{digits.name}: the first 64 of each, none picked", fontsize=11)
    for axes, (name, drawn) in zip(figure.subplots(2, 2).ravel(), images.items(), strict=True):
        grid_of_64(axes, drawn, name)
    return figure


def draw_scores(scores: dict[str, list[Results]], config: Config) -> Figure:
    """Left: the share of each digit, a dot for each seed. Right: discrepancies from test images."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.7, 1))
    for place, (name, colour) in enumerate(zip((REAL, SATURATING, WASSERSTEIN), (BLACK, RED, BLUE), strict=True)):
        shares, at = 100 * np.array([row["shares"] for row in scores[name]]), np.arange(10) + 0.27 * (place - 1)
        left.bar(at, shares.mean(axis=0), 0.25, color=colour, alpha=0.45, label=name)
        left.plot(np.tile(at, len(shares)), shares.ravel(), ".", color=colour, markersize=4)
    left.axhline(100 * config.covered, color="black", linewidth=1, linestyle=":")
    label = f"% of images, digit with p ≥ {config.sure:g} (dotted: covered)"
    left.set(xticks=range(10), xlabel="digit, by the judge", ylabel=label)
    left.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.12))
    for place, group in enumerate(scores.values()):
        values = np.array([row["discrepancy"] for row in group])
        right.plot(values.clip(FLOOR), [place] * len(values), "o", color=BLACK, alpha=0.5, markersize=6, markeredgewidth=0)
        right.annotate(f"{values.mean():.2g}", (max(values.mean(), FLOOR), place - 0.15), ha="center", fontsize=9)
    right.set(xscale="log", xlim=(FLOOR / 3, 1), yticks=range(len(scores)), yticklabels=list(scores), ylim=(len(scores) - 0.5, -0.5))
    right.set_xlabel("squared discrepancy from test images")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_training(by_game: dict[str, dict[int, np.ndarray]]) -> Figure:
    """The same random numbers after more and more epochs."""
    figure = Figure(figsize=(8.5, 0.7 + 0.75 * sum(map(len, by_game.values()))), layout="constrained")
    for axes, (name, by_epoch) in zip(figure.subplots(len(by_game), 1), by_game.items(), strict=True):
        named_rows(axes, {f"epoch {epoch}": images for epoch, images in by_epoch.items()})
        axes.set_title(f"{name}: the same ten draws of random numbers", fontsize=10)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
