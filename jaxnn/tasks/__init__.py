"""Tasks: what is learned, one kind a file."""

from jaxnn.tasks.base import Engine, Task, mean
from jaxnn.tasks.supervised import BinaryClassification, Classification, Regression, Supervised

__all__ = ["BinaryClassification", "Classification", "Engine", "Regression", "Supervised", "Task", "mean"]
