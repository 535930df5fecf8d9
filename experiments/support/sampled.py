"""Scores of drawn images that no eye gives: what a classifier of real ones says of them, and how far their distribution is."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Kernel(NamedTuple):
    """k(a, b) = exp(-|a - b|² / (2 scale²)), |a - b| the distance of two images as rows of pixels."""

    scale: float

    def __call__(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(-squared_distances(a, b) / (2 * self.scale**2))


def median_kernel(real: np.ndarray) -> Kernel:
    """The kernel whose scale is the median distance of two of these images."""
    return Kernel(float(np.sqrt(np.median(squared_distances(real, real)[np.triu_indices(len(real), 1)]))))


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a - b|² of each image a and b, (images, images)."""
    a, b = (images.reshape(len(images), -1).astype(float) for images in (a, b))
    products = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * a @ b.T
    return np.maximum(products, 0)


def discrepancy(kernel: Kernel, a: np.ndarray, b: np.ndarray) -> float:
    """The squared maximum mean discrepancy of two samples, without bias: around 0 where they are of one distribution, so it may be
    below. Source: Gretton et al. 2012, equation 3."""
    within = [(kernel(images, images).sum() - len(images)) / (len(images) * (len(images) - 1)) for images in (a, b)]
    return float(within[0] + within[1] - 2 * kernel(a, b).mean())


def seen(probabilities: np.ndarray, sure: float) -> dict[str, Any]:
    """What a classifier says (images, classes): shares of the classes among all images, counted where it gives a class at least ``sure``;
    the mean of its largest probability; and in how many equal classes the shares are as spread, exp of their entropy."""
    named, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    classes = probabilities.shape[1]
    shares = np.bincount(named[confidence >= sure], minlength=classes) / len(named)
    all_shares = np.bincount(named, minlength=classes) / len(named)
    entropy = -sum(share * np.log(share) for share in all_shares if share > 0)
    return {"shares": shares, "confidence": float(confidence.mean()), "effective classes": float(np.exp(entropy))}


def nearest(images: np.ndarray, among: np.ndarray) -> np.ndarray:
    """The distance of each image from the nearest of others."""
    return np.sqrt(squared_distances(images, among).min(axis=1))


Judge = Callable[[np.ndarray], np.ndarray]
"""Images to probabilities (images, classes)."""
