"""Tasks with a truth for each example: numbers and classes."""

from abc import abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import sentence
from jaxnn.layers import Layer
from jaxnn.losses import BinaryCrossEntropy, Loss, SoftmaxCrossEntropy, SquaredError
from jaxnn.tasks.base import Engine, Task, mean
from jaxnn.typing import Batch, Key, Metrics, Params


class Supervised(Task):
    """A model that maps x to y, and the per-example loss between them."""

    model: Layer
    loss: ClassVar[Loss]

    @property
    def draws(self) -> bool:
        return self.model.draws

    def init(self, key: Key, batch: Batch) -> Params:
        if batch.y is None:
            raise ValueError(sentence(type(self).__name__, "y", "given, one target for each row", "None"))
        params = self.model.init(key, batch.x)
        self._check_outputs(jax.eval_shape(self.model.apply, params, batch.x), batch.y)
        return params

    def gradients(self, params: Params, batch: Batch, key: Key | None, engine: Engine) -> tuple[Metrics, Params]:
        if engine == "autodiff":
            loss, gradients = jax.value_and_grad(self._objective)(params, batch, key)
            return {"loss": loss}, gradients
        outputs, residuals = self.model.forward(params, batch.x, key)
        share = batch.weight / batch.weight.sum()
        errors = self.loss.gradient(outputs, batch.y) * jnp.expand_dims(share, tuple(range(1, outputs.ndim)))
        gradients, _ = self.model.backward(params, residuals, errors)
        return {"loss": jnp.vdot(share, self.loss.value(outputs, batch.y))}, gradients

    def evaluate(self, params: Params, batch: Batch) -> Metrics:
        outputs = self.model.apply(params, batch.x)
        return {name: mean(value, batch.weight) for name, value in self._measure(outputs, batch.y).items()}

    def _objective(self, params: Params, batch: Batch, key: Key | None) -> jax.Array:
        return mean(self.loss.value(self.model.apply(params, batch.x, key), batch.y), batch.weight)

    def _measure(self, outputs: jax.Array, y: jax.Array) -> Metrics:
        return {"loss": self.loss.value(outputs, y)}

    @abstractmethod
    def _check_outputs(self, outputs: Any, y: Any) -> None:
        """Refuses a model whose outputs do not fit the task; called while tracing, so only shapes are there."""


class Regression(Supervised):
    """Numbers: squared error, no output activation. ``predict`` gives (batch,) or (batch, units), as y was given."""

    loss: ClassVar[Loss] = SquaredError()

    def predict(self, params: Params, x: jax.Array) -> jax.Array:
        outputs = self.model.apply(params, x)
        return outputs[:, 0] if outputs.shape[-1] == 1 else outputs

    def check(self, y: Any, predictions: Any) -> None:
        if not jnp.issubdtype(y.dtype, jnp.floating) or y.ndim not in (1, 2):
            raise ValueError(
                sentence("Regression", "y", "floating-point of shape (rows,) or (rows, units)", f"{y.dtype} of shape {y.shape}")
            )

    def _check_outputs(self, outputs: Any, y: Any) -> None:
        units = y.shape[1] if len(y.shape) == 2 else 1
        _check_units("Regression", outputs, units, "one for each number of y")


class BinaryClassification(Supervised):
    """Two classes by one output, its log odds: binary cross-entropy. ``predict`` gives p(class 1), (batch,)."""

    loss: ClassVar[Loss] = BinaryCrossEntropy()

    def predict(self, params: Params, x: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(self.model.apply(params, x)[:, 0])

    def check(self, y: Any, predictions: Any) -> None:
        _check_classes("BinaryClassification", y, 2)

    def _measure(self, outputs: jax.Array, y: jax.Array) -> Metrics:
        right = (outputs[:, 0] > 0) == (y > 0)
        return {"loss": self.loss.value(outputs, y), "accuracy": right.astype(outputs.dtype)}

    def _check_outputs(self, outputs: Any, y: Any) -> None:
        _check_units("BinaryClassification", outputs, 1, "the log odds of class 1")


class Classification(Supervised):
    """Two classes or more, one output each: softmax cross-entropy. ``predict`` gives probabilities (batch, classes)."""

    loss: ClassVar[Loss] = SoftmaxCrossEntropy()

    def predict(self, params: Params, x: jax.Array) -> jax.Array:
        return jax.nn.softmax(self.model.apply(params, x), axis=-1)

    def check(self, y: Any, predictions: Any) -> None:
        _check_classes("Classification", y, predictions.shape[1])

    def _measure(self, outputs: jax.Array, y: jax.Array) -> Metrics:
        right = jnp.argmax(outputs, axis=-1).astype(jnp.int32) == y.astype(jnp.int32)
        return {"loss": self.loss.value(outputs, y), "accuracy": right.astype(outputs.dtype)}

    def _check_outputs(self, outputs: Any, y: Any) -> None:
        if len(outputs.shape) != 2 or outputs.shape[1] < 2:
            raise ValueError(sentence("Classification", "the model's output", "of shape (batch, classes >= 2)", f"shape {outputs.shape}"))


def _check_classes(where: str, y: Any, classes: int) -> None:
    expected = f"(rows,) whole numbers from 0 to {classes - 1}"
    advice = "Number the classes, for instance by numpy.unique(labels, return_inverse=True)."
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(sentence(where, "y", expected, f"{y.dtype} of shape {y.shape}", advice))
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(sentence(where, "y", expected, f"{y.min()} to {y.max()}", advice))


def _check_units(where: str, outputs: Any, units: int, meaning: str) -> None:
    if len(outputs.shape) != 2 or outputs.shape[1] != units:
        raise ValueError(sentence(where, "the model's output", f"of shape (batch, {units}), {meaning}", f"shape {outputs.shape}"))
