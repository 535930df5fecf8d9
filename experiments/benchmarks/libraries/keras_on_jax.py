"""Keras on JAX: ``fit``. It is compiled with its model, so later runs go on from where the one before ended: the same work."""

import os
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from keras import layers

from experiments.benchmarks.whole_run import LEARNING_RATE, Work
from experiments.benchmarks.workload import Train


def mlp() -> list[Any]:
    """W2."""
    return [layers.Dense(256, activation="relu"), layers.Dense(128, activation="relu"), layers.Dense(10)]


def cnn() -> list[Any]:
    """W3."""
    first = [layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D()]
    second = [layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D()]
    return [*first, *second, layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10)]


def lstm() -> list[Any]:
    """W4."""
    return [layers.LSTM(64), layers.Dense(2)]


NETWORKS = {"mlp": mlp, "cnn": cnn, "lstm": lstm}


def train(work: Work) -> Train:
    """W2, W3 or W4."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(work.x.shape[1:]), *NETWORKS[work.network]()])
    model.compile(keras.optimizers.Adam(LEARNING_RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def run(seed: int) -> None:
        del seed
        model.fit(work.x, work.y, batch_size=work.batch, epochs=work.epochs, verbose=0)

    return run
