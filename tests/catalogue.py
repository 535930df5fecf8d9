"""Every exported layer, loss, task, model, schedule and search once, each with an example; the contract suites run over them.

To add one: write its example here. ``test_catalogue.py`` fails until it is there, and the suites hold it to its contract.
Examples are made by calling, so that a suite can have the same one twice, built apart.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxnn import layers, losses, models, schedules, search, tasks
from jaxnn.layers import Layer
from jaxnn.losses import Loss
from jaxnn.tasks import Task
from jaxnn.typing import Sequences


def normal(*shape: int) -> Callable[[np.random.Generator, int], Any]:
    """Rows of normally distributed numbers."""
    return lambda random, rows: random.normal(size=(rows, *shape))


class LayerExample(NamedTuple):
    """A layer and its inputs for a number of rows: a pytree, whose floats are cast to the dtype of the test."""

    make: Callable[[], Layer]
    inputs: Callable[[np.random.Generator, int], Any] = normal(4)


def sequences(*states: int, lengths: bool = True) -> Callable[[np.random.Generator, int], Any]:
    """Rows of up to five steps of two numbers, of different lengths, with states of so many units for a recurrence to begin with."""

    def draw(random: np.random.Generator, rows: int) -> Sequences:
        state = tuple(random.normal(size=(rows, units)) for units in states)
        own = 1 + np.arange(rows) % 5 if lengths else None
        return Sequences(random.normal(size=(rows, 5, 2)), own, state if len(states) > 1 else state[0] if states else None)

    return draw


def tokens(count: int, *shape: int) -> Callable[[np.random.Generator, int], Any]:
    """Rows of whole numbers below count."""
    return lambda random, rows: random.integers(0, count, (rows, *shape))


def words(random: np.random.Generator, rows: int) -> Sequences:
    """Rows of up to five tokens below six, of different lengths."""
    return Sequences(tokens(6, 5)(random, rows), 1 + np.arange(rows) % 5)


def pairs(source: Any, target: Any) -> Callable[[np.random.Generator, int], Any]:
    """Rows of two kinds."""
    return lambda random, rows: (source(random, rows), target(random, rows))


def translation(random: np.random.Generator, rows: int) -> Any:
    """Queries, and a memory of sequences of different lengths."""
    return random.normal(size=(rows, 3, 4)), sequences()(random, rows)


def gains(key: jax.Array, x: Any) -> Any:
    return {"gain": jax.random.normal(key, x.shape[-1:], x.dtype)}


def noisy_scale(params: Any, x: Any, key: jax.Array | None) -> Any:
    return x * params["gain"] * (1 if key is None else jax.random.uniform(key, x.shape, x.dtype))


NAMES: dict[str, Any] = {"gains": gains, "noisy_scale": noisy_scale}
"""Functions that examples are made of and no file may name by itself."""

LAYERS: dict[str, LayerExample] = {
    "Autoencoder with Buffers": LayerExample(
        lambda: layers.Autoencoder(layers.Chain((layers.BatchNorm(), layers.Dense(2))), layers.Dense(4))
    ),
    "AveragePool": LayerExample(lambda: layers.AveragePool((3, 2), (2, 1), "SAME"), normal(4, 5, 2)),
    "AveragePool of series": LayerExample(lambda: layers.AveragePool((2,)), normal(5, 2)),
    "Conv": LayerExample(lambda: layers.Conv(3), normal(4, 5, 2)),
    "Conv in groups": LayerExample(lambda: layers.Conv(4, (2, 3), padding=((1, 0), (2, 1)), groups=2), normal(4, 5, 4)),
    "Conv of series, with strides and dilation": LayerExample(lambda: layers.Conv(3, (3,), 2, "VALID", 2), normal(7, 2)),
    "ConvTranspose": LayerExample(lambda: layers.ConvTranspose(3), normal(3, 2, 2)),
    "ConvTranspose in groups, with padding and dilation": LayerExample(
        lambda: layers.ConvTranspose(4, (2, 3), 2, ((0, 1), (2, 1)), (2, 1), 2), normal(3, 3, 4)
    ),
    "ConvTranspose of series": LayerExample(lambda: layers.ConvTranspose(2, (4,), 3, "VALID"), normal(3, 2)),
    "GlobalAveragePool": LayerExample(layers.GlobalAveragePool, normal(3, 2, 2)),
    "GlobalMaxPool": LayerExample(layers.GlobalMaxPool, normal(3, 2, 2)),
    "MaxPool": LayerExample(layers.MaxPool, normal(5, 4, 2)),
    "MaxPool of overlapping windows": LayerExample(lambda: layers.MaxPool((3, 3), 2, 1), normal(4, 5, 2)),
    "Autoencoder": LayerExample(
        lambda: layers.Autoencoder(layers.Dense(2), layers.Chain((layers.Tanh(), layers.Dropout(0.2), layers.Dense(4))))
    ),
    "BatchNorm": LayerExample(lambda: layers.BatchNorm(0.9), normal(2, 4)),
    "Bidirectional": LayerExample(lambda: layers.Bidirectional(layers.GRU(3), truncate=5), normal(5, 2)),
    "Bidirectional over all steps": LayerExample(lambda: layers.Bidirectional(layers.SimpleRNN(3), returns="all"), sequences(3, 3)),
    "Chain": LayerExample(lambda: layers.Chain((layers.Dense(3), layers.Tanh(), layers.Dropout(0.25)))),
    "Chain of chains": LayerExample(lambda: layers.Chain((layers.Chain((layers.Dense(3), layers.SiLU())), layers.Chain((layers.ELU(),))))),
    "Chain with Buffers": LayerExample(lambda: layers.Chain((layers.BatchNorm(), layers.Dense(3), layers.Dropout(0.2)))),
    "Concat": LayerExample(lambda: layers.Concat((layers.Dense(3), layers.Identity(), layers.Dropout(0.4)))),
    "CrossAttention": LayerExample(
        lambda: layers.CrossAttention(2), lambda random, rows: (random.normal(size=(rows, 3, 4)), random.normal(size=(rows, 5, 2)))
    ),
    "CrossAttention to a memory of lengths": LayerExample(lambda: layers.CrossAttention(2, head_features=3), translation),
    "Dense": LayerExample(lambda: layers.Dense(3)),
    "Dense of rows of rows": LayerExample(lambda: layers.Dense(3, initializer=jax.nn.initializers.he_normal), normal(2, 4)),
    "Dropout": LayerExample(lambda: layers.Dropout(0.3)),
    "Dropout over channels": LayerExample(lambda: layers.Dropout(0.4, over="channels"), normal(3, 2, 5)),
    "Dropout over steps": LayerExample(lambda: layers.Dropout(0.4, over="steps"), normal(5, 3)),
    "ELU": LayerExample(lambda: layers.ELU(0.7)),
    "Embedding": LayerExample(lambda: layers.Embedding(7, 3), tokens(7, 5)),
    "Embedding of one token a row": LayerExample(lambda: layers.Embedding(5, 3), tokens(5)),
    "Embedding with positions": LayerExample(
        lambda: layers.Chain((layers.Embedding(7, 4), layers.PositionalEncoding(), layers.MultiHeadAttention(2, causal=True))), tokens(7, 5)
    ),
    "EncoderDecoder": LayerExample(lambda: layers.EncoderDecoder(layers.GRU(3), returns="target"), pairs(normal(4, 2), normal(3, 1))),
    "EncoderDecoder backwards": LayerExample(
        lambda: layers.EncoderDecoder(layers.LSTM(3), returns="target", reverse=True), pairs(sequences(), sequences())
    ),
    "EncoderDecoder of both": LayerExample(lambda: layers.EncoderDecoder(layers.LSTM(3)), pairs(sequences(3, 3), normal(3, 1))),
    "Flatten": LayerExample(layers.Flatten, normal(2, 3, 2)),
    "Function": LayerExample(lambda: layers.Function(jax.nn.silu)),
    "Function of parameters that draws": LayerExample(lambda: layers.Function(noisy_scale, gains, draws=True)),
    "GELU": LayerExample(layers.GELU),
    "GroupNorm": LayerExample(lambda: layers.GroupNorm(2), normal(3, 2, 4)),
    "GroupNorm of a group for each channel": LayerExample(lambda: layers.GroupNorm(3, eps=1e-3), normal(5, 3)),
    "GroupNorm of one group, no positions": LayerExample(lambda: layers.GroupNorm(1), normal(4)),
    "Identity": LayerExample(layers.Identity),
    "LayerNorm": LayerExample(layers.LayerNorm),
    "LayerNorm of steps": LayerExample(lambda: layers.Chain((layers.LayerNorm(eps=1e-3), layers.Dense(2))), normal(5, 4)),
    "LeakyReLU": LayerExample(lambda: layers.LeakyReLU(0.1)),
    "LearnedPositions": LayerExample(lambda: layers.LearnedPositions(7), normal(5, 2)),
    "LearnedPositions, all in use": LayerExample(lambda: layers.Timewise(layers.LearnedPositions(5)), sequences()),
    "MultiHeadAttention": LayerExample(lambda: layers.MultiHeadAttention(2), normal(5, 4)),
    "MultiHeadAttention of heads of another size": LayerExample(lambda: layers.MultiHeadAttention(2, head_features=3), normal(5, 4)),
    "MultiHeadAttention of lengths": LayerExample(lambda: layers.MultiHeadAttention(1), sequences()),
    "MultiHeadAttention, causal": LayerExample(lambda: layers.MultiHeadAttention(2, causal=True), normal(5, 4)),
    "MultiHeadAttention, causal, of lengths": LayerExample(lambda: layers.MultiHeadAttention(1, head_features=3, causal=True), sequences()),
    "Parallel": LayerExample(
        lambda: layers.Parallel((layers.Dense(3), layers.Chain((layers.Dropout(0.1), layers.SiLU())))),
        lambda random, rows: (random.normal(size=(rows, 4)), random.normal(size=(rows, 2, 3))),
    ),
    "PositionalEncoding": LayerExample(layers.PositionalEncoding, normal(5, 3)),
    "RMSNorm": LayerExample(layers.RMSNorm),
    "RMSNorm of rows of rows": LayerExample(lambda: layers.Chain((layers.RMSNorm(eps=1e-3), layers.Dense(2))), normal(2, 4)),
    "ReLU": LayerExample(layers.ReLU),
    "Recurrent": LayerExample(lambda: layers.Recurrent(layers.LSTM(3, forget_bias=0.5)), normal(5, 1)),
    "Recurrent of GRU, all steps": LayerExample(lambda: layers.Recurrent(layers.GRU(3), returns="all"), normal(5, 2)),
    "Recurrent of lengths": LayerExample(lambda: layers.Recurrent(layers.LSTM(3), returns="all"), sequences()),
    "Recurrent backwards": LayerExample(lambda: layers.Recurrent(layers.GRU(3), returns="all and state", reverse=True), sequences(3)),
    "Recurrent of one step": LayerExample(lambda: layers.Recurrent(layers.GRU(3), returns="state"), normal(1, 2)),
    "Recurrent of SimpleRNN": LayerExample(lambda: layers.Recurrent(layers.SimpleRNN(3, activation="silu")), sequences()),
    "Recurrent with state": LayerExample(lambda: layers.Recurrent(layers.LSTM(3), returns="state"), sequences(3, 3, lengths=False)),
    "Recurrent, truncated": LayerExample(lambda: layers.Recurrent(layers.LSTM(3), reverse=True, truncate=5), sequences(3, 3)),
    "Recurrent stack": LayerExample(
        lambda: layers.Chain((layers.Recurrent(layers.GRU(3), returns="all"), layers.Recurrent(layers.LSTM(2)))), sequences()
    ),
    "Repeat": LayerExample(lambda: layers.Repeat(layers.Residual(layers.Chain((layers.Dense(4), layers.Tanh(), layers.Dropout(0.2)))), 3)),
    "Repeat of Buffers": LayerExample(lambda: layers.Repeat(layers.Residual(layers.BatchNorm(0.8)), 2)),
    "Repeat of lengths": LayerExample(lambda: layers.Repeat(layers.Residual(layers.Timewise(layers.Dense(2))), 3), sequences()),
    "Reshape": LayerExample(lambda: layers.Reshape((3, -1)), normal(2, 6)),
    "Reshape to one axis more": LayerExample(lambda: layers.Reshape((2, 2, 1)), normal(4)),
    "Residual": LayerExample(lambda: layers.Residual(layers.Chain((layers.Dense(4), layers.SiLU())))),
    "Residual with shortcut": LayerExample(lambda: layers.Residual(layers.Dense(3), layers.Chain((layers.Dropout(0.3), layers.Dense(3))))),
    "SELU": LayerExample(layers.SELU),
    "SiLU": LayerExample(layers.SiLU),
    "Sigmoid": LayerExample(layers.Sigmoid),
    "Softplus": LayerExample(layers.Softplus),
    "Step": LayerExample(layers.Step),
    "Tanh": LayerExample(layers.Tanh),
    "Timewise": LayerExample(lambda: layers.Timewise(layers.Chain((layers.Dense(3), layers.Tanh()))), sequences(3)),
    "Timewise of a plain array": LayerExample(lambda: layers.Timewise(layers.Dense(3)), normal(5, 2)),
    "VariationalAutoencoder": LayerExample(lambda: layers.VariationalAutoencoder(layers.Dense(4), layers.Dense(3), latent=2)),
    "VariationalAutoencoder with Buffers": LayerExample(
        lambda: layers.VariationalAutoencoder(layers.Chain((layers.BatchNorm(), layers.Dense(4))), layers.Dense(3), latent=2)
    ),
}

MODELS: dict[str, LayerExample] = {
    "autoencoder": LayerExample(lambda: models.autoencoder((3,), 2, 4, activation="tanh", dropout=0.2)),
    "autoencoder of images": LayerExample(lambda: models.autoencoder((3,), 2, (2, 2, 1), activation="silu"), normal(2, 2, 1)),
    "cnn": LayerExample(lambda: models.cnn((2, 3), 3, hidden=(4,), activation="tanh", dropout=0.2), normal(4, 5, 1)),
    "cnn of pairs of convolutions": LayerExample(
        lambda: models.cnn(((2, 2), 3), 3, hidden=(), activation="gelu", norm=layers.GroupNorm(1)), normal(4, 4, 2)
    ),
    "cnn of series": LayerExample(lambda: models.cnn((2,), 3, window=(3,), pool=3, activation="elu"), normal(7, 2)),
    "conv_autoencoder": LayerExample(lambda: models.conv_autoencoder((2, 3), 2, (4, 4, 1), activation="tanh"), normal(4, 4, 1)),
    "conv_gan": LayerExample(lambda: models.conv_gan((2, 3), (4, 4, 1), output="sigmoid").generator, normal(2)),
    "conv_gan discriminator": LayerExample(lambda: models.conv_gan((2, 3), (8, 2)).discriminator, normal(8, 2)),
    "conv_variational_autoencoder": LayerExample(
        lambda: models.conv_variational_autoencoder((2,), 2, (4, 2, 3), activation="silu"), normal(4, 2, 3)
    ),
    "gan": LayerExample(lambda: models.gan((3,), (2, 2), output="tanh").generator, normal(2)),
    "gan discriminator": LayerExample(lambda: models.gan((3,), (2, 2), dropout=0.2).discriminator, normal(2, 2)),
    "mlp": LayerExample(lambda: models.mlp((3, 3), 3, activation="selu")),
    "mlp without hidden layers": LayerExample(lambda: models.mlp((), 3)),
    "residual_mlp": LayerExample(lambda: models.residual_mlp(3, 2, 2, activation="silu", dropout=0.2)),
    "rnn": LayerExample(lambda: models.rnn((3,), 2), normal(5, 2)),
    "rnn of tokens, both ways": LayerExample(
        lambda: models.rnn((3, 2), 6, cell=layers.SimpleRNN, tokens=6, embedding=2, bidirectional=True, dropout=0.1, returns="all"), words
    ),
    "seq2seq": LayerExample(lambda: models.seq2seq(6, 4, (3,), embedding=2), pairs(tokens(6, 5), tokens(4, 3))),
    "seq2seq of two levels and lengths": LayerExample(
        lambda: models.seq2seq(6, 6, (3, 2), cell="gru", embedding=2, reverse=True, dropout=0.2), pairs(words, words)
    ),
    "transformer": LayerExample(lambda: models.transformer(3, width=4, depth=2, heads=2, dropout=0.1), sequences()),
    "transformer of tokens, causal": LayerExample(
        lambda: models.transformer(6, width=4, depth=1, heads=1, tokens=6, causal=True, returns="all", feed_forward=2), words
    ),
    "variational_autoencoder": LayerExample(lambda: models.variational_autoencoder((3,), 2, (2, 2)), normal(2, 2)),
    "wide_deep": LayerExample(lambda: models.wide_deep((3,), 2, activation="tanh", dropout=0.1)),
}


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
