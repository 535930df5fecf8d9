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
from jaxnn.layers.base import Layer
from jaxnn.layers.combine import Chain
from jaxnn.layers.dense import Dense
from jaxnn.layers.dropout import Dropout

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Autoencoder",
    "Chain",
    "Dense",
    "Dropout",
    "Identity",
    "Layer",
    "LeakyReLU",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Step",
    "Tanh",
    "VariationalAutoencoder",
    "VariationalOutput",
    "activation",
]
