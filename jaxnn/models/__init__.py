"""Functions that return a layer: networks ready to be trained."""

from jaxnn.models.autoencoder import autoencoder, conv_autoencoder, conv_variational_autoencoder, variational_autoencoder
from jaxnn.models.bypassing import residual_mlp, wide_deep
from jaxnn.models.cnn import cnn
from jaxnn.models.gan import conv_gan, gan
from jaxnn.models.mlp import mlp
from jaxnn.models.rnn import rnn
from jaxnn.models.seq2seq import seq2seq
from jaxnn.models.transformer import transformer

__all__ = [
    "autoencoder",
    "cnn",
    "conv_autoencoder",
    "conv_gan",
    "conv_variational_autoencoder",
    "gan",
    "mlp",
    "residual_mlp",
    "rnn",
    "seq2seq",
    "transformer",
    "variational_autoencoder",
    "wide_deep",
]
