"""Losses: per-example values with their gradients by hand, one kind of truth a file."""

from jaxnn.losses.base import Loss
from jaxnn.losses.classification import BinaryCrossEntropy, Hinge, KLDivergence, SoftmaxCrossEntropy
from jaxnn.losses.regression import AbsoluteError, Huber, SquaredError

__all__ = ["AbsoluteError", "BinaryCrossEntropy", "Hinge", "Huber", "KLDivergence", "Loss", "SoftmaxCrossEntropy", "SquaredError"]
