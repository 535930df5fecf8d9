"""Functions that return a layer: networks ready to be trained."""

from jaxnn.models.mlp import mlp

__all__ = ["mlp"]
