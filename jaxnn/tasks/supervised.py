"""Tasks with a truth for each example: numbers and classes."""

from abc import abstractmethod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import sentence
from jaxnn.compiling import compiled
from jaxnn.layers import Layer
from jaxnn.losses import BinaryCrossEntropy, Loss, SoftmaxCrossEntropy, SquaredError
from jaxnn.losses.classification import is_class
from jaxnn.records import number
from jaxnn.tasks.base import Engine, Task, check_output, mean, shares
from jaxnn.typing import Batch, Key, Metrics, Params


class Supervised(Task):
    """A model that maps x to y, and the per-example loss between them."""

    model: Layer
    loss: Loss

    def __post_init__(self) -> None:
        if not isinstance(self.loss, Loss):
            advice = "Write jaxnn.losses.SquaredError()."
            raise TypeError(sentence(type(self).__name__, "loss", "a Loss of jaxnn.losses", repr(self.loss)[:60], advice))

    def init(self, key: Key, batch: Batch) -> Params:
        if batch.y is None:
            raise ValueError(sentence(type(self).__name__, "y", "given, one target for each row", "None"))
        params = self.model.init(key, batch.x)
        outputs = jax.eval_shape(self.model.apply, params, batch.x)
        check_output(type(self).__name__, outputs, "For one target a row a model ends with one step, or the mean over steps.")
        self._check_outputs(outputs, batch.y)
        return params

    def gradients(self, params: Params, batch: Batch, key: Key | None, engine: Engine) -> tuple[Metrics, Params]:
        if engine == "autodiff":
            loss, gradients = jax.value_and_grad(self._objective)(params, batch, key)
            return {"loss": loss}, gradients
        outputs, residuals = self.model.forward(params, batch.x, key)
        weight = self.weight(batch)
        errors = self.loss.gradient(outputs, batch.y) * shares(weight, outputs.ndim)
        gradients, _ = self.model.backward(params, residuals, errors)
        return {"loss": mean(self.loss.value(outputs, batch.y), weight)}, gradients

    def evaluate(self, params: Params, batch: Batch) -> Metrics:
        outputs, weight = self.model.apply(params, batch.x), self.weight(batch)
        return {name: mean(value, weight) for name, value in self._measure(outputs, batch.y).items()}

    def check(self, x: Any, y: Any, predictions: Any) -> None:
        outputs = jax.ShapeDtypeStruct((len(y), *(predictions.shape[1:] or (1,))), predictions.dtype)
        compiled(_value).eval_shape(self.loss, outputs, jax.ShapeDtypeStruct(y.shape, y.dtype))  # a loss for other targets says so

    def weight(self, batch: Batch) -> jax.Array:
        """How much each row counts, in the loss and in all that is measured, (batch,)."""
        return batch.weight

    def total(self, batch: Batch) -> jax.Array:
        return self.weight(batch).sum()

    def _objective(self, params: Params, batch: Batch, key: Key | None) -> jax.Array:
        return mean(self.loss.value(self.model.apply(params, batch.x, key), batch.y), self.weight(batch))

    def _measure(self, outputs: jax.Array, y: jax.Array) -> Metrics:
        return {"loss": self.loss.value(outputs, y)}

    @abstractmethod
    def _check_outputs(self, outputs: Any, y: Any) -> None:
        """Refuses a model whose outputs do not fit the task; called while tracing, so only shapes are there."""


class Regression(Supervised):
    """Numbers: no output activation, squared error or another loss between numbers.

    y (rows, ...) as the model's outputs, for instance (rows, steps, series) for a forecast, or (rows,) beside outputs (batch, 1).
    ``predict`` gives the outputs, (batch,) where they are (batch, 1).
    """

    loss: Loss = SquaredError()

    def predict(self, params: Params, x: jax.Array) -> jax.Array:
        outputs = self.model.apply(params, x)
        return outputs[:, 0] if outputs.shape[1:] == (1,) else outputs

    def check(self, x: Any, y: Any, predictions: Any) -> None:
        if not jnp.issubdtype(y.dtype, jnp.floating):
            raise ValueError(sentence("Regression", "y", "floating-point of shape (rows, ...)", f"{y.dtype} of shape {y.shape}"))
        super().check(x, y, predictions)

    def _check_outputs(self, outputs: Any, y: Any) -> None:
        row = y.shape[1:]
        if outputs.shape[1:] != row or not row:
            _check_row("Regression", outputs, row or (1,), "one for each number of y")


class Classes(Supervised):
    """Classes, counted from 0. ``class_weights``, hyperparameters >= 0, one for each class, multiply the weights of its examples.

    The mean loss is divided by the sum of those weights, so weight 2 is the same as having each example of that class twice;
    rows / (classes * rows of the class) balances them. Training, evaluation and accuracy are weighted alike, so that they compare
    and add up exactly over pieces of any size: with balancing weights ``accuracy`` is the mean of the accuracies of each class. For
    plain accuracy take ``jaxnn.metrics.accuracy``. None leaves them away.
    """

    class_weights: tuple[float, ...] | None = number(low=0, default=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.class_weights, tuple | None):
            advice = "Write tuple(weights), or jaxnn.data.balancing_weights(y)."
            got = repr(self.class_weights)[:60]
            raise TypeError(sentence(type(self).__name__, "class_weights", "a tuple of numbers, one for each class", got, advice))

    def weight(self, batch: Batch) -> jax.Array:
        if self.class_weights is None:
            return batch.weight
        weights = jnp.stack([jnp.asarray(weight, batch.weight.dtype) for weight in self.class_weights])
        return batch.weight * jnp.where(is_class(batch.y, len(weights)), weights, 0).sum(axis=-1)

    def check(self, x: Any, y: Any, predictions: Any) -> None:
        where, weights = type(self).__name__, self.class_weights
        _check_classes(where, y, self._classes(predictions))
        super().check(x, y, predictions)
        if weights is not None and not any(weight > 0 for label, weight in enumerate(weights) if (y == label).any()):
            raise ValueError(sentence(where, "class_weights", "above 0 for a class of y at least", repr(weights)))

    def _check_class_weights(self, classes: int) -> None:
        weights = self.class_weights
        if weights is not None and len(weights) != classes:
            expected, got = f"a tuple of {classes} numbers, one for each class", f"{len(weights)} of them"
            raise ValueError(sentence(type(self).__name__, "class_weights", expected, got))

    @abstractmethod
    def _classes(self, predictions: Any) -> int:
        """How many classes there are, from the shape of the predictions."""


class BinaryClassification(Classes):
    """Two classes by one output, its log odds: binary cross-entropy or hinge. ``predict`` gives p(class 1), (batch,)."""

    loss: Loss = BinaryCrossEntropy()

    def predict(self, params: Params, x: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(self.model.apply(params, x)[:, 0])

    def _measure(self, outputs: jax.Array, y: jax.Array) -> Metrics:
        right = (outputs[:, 0] > 0) == (y > 0)
        return {"loss": self.loss.value(outputs, y), "accuracy": right.astype(outputs.dtype)}

    def _check_outputs(self, outputs: Any, y: Any) -> None:
        _check_row("BinaryClassification", outputs, (1,), "the log odds of class 1")
        self._check_class_weights(2)

    def _classes(self, predictions: Any) -> int:
        return 2


class Classification(Classes):
    """Two classes or more, one output each: softmax cross-entropy or hinge. ``predict`` gives probabilities (batch, classes).

    Hinge learns no probabilities: with it the largest prediction is the class, and that is all it says.
    """

    loss: Loss = SoftmaxCrossEntropy()

    def predict(self, params: Params, x: jax.Array) -> jax.Array:
        return jax.nn.softmax(self.model.apply(params, x), axis=-1)

    def _measure(self, outputs: jax.Array, y: jax.Array) -> Metrics:
        right = jnp.argmax(outputs, axis=-1).astype(jnp.int32) == y.astype(jnp.int32)
        return {"loss": self.loss.value(outputs, y), "accuracy": right.astype(outputs.dtype)}

    def _check_outputs(self, outputs: Any, y: Any) -> None:
        if len(outputs.shape) != 2 or outputs.shape[1] < 2:
            raise ValueError(sentence("Classification", "the model's output", "of shape (batch, classes >= 2)", f"shape {outputs.shape}"))
        self._check_class_weights(outputs.shape[1])

    def _classes(self, predictions: Any) -> int:
        return predictions.shape[1]


def _value(loss: Loss, outputs: jax.Array, y: jax.Array) -> jax.Array:
    return loss.value(outputs, y)


def _check_classes(where: str, y: Any, classes: int) -> None:
    expected = f"(rows,) whole numbers from 0 to {classes - 1}"
    advice = "Number the classes, for instance by numpy.unique(labels, return_inverse=True)."
    advice = "Write y.astype(int)." if y.dtype.kind == "b" else advice
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(sentence(where, "y", expected, f"{y.dtype} of shape {y.shape}", advice))
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(sentence(where, "y", expected, f"{y.min()} to {y.max()}", advice))


def _check_row(where: str, outputs: Any, row: tuple[int, ...], meaning: str) -> None:
    if outputs.shape[1:] != row:
        shape = ", ".join(map(str, ("batch", *row)))
        raise ValueError(sentence(where, "the model's output", f"of shape ({shape}), {meaning}", f"shape {outputs.shape}"))
