"""scikit-learn's networks, trained as ours are: Adam, no penalty, so many epochs and never stopped early."""

import warnings
from typing import TypeVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

Network = TypeVar("Network", MLPClassifier, MLPRegressor)


def fitted(
    kind: type[Network],
    x: np.ndarray,
    y: np.ndarray,
    *,
    hidden: tuple[int, ...],
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> Network:
    """One run; told never to stop early, it warns that it has not converged, which nobody asked for."""
    model = kind(
        hidden_layer_sizes=hidden,
        alpha=0.0,
        batch_size=batch_size,
        learning_rate_init=learning_rate,
        max_iter=epochs,
        n_iter_no_change=epochs,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x, y)
