"""Is a single trained sigmoid neuron the same thing as logistic regression?

One Dense unit with binary cross-entropy, trained by full-batch gradient descent with Nesterov momentum, against scikit-learn's
LogisticRegression on the breast cancer data (569 rows, 30 standardised features).

Conventions. The recipe's L2 is the lecture's J + alpha ||theta||^2 with J the *mean* loss; scikit-learn minimises C times the *sum* of
the losses + ||theta||^2 / 2, so alpha = 1 / (2 C M) for M rows. Biases are penalised by neither. The features are scaled
with all rows, for nothing is held out here: the question is the optimum, not how well it predicts.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from experiments.support.runner import Results, Show, command_line, ignore, mean_sd
from jaxnn import BinaryClassification, Data, Recipe, Run, advance, fit, fit_many, models, optimizer, start
from jaxnn.plots import BLUE, RED


@dataclass(frozen=True)
class Config:
    """strengths: scikit-learn's C, small is strong L2. seeds: initial weights. pieces: the descent is looked at so often."""

    strengths: tuple[float, ...] = (0.1, 1.0, 10.0)
    epochs: int = 4000
    seeds: int = 5
    pieces: int = 100

    @classmethod
    def smoke(cls) -> "Config":
        """One strength, for which fewer epochs do."""
        return cls(strengths=(0.1,), epochs=800, seeds=2, pieces=20)


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """How far the neuron's coefficients are from scikit-learn's, for each strength of L2 and in both precisions."""
    x, y, names = examples()
    results, neurons, references = {}, {}, {}
    for strength in config.strengths:
        references[strength] = reference(x, y, strength)
        recipe = neuron(x, strength, config.epochs)
        runs = fit_many([recipe], (x.astype(np.float32), y), seeds=config.seeds)
        with jax.enable_x64(True):
            double = fit(recipe, (x, y))
        neurons[strength] = np.mean([coefficients(run.params) for run in runs], axis=0)
        results[f"C = {strength:g}"] = compare(runs, double, references[strength], x, y)
    strength = config.strengths[len(config.strengths) // 2]
    paths = descents(neuron(x, strength, config.epochs), x, y, references[strength], config)
    show("logistic_neuron", draw(neurons[strength], references[strength], names, paths, config, strength))
    return results


def examples() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Standardised features (569, 30) float64, y (569,) int32 with 1 = benign, and the names of the features."""
    data = load_breast_cancer()
    x = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    return x, data.target.astype(np.int32), list(data.feature_names)


def reference(x: np.ndarray, y: np.ndarray, strength: float) -> np.ndarray:
    """scikit-learn's coefficients (features + 1,), bias last; Newton's method, run until nothing moves."""
    model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(x, y)
    return np.append(model.coef_[0], model.intercept_)


def neuron(x: np.ndarray, strength: float, epochs: int) -> Recipe:
    """The recipe of one sigmoid unit, with the step size and momentum that theory gives for this curvature (Nesterov 2004, 2.2.1).

    The loss curves at most by lambda_max / 4 + 2 alpha, lambda_max the largest eigenvalue of x^T x / M, and at least by 2 alpha.
    """
    l2 = 1 / (2 * strength * len(x))
    steepest = np.linalg.eigvalsh(x.T @ x / len(x)).max() / 4 + 2 * l2
    root = float(np.sqrt(2 * l2 / steepest))
    descent = optimizer(optax.sgd, learning_rate=float(1 / steepest), momentum=(1 - root) / (1 + root), nesterov=True)
    return Recipe(BinaryClassification(models.mlp((), 1)), descent, epochs=epochs, batch_size=len(x), l2=l2)


def coefficients(params: tuple[dict[str, np.ndarray], ...]) -> np.ndarray:
    """Weights and bias of the one unit, (features + 1,)."""
    return np.append(np.asarray(params[0]["kernel"])[:, 0], np.asarray(params[0]["bias"]))


def compare(runs: list[Run], double: Run, wanted: np.ndarray, x: np.ndarray, y: np.ndarray) -> Results:
    """Largest coefficient differences, over seeds in float32 and of one run in float64."""
    single = [float(np.max(np.abs(coefficients(run.params) - wanted))) for run in runs]
    return {
        "largest coefficient": np.max(np.abs(wanted)),
        "max |difference|, float32": mean_sd(single) | {"worst": max(single)},
        "max |difference|, float64": np.max(np.abs(coefficients(double.params) - wanted)),
        "training accuracy": {
            "neuron": runs[0].evaluate(x.astype(np.float32), y)["accuracy"],
            "scikit-learn": np.mean((x @ wanted[:-1] + wanted[-1] > 0) == (y > 0)),
        },
    }


def descents(recipe: Recipe, x: np.ndarray, y: np.ndarray, wanted: np.ndarray, config: Config) -> np.ndarray:
    """Distances to scikit-learn's optimum on the way, (seeds, pieces), in float64: the run cut into pieces by ``advance``."""
    paths = np.empty((config.seeds, config.pieces))
    with jax.enable_x64(True):
        data = Data(x=jnp.asarray(x), y=jnp.asarray(y), train=jnp.arange(len(x), dtype=jnp.int32))
        begin, go_on = jax.jit(start), jax.jit(advance, static_argnames="epochs")
        for seed, path in enumerate(paths):
            state = begin(recipe, data, jax.random.key_data(jax.random.key(seed)), jnp.int32(0))
            for piece in range(config.pieces):
                state, _ = go_on(recipe, state, data, epochs=config.epochs // config.pieces)
                path[piece] = np.max(np.abs(coefficients(state.params) - wanted))
    return paths


def draw(neurons: np.ndarray, wanted: np.ndarray, names: list[str], paths: np.ndarray, config: Config, strength: float) -> Figure:
    """Left: coefficients side by side. Right: how the difference vanishes."""
    figure = Figure(figsize=(11, 6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    places = np.arange(len(wanted))
    left.axvline(0, color="0.8", linewidth=1)
    left.plot(wanted, places, "o", markersize=8, markerfacecolor="none", markeredgecolor=RED, label="scikit-learn")
    left.plot(neurons, places, ".", color=BLUE, label="one sigmoid neuron")
    left.set_yticks(places, [*names, "bias"], fontsize=7)
    left.set(xlabel="coefficient", title=f"The same coefficients (C = {strength:g})", ylim=(len(wanted) - 0.5, -0.5))
    left.legend(loc="upper right", framealpha=1, edgecolor="none")
    epochs = np.arange(1, config.pieces + 1) * (config.epochs // config.pieces)
    right.semilogy(epochs, paths.T, color=BLUE, linewidth=1, alpha=0.7)
    right.axhline(1e-3, color="black", linestyle="--", linewidth=1)
    right.text(epochs[-1], 1.3e-3, "asked for: 0.001", ha="right", va="bottom")
    right.set(xlabel="epoch (one step of all rows)", ylabel="largest difference of a coefficient")
    right.set_title(f"{len(paths)} initial weights, one optimum (float64)")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
