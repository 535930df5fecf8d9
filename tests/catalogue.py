"""Every exported layer and model once, each with an example; the contract suites run over them, and over ``catalogue_of_tasks``.

To add one: write its example here. ``test_catalogue.py`` fails until it is there, and the suites hold it to its contract.
Examples are made by calling, so that a suite can have the same one twice, built apart.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxnn import layers, models
from jaxnn.layers import Layer
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
