"""Functions that return a layer: networks ready to be trained."""

from jaxnn.models.cnn import cnn
from jaxnn.models.mlp import mlp
from jaxnn.models.rnn import rnn
from jaxnn.models.seq2seq import seq2seq
from jaxnn.models.transformer import transformer

__all__ = ["cnn", "mlp", "rnn", "seq2seq", "transformer"]
