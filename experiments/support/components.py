"""Principal components as a coder of images: what autoencoders are measured by."""

import numpy as np
from sklearn.decomposition import PCA


class Components:
    """The first principal components of images x (rows, ...), all of them without a width."""

    def __init__(self, x: np.ndarray, width: int | None = None) -> None:
        self.pca = PCA(width).fit(_flat(x))

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Codes (rows, width)."""
        return np.asarray(self.pca.transform(_flat(x)))

    def predict(self, x: np.ndarray, shrinking: float = 0.0) -> np.ndarray:
        """Reconstructions in the shape of x. shrinking: variance of the noise in x; then each component is multiplied by
        v / (v + shrinking), v its variance among the images, which of all linear maps brings noisy ones nearest to clean ones."""
        variance = self.pca.explained_variance_
        return np.asarray(self.pca.inverse_transform(self.encode(x) * variance / (variance + shrinking))).reshape(x.shape)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)
