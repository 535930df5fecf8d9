"""Layers: forward and hand-derived backward side by side, one family a file."""

from jaxnn.layers.activation import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Activation,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Step,
    Tanh,
    activation,
)
from jaxnn.layers.autoencoder import Autoencoder, VariationalAutoencoder, VariationalOutput
from jaxnn.layers.base import Buffers, Layer
from jaxnn.layers.batch_norm import BatchNorm
from jaxnn.layers.bidirectional import Bidirectional
from jaxnn.layers.cells import GRU, LSTM, Cell, SimpleRNN
from jaxnn.layers.combine import Chain
from jaxnn.layers.dense import Dense
from jaxnn.layers.dropout import Dropout
from jaxnn.layers.recurrent import Recurrent

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "SELU",
    "Activation",
    "Autoencoder",
    "BatchNorm",
    "Bidirectional",
    "Buffers",
    "Cell",
    "Chain",
    "Dense",
    "Dropout",
    "Identity",
    "Layer",
    "LeakyReLU",
    "ReLU",
    "Recurrent",
    "SiLU",
    "Sigmoid",
    "SimpleRNN",
    "Softplus",
    "Step",
    "Tanh",
    "VariationalAutoencoder",
    "VariationalOutput",
    "activation",
]
