"""Small data and recipes that many tests use; scikit-learn's weights in our layout."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from jaxnn import Classification, Recipe, Regression, models, optimizer

ROWS, WIDTH, CLASSES = 22, 4, 3


def blobs(rows: int = ROWS, *, classes: int = CLASSES, seed: int = 0, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Classes around different points, all of them there: x (rows, WIDTH), y (rows,)."""
    random = np.random.default_rng(seed)
    y = random.permutation(np.arange(rows) % classes).astype(np.int32)
    centres = random.normal(size=(classes, WIDTH))
    return (centres[y] + random.normal(size=(rows, WIDTH))).astype(dtype), y


def plane(rows: int = ROWS, *, seed: int = 0, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """A noisy plane: x (rows, WIDTH), y (rows,)."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, WIDTH))
    return x.astype(dtype), (x @ random.normal(size=WIDTH) + 0.1 * random.normal(size=rows)).astype(dtype)


def classification(*, width: int = 5, dropout: float | None = None, learning_rate: float = 0.1, **fields: Any) -> Recipe:
    """A small classifier for ``blobs``, trained by plain gradient descent unless another optimizer is given."""
    fields = {"optimizer": optimizer(optax.sgd, learning_rate=learning_rate), "epochs": 3, "batch_size": 8} | fields
    return Recipe(Classification(models.mlp((width,), CLASSES, activation="tanh", dropout=dropout)), **fields)


def regression(*, learning_rate: float = 0.1, **fields: Any) -> Recipe:
    """Linear regression for ``plane``."""
    fields = {"optimizer": optimizer(optax.sgd, learning_rate=learning_rate), "epochs": 3, "batch_size": 8} | fields
    return Recipe(Regression(models.mlp((), 1)), **fields)


def sklearn_params(model: Any, gaps: int = 1) -> tuple[Any, ...]:
    """The weights of a scikit-learn network as the parameters of ``mlp``: a Dense, then `gaps` layers without parameters."""
    params: list[Any] = []
    for kernel, bias in zip(model.coefs_, model.intercepts_, strict=True):
        params += [{"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}, *[()] * gaps]
    return tuple(params[: len(params) - gaps])
