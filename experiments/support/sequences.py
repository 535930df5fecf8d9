"""Sequences made up to be learned, and linear forecasts of them."""

from collections.abc import Callable, Sequence

import numpy as np


def mixture(periods: Sequence[float], steps: int, noise: float, seed: int = 0) -> np.ndarray:
    """The sum of sines of amplitude 1 with those periods, and normal noise of that standard deviation, (steps,) float32."""
    time = np.arange(steps)
    waves = np.sum([np.sin(2 * np.pi * time / period) for period in periods], axis=0)
    return np.asarray(waves + np.random.default_rng(seed).normal(0, noise, steps), np.float32)


def linear(data: tuple[np.ndarray, np.ndarray], futures: np.ndarray, lags: int, ahead: int) -> np.ndarray:
    """Forecasts (rows, ahead) by least squares on so many steps and a constant, then on its own forecasts."""
    x, y = data[0][:, -lags:, 0].astype(float), data[1].astype(float)
    theta = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y, rcond=None)[0]
    return roll(lambda read: read[:, -lags:, 0] @ theta[:-1] + theta[-1], futures, ahead)


def roll(predict: Callable[[np.ndarray], np.ndarray], read: np.ndarray, ahead: int) -> np.ndarray:
    """Forecasts (rows, ahead) after the windows (rows, length, 1), each of a window that ends with the forecasts before it."""
    forecasts = []
    for _ in range(ahead):
        forecasts.append(np.reshape(predict(read), (-1, 1)).astype(read.dtype))
        read = np.concatenate([read[:, 1:], forecasts[-1][:, None]], axis=1)
    return np.concatenate(forecasts, axis=1)


def marked(rows: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences (rows, length, 2) of numbers and marks, and the sums (rows,) of the two marked numbers."""
    random = np.random.default_rng(seed)
    numbers, marks = random.uniform(0, 1, (rows, length)), np.zeros((rows, length))
    for start, end in ((0, length // 2), (length // 2, length)):
        marks[np.arange(rows), random.integers(start, end, rows)] = 1
    return np.stack([numbers, marks], axis=-1).astype(np.float32), (numbers * marks).sum(axis=1).astype(np.float32)
