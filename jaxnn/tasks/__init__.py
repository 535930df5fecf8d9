"""Tasks: what is learned, one kind a file."""

from jaxnn.tasks.adversarial import Adversarial
from jaxnn.tasks.base import Engine, Task, mean
from jaxnn.tasks.reconstruction import Reconstruction, Variational
from jaxnn.tasks.sequences import NextToken, generate
from jaxnn.tasks.supervised import BinaryClassification, Classification, Regression, Supervised
from jaxnn.tasks.translation import translate

__all__ = [
    "Adversarial",
    "BinaryClassification",
    "Classification",
    "Engine",
    "NextToken",
    "Reconstruction",
    "Regression",
    "Supervised",
    "Task",
    "Variational",
    "generate",
    "mean",
    "translate",
]
