"""The column to learn: classes as 0, 1, ... in a fixed order, or numbers with mean 0 and standard deviation 1."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from jaxnn.checks import sentence
from jaxnn.data.scaling import standardise
from jaxnn.data.wording import listed

Kind = Literal["classification", "regression"]
MOST_WHOLE_NUMBERS = 20
MOST_CLASSES = 1000


def infer_kind(target: np.ndarray) -> Kind:
    """Whether a target holds classes or quantities: text and booleans are classes, and so are whole numbers (also written 1.0)
    of at most 20 different values; all else is regression.

    >>> infer_kind(np.array([0, 1, 1])), infer_kind(np.array([0.5, 1.0]))
    ('classification', 'regression')
    """
    if target.dtype.kind in "bOUS":
        return "classification"
    whole = target.dtype.kind in "iu" or bool(np.all(target == np.round(target)))
    return "classification" if whole and len(np.unique(target)) <= MOST_WHOLE_NUMBERS else "regression"


def balancing_weights(y: np.ndarray, classes: int | None = None) -> tuple[float, ...]:
    """Weights under which all classes count the same: rows / (classes * rows of the class), 0 for a class without rows.

    y (rows,) classes from 0; classes: how many there are, by default as y says. For ``Classification(..., class_weights=...)``; the same
    as scikit-learn's "balanced".

    >>> balancing_weights(np.array([0, 0, 0, 1]))
    (0.6666666666666666, 2.0)
    """
    y = np.asarray(y)
    if y.ndim != 1 or y.dtype.kind not in "iub" or (y.size and y.min() < 0):
        advice = "Number the classes by numpy.unique(labels, return_inverse=True)."
        raise ValueError(sentence("balancing_weights", "y", "(rows,) whole numbers from 0", f"{y.dtype} of shape {y.shape}", advice))
    counts = np.bincount(y, minlength=classes or 0)
    return tuple(float(len(y) / (len(counts) * count)) if count else 0.0 for count in counts)


@dataclass(frozen=True)
class Classes:
    """Class names in order: text by alphabet, numbers by value, so that '10' comes after '9'."""

    name: str
    classes: tuple[str, ...]

    @classmethod
    def fit(cls, name: str, target: np.ndarray) -> "Classes":
        """The classes of the training rows. Raises `ValueError` for one class only, or for more than 1,000."""
        classes = tuple(_words(np.unique(target)))
        if len(classes) == 1:
            raise ValueError(f"The target {name!r} has one class only, {classes[0]!r}: expected two or more. Check --target.")
        if len(classes) > MOST_CLASSES:
            raise ValueError(
                f"The target {name!r} has {len(classes):,} different values, too many for classes "
                f"(at most {MOST_CLASSES:,}). Learn it as regression."
            )
        return cls(name=name, classes=classes)

    def encode(self, target: np.ndarray) -> np.ndarray:
        """Class numbers, int32 of shape (rows,)."""
        values, inverse = np.unique(target, return_inverse=True)
        index = {name: number for number, name in enumerate(self.classes)}
        words = _words(values)
        unknown = [word for word in words if word not in index]
        if unknown:
            raise ValueError(f"The target {self.name!r} has classes that no training row has: {listed(unknown)}. Leave these rows out.")
        return np.array([index[word] for word in words], np.int32)[inverse]

    def decode(self, numbers: np.ndarray) -> np.ndarray:
        """Class names, str (dtype object), of the shape of `numbers`."""
        numbers = np.asarray(numbers)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self.classes):
            raise ValueError(f"Class numbers must be from 0 to {len(self.classes) - 1}, got {numbers.min()} to {numbers.max()}.")
        return np.array(self.classes, dtype=object)[numbers]


@dataclass(frozen=True)
class Quantity:
    """(target - mean) / scale, with mean and standard deviation of the training rows."""

    name: str
    mean: float
    scale: float

    @classmethod
    def fit(cls, name: str, target: np.ndarray) -> "Quantity":
        """Learns from the target of the training rows. Raises `ValueError` for text and for a constant."""
        values = _numbers(name, target)
        if values.min() == values.max():
            raise ValueError(f"The target {name!r} is {values[0]:g} in all training rows: nothing to learn. Check --target.")
        mean, scale = standardise(values)
        if not np.isfinite(mean) or not np.isfinite(scale):
            raise ValueError(f"The target {name!r} has values too large to be scaled. Use another unit.")
        return cls(name=name, mean=float(mean), scale=float(scale))

    def encode(self, target: np.ndarray) -> np.ndarray:
        """Standardised target, float32 of shape (rows,)."""
        return ((_numbers(self.name, target) - self.mean) / self.scale).astype(np.float32)

    def restore(self, standardised: np.ndarray) -> np.ndarray:
        """The target's own units, float64 of the same shape."""
        return np.asarray(standardised, np.float64) * self.scale + self.mean


def _numbers(name: str, target: np.ndarray) -> np.ndarray:
    if target.dtype.kind in "OUS":
        stray = next((value for value in target if not _is_number(value)), target[0])
        raise ValueError(f"The target {name!r} holds text such as {stray!r}: regression needs numbers. Learn it as classification.")
    return target.astype(np.float64)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True


def _words(values: np.ndarray) -> list[str]:
    """Values as class names; 1.0 and 1 are the same class."""
    return [str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in values.tolist()]
