"""Does the lecture's backpropagation, computed step by step by its formulas, give the gradient that autodiff gives?

One small net: two inputs, two layers of two sigmoid neurons, an output; three samples. First with one linear output and squared error,
then with two outputs, softmax and cross-entropy. Every number comes from the slides' formulas, index by index, in Python's own
double precision; "steps" in the results writes each of them down.

Notation of the lecture: layer l has weights theta[l], weighted input b[l], output x[l] = sigma(b[l]), error delta[l] = dJ/db[l]; x[0] is
the sample, L the last layer. theta0q is the bias of neuron q, the weight of an input x0 that is always 1.

- last layer: delta[L] = -2 (y - y_hat), squared error having no factor 1/2; softmax: p - 1 for the true class, p for the others
- recursion: delta_q[l] = sigma'(b_q[l]) sum_z theta_qz[l+1] delta_z[l+1]
- weights: dJ/dtheta_vq[l] = delta_q[l] x_v[l-1]
- all samples: the mean of their gradients, then theta := theta - eta gradient

The slide of the recursion begins with delta[L] = 1 and leaves out the factor -2 (y - y_hat): it gives the gradient of y_hat. Put back in
at the end, the factor makes it that of J, which is compared too. For one sample delta is the derivative by the bias, so autodiff
has a number for every delta as well. Beside the small net there are nets with random weights and samples, one for each seed.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.support.hand_computed import Passed, Theta, begun_with_one, forward, loss, mean_gradient, one_sample
from experiments.support.hand_written import draw, draw_mean, lines, mean_lines
from experiments.support.runner import Results, Show, command_line, ignore
from jaxnn import Classification, Regression, models
from jaxnn.tasks import Engine, Supervised
from jaxnn.typing import Batch

HIDDEN = [np.array([[0.1, -0.3], [0.8, -0.5], [0.4, 0.9]]), np.array([[-0.2, 0.3], [1.2, -0.7], [-0.6, 0.5]])]
LAST = {"regression": np.array([[0.2], [1.5], [-1.1]]), "classification": np.array([[0.2, -0.1], [1.5, -0.4], [-1.1, 0.6]])}
SAMPLES = np.array([[1.0, 0.5], [-0.5, 1.0], [0.2, -1.0]])
TARGETS = {"regression": np.array([1.0, 0.0, 0.5]), "classification": np.array([0, 1, 1])}
STEP_SIZE = 1e-5


@dataclass(frozen=True)
class Config:
    """seeds: nets with random weights, besides the one that is written down. learning_rate: eta of the one update."""

    seeds: int = 100
    learning_rate: float = 0.5

    @classmethod
    def smoke(cls) -> "Config":
        """Fewer random nets."""
        return cls(seeds=3)


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """For both kinds of last layer the steps, and the largest differences from what computes the same in other ways."""
    for name, figure in draw_regression().items():
        show(name, figure)
    return {
        kind: {
            "steps": write_down(kind),
            "one update": update([*HIDDEN, last], kind, config.learning_rate),
            "largest differences": compare([*HIDDEN, last], SAMPLES, TARGETS[kind], kind),
            "largest differences, random nets": compare_random(kind, config.seeds),
        }
        for kind, last in LAST.items()
    }


def pass_all(theta: Theta, x: np.ndarray, y: np.ndarray, kind: str) -> list[Passed]:
    """Every sample by hand."""
    return [one_sample(theta, *sample, kind) for sample in zip(x, y, strict=True)]


def differentiate_each(theta: Theta, x: np.ndarray, y: np.ndarray, kind: str) -> list[Theta]:
    """Every sample by autodiff."""
    return [differentiate(theta, x[row : row + 1], y[row : row + 1], kind) for row in range(len(x))]


def write_down(kind: str) -> Results:
    """The lines of each sample and of the mean."""
    theta, y = [*HIDDEN, LAST[kind]], TARGETS[kind]
    passed, single = pass_all(theta, SAMPLES, y, kind), differentiate_each(theta, SAMPLES, y, kind)
    each = enumerate(zip(passed, single, y, strict=True), start=1)
    steps = {f"sample {number}": lines(theta, one, autodiff, target, kind) for number, (one, autodiff, target) in each}
    return steps | {"all samples": mean_lines(passed, differentiate(theta, SAMPLES, y, kind))}


def draw_regression() -> dict[str, Any]:
    """The figures: the first sample's way through the net, and the mean."""
    theta, y = [*HIDDEN, LAST["regression"]], TARGETS["regression"]
    passed = pass_all(theta, SAMPLES, y, "regression")
    autodiff = differentiate(theta, SAMPLES, y, "regression")
    return {"backpropagation": draw(theta, passed[0], float(y[0])), "backpropagation_mean": draw_mean(passed, autodiff)}


def update(theta: Theta, kind: str, learning_rate: float) -> Results:
    """The mean loss before and after theta := theta - eta gradient."""
    gradient = mean_gradient(pass_all(theta, SAMPLES, TARGETS[kind], kind))
    after = [weights - learning_rate * part for weights, part in zip(theta, gradient, strict=True)]
    losses = [mean_loss(weights, SAMPLES, TARGETS[kind], kind) for weights in (theta, after)]
    return {"loss before": losses[0], "loss after": losses[1]}


def mean_loss(theta: Theta, x: np.ndarray, y: np.ndarray, kind: str) -> float:
    """The mean of the samples' losses, by hand."""
    return float(np.mean([loss(forward(theta, sample)[1][-1], target, kind) for sample, target in zip(x, y, strict=True)]))


def differentiate(theta: Theta, x: np.ndarray, y: np.ndarray, kind: str, engine: Engine = "autodiff") -> Theta:
    """The gradient of the mean loss by the library, in float64: ``jax.grad``, or the backward rules of its layers."""
    network = models.mlp([layer.shape[1] for layer in theta[:-1]], theta[-1].shape[1], activation="sigmoid")
    task: Supervised = Regression(network) if kind == "regression" else Classification(network)
    with jax.enable_x64(True):
        params = [part for layer in theta for part in ({"kernel": jnp.asarray(layer[1:]), "bias": jnp.asarray(layer[0])}, ())][:-1]
        found = _gradients(task, tuple(params), Batch(jnp.asarray(x), jnp.asarray(y), jnp.ones(len(x))), engine)
    return [np.concatenate([layer["bias"][None], layer["kernel"]]) for layer in found[::2]]


def _compute(task: Supervised, params: Any, batch: Batch, engine: Engine) -> Any:
    return task.gradients(params, batch, None, engine)[1]


_gradients = jax.jit(_compute, static_argnums=3)


def central_differences(theta: Theta, x: np.ndarray, y: np.ndarray, kind: str) -> Theta:
    """The mean loss a little to both sides of every weight."""
    found = [np.zeros_like(weights) for weights in theta]
    for layer, table in enumerate(found):
        for place in np.ndindex(table.shape):
            losses = []
            for step in (STEP_SIZE, -STEP_SIZE):
                moved = [weights.copy() for weights in theta]
                moved[layer][place] += step
                losses.append(mean_loss(moved, x, y, kind))
            table[place] = (losses[0] - losses[1]) / (2 * STEP_SIZE)
    return found


def compare(theta: Theta, x: np.ndarray, y: np.ndarray, kind: str) -> dict[str, float]:
    """Largest differences of the computation by hand from autodiff, from the library's own rules, and from central differences."""
    passed, single = pass_all(theta, x, y, kind), differentiate_each(theta, x, y, kind)
    mean = mean_gradient(passed)
    pairs = list(zip(passed, single, strict=True))
    differences = {
        "deltas, autodiff": max(apart([np.array(row) for row in one.delta], [layer[0] for layer in auto]) for one, auto in pairs),
        "gradients of single samples, autodiff": max(apart(one.gradient, auto) for one, auto in pairs),
        "mean gradient, autodiff": apart(mean, differentiate(theta, x, y, kind)),
        "mean gradient, backward rules of the layers": apart(mean, differentiate(theta, x, y, kind, "backprop")),
        "mean gradient, central differences": apart(mean, central_differences(theta, x, y, kind)),
    }
    if kind == "regression":
        scaled = [(auto, [one.delta[-1][0] * layer for layer in begun_with_one(theta, one)]) for one, auto in pairs]
        differences["begun with delta[L] = 1, factor put in at the end, autodiff"] = max(apart(*pair) for pair in scaled)
    return differences


def apart(first: Theta, second: Theta) -> float:
    """The largest difference between any two numbers."""
    return max(float(np.max(np.abs(a - b))) for a, b in zip(first, second, strict=True))


def compare_random(kind: str, seeds: int) -> dict[str, float]:
    """The largest of the differences over nets of the same shape with standard normal weights and samples."""
    rows = []
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        theta = [random.standard_normal(layer.shape) for layer in (*HIDDEN, LAST[kind])]
        y = random.standard_normal(3) if kind == "regression" else random.integers(0, 2, 3)
        rows.append(compare(theta, random.standard_normal((3, 2)), y, kind))
    return {name: max(row[name] for row in rows) for name in rows[0]}


if __name__ == "__main__":
    command_line(main, Config)
