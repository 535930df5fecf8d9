"""Traffic of a network as numbers to forecast, and the linear forecasts that others must beat.

Arrays are (time, flows); a forecast of steps t is made from those before t. Errors are squared and averaged over the steps held out and
all flows.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

LAGS = 4
PENALTY = 300.0
"""With this penalty, and no constant, the ridge regression on 4 lags of all flows has the error that the syllabus gives, 0.707."""


class Split(NamedTuple):
    """A series, and the steps from which on it is validated and tested."""

    values: np.ndarray
    validation: int
    test: int


def read(folder: Path | None, steps: int) -> tuple[str, Split]:
    """log(1 + flow) of Bell Labs where the file is, else made up; the last quarter to test, of the rest the last to validate."""
    if folder is not None and (folder / "traffic.npz").is_file():
        with np.load(folder / "traffic.npz") as file:
            name, values = "Bell Labs", np.log1p(file["bell_labs_flows"].astype(float))
    else:
        name, values = "made up", made_up(steps)
    test = int(0.75 * len(values))
    return name, Split(values, int(0.75 * test), test)


def made_up(steps: int, flows: int = 6, seed: int = 0) -> np.ndarray:
    """Flows that fall back to levels of their own, each as fast as it does, with bursts now and then."""
    random = np.random.default_rng(seed)
    level, memory = random.uniform(4, 10, flows), random.uniform(0.2, 0.8, flows)
    values = np.empty((steps, flows))
    now = level
    for step in range(steps):
        burst = (random.random(flows) < 0.05) * random.exponential(2.0, flows)
        now = level + memory * (now - level) + random.normal(0, 0.4, flows) + burst
        values[step] = now
    return values


def baselines(values: np.ndarray, test: int) -> dict[str, float]:
    """Mean squared errors from step ``test`` on of forecasts that are linear, fitted on the steps before it."""
    truth, level = values[test:], values[:test].mean(axis=0)
    lagged = np.stack([values[LAGS - lag : -lag] for lag in range(1, LAGS + 1)], axis=1)
    flows = values.shape[1]
    own = np.stack(
        [_ridge(lagged[:, :, flow] - level[flow], values[LAGS:, flow] - level[flow], test, 1.0) for flow in range(flows)], axis=1
    )
    forecasts = {
        "persistence": values[test - 1 : -1],
        "mean of the flow": np.broadcast_to(level, truth.shape),
        "ridge AR(4) on all flows": _ridge(lagged.reshape(len(lagged), -1), values[LAGS:], test, PENALTY),
        "AR(4) on the flow itself": own + level,
    }
    return {name: mean_squared(forecast, truth) for name, forecast in forecasts.items()}


def _ridge(x: np.ndarray, y: np.ndarray, test: int, penalty: float) -> np.ndarray:
    """Forecasts from step ``test`` on, of the linear function with the smallest squared error + penalty ||theta||^2 before it."""
    rows = x[: test - LAGS]
    return np.asarray(x[test - LAGS :] @ np.linalg.solve(rows.T @ rows + penalty * np.eye(rows.shape[1]), rows.T @ y[: test - LAGS]))


def mean_squared(forecast: np.ndarray, truth: np.ndarray) -> float:
    """The mean over steps and flows."""
    return float(np.mean(np.square(forecast - truth)))


class Pieces(NamedTuple):
    """What a network reads and says: a row is one flow at one step, from those before it. level, scale: what was taken off, divided by."""

    x: np.ndarray
    y: np.ndarray
    level: np.ndarray
    scale: float

    def rows(self, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """(x, y) of the steps from start to end, all flows."""
        flows = len(self.level)
        return self.x[start * flows : end * flows], self.y[start * flows : end * flows]

    def forecast(self, predicted: np.ndarray) -> np.ndarray:
        """Predictions (rows,) as a forecast (steps, flows) in the numbers of the series."""
        return predicted.reshape(-1, len(self.level)) * self.scale + self.level


def pieces(values: np.ndarray, length: int, known: int) -> Pieces:
    """Rows for all steps, flow after flow, x (rows, length, 1 + flows): less the flow's mean, and one-hot which flow it is.

    Means and scale are those of the ``known`` first steps. Before the first step a flow is taken to have been as it was in the first.
    """
    steps, flows = values.shape
    level, scale = values[:known].mean(axis=0), float(values[:known].std(axis=0).mean())
    scaled = (values - level) / scale
    before = np.concatenate([np.repeat(scaled[:1], length, axis=0), scaled[:-1]])
    read = np.lib.stride_tricks.sliding_window_view(before, length, axis=0)  # (steps, flows, length)
    which = np.broadcast_to(np.eye(flows)[None, :, None], (steps, flows, length, flows))
    x = np.concatenate([read[..., None], which], axis=-1).reshape(steps * flows, length, 1 + flows)
    return Pieces(x.astype(np.float32), scaled.reshape(-1).astype(np.float32), level, scale)
