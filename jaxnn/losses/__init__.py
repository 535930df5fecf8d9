"""Losses: per-example values with their gradients by hand."""

from jaxnn.losses.base import BinaryCrossEntropy, Loss, SoftmaxCrossEntropy, SquaredError

__all__ = ["BinaryCrossEntropy", "Loss", "SoftmaxCrossEntropy", "SquaredError"]
