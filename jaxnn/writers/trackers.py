"""Trackers of experiments. They need accounts or servers, which are the user's to set up: here metrics are handed over and no more."""

from collections.abc import Mapping
from typing import Any

from jaxnn.writers.base import Writer


class MLflow(Writer):
    """``mlflow.log_metrics`` of each epoch, into the active run: ``with mlflow.start_run(): fit(..., callback=MLflow())``.

    run_id: another run than the active one. Raises ImportError without mlflow.
    """

    def __init__(self, run_id: str | None = None) -> None:
        try:
            import mlflow
        except ImportError as error:
            raise ImportError('MLflow needs mlflow: pip install "jaxnn-toolkit[mlflow]".') from error
        self.log, self.run_id = mlflow.log_metrics, run_id

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        self.log(dict(metrics), step=epoch, run_id=self.run_id)


class WandB(Writer):
    """``run.log`` of each epoch, for Weights & Biases.

    run: what ``wandb.init(...)`` returned, or None for the run that is active then. Raises ImportError without wandb.
    """

    def __init__(self, run: Any = None) -> None:
        try:
            import wandb
        except ImportError as error:
            raise ImportError('WandB needs wandb: pip install "jaxnn-toolkit[wandb]".') from error
        self.log = wandb.log if run is None else run.log

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        self.log(dict(metrics), step=epoch)
