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
from jaxnn.layers.attention import CrossAttention, MultiHeadAttention
from jaxnn.layers.autoencoder import Autoencoder, VariationalAutoencoder, VariationalOutput
from jaxnn.layers.base import Layer
from jaxnn.layers.batch_norm import BatchNorm
from jaxnn.layers.bidirectional import Bidirectional
from jaxnn.layers.branches import Concat, Parallel
from jaxnn.layers.buffers import Buffers
from jaxnn.layers.cells import GRU, LSTM, Cell, SimpleRNN
from jaxnn.layers.combine import Chain, Residual, Timewise
from jaxnn.layers.conv import Conv, ConvTranspose
from jaxnn.layers.dense import Dense
from jaxnn.layers.dropout import Dropout
from jaxnn.layers.embedding import Embedding, LearnedPositions, PositionalEncoding
from jaxnn.layers.encoder_decoder import EncoderDecoder
from jaxnn.layers.function import Function
from jaxnn.layers.norm import GroupNorm, LayerNorm, RMSNorm
from jaxnn.layers.pool import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from jaxnn.layers.recurrent import Recurrent
from jaxnn.layers.repeat import Repeat
from jaxnn.layers.reshape import Flatten, Reshape

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "SELU",
    "Activation",
    "Autoencoder",
    "AveragePool",
    "BatchNorm",
    "Bidirectional",
    "Buffers",
    "Cell",
    "Chain",
    "Concat",
    "Conv",
    "ConvTranspose",
    "CrossAttention",
    "Dense",
    "Dropout",
    "Embedding",
    "EncoderDecoder",
    "Flatten",
    "Function",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNorm",
    "Identity",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LearnedPositions",
    "MaxPool",
    "MultiHeadAttention",
    "Parallel",
    "PositionalEncoding",
    "RMSNorm",
    "ReLU",
    "Recurrent",
    "Repeat",
    "Reshape",
    "Residual",
    "SiLU",
    "Sigmoid",
    "SimpleRNN",
    "Softplus",
    "Step",
    "Tanh",
    "Timewise",
    "VariationalAutoencoder",
    "VariationalOutput",
    "activation",
]
