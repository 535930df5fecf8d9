"""W1 in other libraries, as their documentation writes it but without needless work. Those that are not installed are left out."""

import importlib.util
import os
from collections.abc import Callable

import numpy as np

from experiments.benchmarks.workload import BATCH, EPOCHS, LEARNING_RATE, WIDTHS, Train


def with_sklearn(x: np.ndarray, y: np.ndarray) -> Train:
    """MLPClassifier, its stopping rule off."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier
    from sklearn.utils._testing import ignore_warnings

    @ignore_warnings(category=ConvergenceWarning)
    def train(seed: int) -> None:
        options = {
            "batch_size": BATCH,
            "max_iter": EPOCHS,
            "learning_rate_init": LEARNING_RATE,
            "alpha": 0.0,
            "n_iter_no_change": EPOCHS + 1,
        }
        MLPClassifier(WIDTHS, random_state=seed, **options).fit(x, y)

    return train


def with_torch(x: np.ndarray, y: np.ndarray) -> Train:
    """PyTorch, batches by index (no DataLoader, which doubles the time), fused Adam."""
    import torch
    from torch import nn

    inputs, labels = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))

    def train(seed: int) -> None:
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
        for _ in range(EPOCHS):
            for index in torch.randperm(len(inputs)).split(BATCH):
                optimizer.zero_grad(set_to_none=True)
                nn.functional.cross_entropy(model(inputs[index]), labels[index]).backward()
                optimizer.step()

    return train


def with_keras(x: np.ndarray, y: np.ndarray) -> Train:
    """Keras on JAX; a new model every time, as a search over hyperparameters makes."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    def train(seed: int) -> None:
        keras.utils.set_random_seed(seed)
        layers = [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)]
        model = keras.Sequential([keras.Input((x.shape[1],)), *layers])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(LEARNING_RATE), loss)
        model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)

    return train


def installed() -> dict[str, Callable[[np.ndarray, np.ndarray], Train]]:
    """The peers that can run here; scikit-learn always can."""
    others = {"PyTorch": ("torch", with_torch), "Keras on JAX": ("keras", with_keras)}
    found = {name: make for name, (package, make) in others.items() if importlib.util.find_spec(package)}
    return {"scikit-learn": with_sklearn, **found}
