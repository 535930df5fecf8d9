"""Every exported loss, task, schedule and search once, each with an example, as layers and models in ``catalogue``."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jaxnn import layers, losses, models, schedules, search, tasks
from jaxnn.layers import Layer
from jaxnn.losses import Loss
from jaxnn.tasks import Task
from jaxnn.typing import Sequences
from tests.catalogue import normal, pairs, tokens, words


class LossExample(NamedTuple):
    """A loss, the shape of the outputs of one row, and targets for a number of rows."""

    make: Callable[[], Loss]
    shape: tuple[int, ...]
    targets: Callable[[np.random.Generator, int], np.ndarray]


def classes(count: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda random, rows: random.integers(0, count, rows)


def numbers(*units: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda random, rows: random.normal(size=(rows, *units))


def shares(*units: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Numbers from 0 to 1 that add up to 1, some of them 0."""

    def draw(random: np.random.Generator, rows: int) -> np.ndarray:
        values = random.integers(0, 3, (rows, *units)) + np.eye(units[-1])[0]
        return values / values.sum(axis=-1, keepdims=True)

    return draw


LOSSES: dict[str, LossExample] = {
    "AbsoluteError": LossExample(losses.AbsoluteError, (3, 2), numbers(3, 2)),
    "BinaryCrossEntropy": LossExample(losses.BinaryCrossEntropy, (1,), classes(2)),
    "BinaryCrossEntropy of pixels, smoothed": LossExample(lambda: losses.BinaryCrossEntropy(label_smoothing=0.1), (5,), shares(5)),
    "Hinge": LossExample(losses.Hinge, (4,), classes(4)),
    "Hinge of two classes": LossExample(losses.Hinge, (1,), classes(2)),
    "Huber": LossExample(lambda: losses.Huber(delta=0.7), (3,), numbers(3)),
    "KLDivergence": LossExample(losses.KLDivergence, (4,), shares(4)),
    "SoftmaxCrossEntropy": LossExample(losses.SoftmaxCrossEntropy, (4,), classes(4)),
    "SoftmaxCrossEntropy, smoothed": LossExample(lambda: losses.SoftmaxCrossEntropy(label_smoothing=0.2), (4,), classes(4)),
    "SquaredError": LossExample(losses.SquaredError, (3,), numbers(3)),
    "SquaredError of one unit": LossExample(losses.SquaredError, (1,), numbers()),
    "SquaredError of series": LossExample(losses.SquaredError, (3, 2), numbers(3, 2)),
}


class TaskExample(NamedTuple):
    """A task, its targets and its inputs for a number of rows: pytrees, whose floats are cast to the dtype of the test."""

    make: Callable[[], Task]
    targets: Callable[[np.random.Generator, int], Any] | None = None
    inputs: Callable[[np.random.Generator, int], Any] = normal(4)


def critic(*layers_: Layer) -> Layer:
    return layers.Chain((layers.Dense(3), layers.Tanh(), *layers_, layers.Dense(1)))


def texts(random: np.random.Generator, rows: int) -> Sequences:
    """Tokens of sequences of different lengths, one of them of a single token."""
    return Sequences(random.integers(0, 5, (rows, 6)), np.arange(rows) % 6 + 1)


def answers(random: np.random.Generator, rows: int) -> Any:
    """A token for some steps, and -1, which does not count, for others."""
    return random.integers(-1, 5, (rows, 6))


TASKS: dict[str, TaskExample] = {
    "Adversarial": TaskExample(lambda: tasks.Adversarial(models.mlp((3,), 4, activation="tanh"), critic(layers.Dropout(0.2)), latent=2)),
    "Adversarial, Wasserstein with penalty": TaskExample(
        lambda: tasks.Adversarial(layers.Dense(4), critic(layers.Dropout(0.2)), latent=3, objective="wasserstein", penalty=2.0)
    ),
    "Adversarial, smoothed labels and penalty": TaskExample(
        lambda: tasks.Adversarial(layers.Dense(4), critic(), latent=3, penalty=0.5, label_smoothing=0.1)
    ),
    "BinaryClassification": TaskExample(lambda: tasks.BinaryClassification(models.mlp((5,), 1, activation="tanh")), classes(2)),
    "BinaryClassification with class weights": TaskExample(
        lambda: tasks.BinaryClassification(models.mlp((5,), 1, activation="tanh"), losses.Hinge(), class_weights=(0.5, 2.0)), classes(2)
    ),
    "Classification": TaskExample(lambda: tasks.Classification(models.mlp((5,), 3, dropout=0.1)), classes(3)),
    "Classification with class weights": TaskExample(
        lambda: tasks.Classification(models.mlp((5,), 3), losses.SoftmaxCrossEntropy(label_smoothing=0.1), class_weights=(1.0, 0.25, 3.0)),
        classes(3),
    ),
    "NextToken": TaskExample(
        lambda: tasks.NextToken(
            layers.Chain((layers.Embedding(5, 3), layers.Dropout(0.2), layers.Recurrent(layers.GRU(3), returns="all"), layers.Dense(5)))
        ),
        inputs=tokens(5, 6),
    ),
    "NextToken of lengths": TaskExample(
        lambda: tasks.NextToken(
            layers.Chain(
                (
                    layers.Timewise(layers.Embedding(5, 3)),
                    layers.Recurrent(layers.SimpleRNN(3), returns="all and state"),
                    layers.Timewise(layers.Dense(5)),
                )
            )
        ),
        inputs=texts,
    ),
    "NextToken of targets": TaskExample(
        lambda: tasks.NextToken(
            layers.Chain((layers.Embedding(5, 3), layers.MultiHeadAttention(1, causal=True), layers.Dense(5))),
            losses.SoftmaxCrossEntropy(label_smoothing=0.1),
        ),
        answers,
        tokens(5, 6),
    ),
    "NextToken of targets and lengths": TaskExample(
        lambda: tasks.NextToken(layers.Timewise(layers.Chain((layers.Embedding(5, 3), layers.Dense(5))))), answers, texts
    ),
    "NextToken of translations": TaskExample(lambda: tasks.NextToken(models.seq2seq(6, 6, (3,), embedding=2)), inputs=pairs(words, words)),
    "Reconstruction": TaskExample(lambda: tasks.Reconstruction(layers.Autoencoder(layers.Dense(2), layers.Dense(4)))),
    "Reconstruction of images, denoising": TaskExample(
        lambda: tasks.Reconstruction(layers.Autoencoder(layers.Dense(2), layers.Dense(3)), noise=0.3), inputs=normal(2, 2, 3)
    ),
    "Regression": TaskExample(lambda: tasks.Regression(models.mlp((5,), 1, activation="silu")), numbers()),
    "Regression of series": TaskExample(
        lambda: tasks.Regression(layers.Chain((layers.Dense(6), layers.Tanh(), layers.Reshape((3, 2)))), losses.Huber(0.5)), numbers(3, 2)
    ),
    "Regression of two numbers": TaskExample(lambda: tasks.Regression(models.mlp((5,), 2, activation="elu")), numbers(2)),
    "Variational": TaskExample(
        lambda: tasks.Variational(layers.VariationalAutoencoder(models.mlp((3,), 4, activation="tanh"), layers.Dense(4), latent=2), kl=0.5)
    ),
    "Variational of probabilities": TaskExample(
        lambda: tasks.Variational(
            layers.VariationalAutoencoder(layers.Dense(2), layers.Dense(4), latent=1), loss=losses.BinaryCrossEntropy()
        ),
        inputs=lambda random, rows: random.uniform(size=(rows, 4)),
    ),
}

SCHEDULES: dict[str, Callable[[], schedules.Schedule]] = {
    "Constant": lambda: schedules.Constant(0.3),
    "Cosine": lambda: schedules.Cosine(0.5, steps=50),
    "Cosine to a part": lambda: schedules.Cosine(0.5, steps=50, alpha=0.2),
    "Cyclic": lambda: schedules.Cyclic(0.1, 0.5, steps=10),
    "Cyclic of falling height": lambda: schedules.Cyclic(0.1, 0.5, steps=10, decay=0.5),
    "Exponential": lambda: schedules.Exponential(0.5, steps=30),
    "Exponential that grows": lambda: schedules.Exponential(1e-3, steps=1, factor=1.05),
    "Linear": lambda: schedules.Linear(0.5, 0.1, steps=40),
    "Linear that rises": lambda: schedules.Linear(0.0, 0.4, steps=1),
    "LinearOneCycle": lambda: schedules.LinearOneCycle(0.5, steps=70),
    "LinearOneCycle without a rise": lambda: schedules.LinearOneCycle(0.5, steps=70, rise=0.0, fall=0.5, divide=10.0, divide_last=100.0),
    "OneCycle": lambda: schedules.OneCycle(0.5, steps=70),
    "OneCycle without a rise": lambda: schedules.OneCycle(0.5, steps=7, rise=0.0, divide=2.0, divide_last=3.0),
    "Piecewise": lambda: schedules.Piecewise((0.5, 0.25, 0.025), boundaries=(0, 20)),
    "Piecewise of one": lambda: schedules.Piecewise((0.5,), boundaries=()),
    "Polynomial": lambda: schedules.Polynomial(0.5, 0.1, steps=40, power=2.0),
    "Polynomial of a root": lambda: schedules.Polynomial(0.5, steps=40, power=0.5),
    "Power": lambda: schedules.Power(0.5, steps=20),
    "Power of a root": lambda: schedules.Power(0.5, steps=20, power=0.5),
    "Staircase": lambda: schedules.Staircase(0.5, steps=7, factor=0.5),
    "WarmRestarts": lambda: schedules.WarmRestarts(0.5, steps=9),
    "WarmRestarts ever longer": lambda: schedules.WarmRestarts(0.5, steps=5, growth=2.0, decay=0.8, alpha=0.1),
    "WarmRestarts a little longer": lambda: schedules.WarmRestarts(0.5, steps=10, growth=1.3),
    "WarmUp": lambda: schedules.WarmUp(schedules.Cosine(0.5, steps=60, alpha=0.1), steps=20),
    "WarmUp of no steps": lambda: schedules.WarmUp(schedules.Exponential(0.5, steps=10), steps=0),
    "WarmUp from a number": lambda: schedules.WarmUp(schedules.Constant(0.5), steps=30, start=0.1),
}

SEARCHES: dict[str, Callable[[], Any]] = {
    "Grid": lambda: search.Grid(points=3),
    "Random": lambda: search.Random(5),
}
