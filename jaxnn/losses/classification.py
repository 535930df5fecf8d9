"""Losses between classes, or shares of classes, and the outputs that stand for them: log odds, scores, log probabilities."""

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.losses.base import Loss, check_no_classes, mean_of_row, numbers_beside, numbers_of_row
from jaxnn.records import number


class BinaryCrossEntropy(Loss):
    r"""J = -ln p of the true class with p = sigmoid(outputs): J = softplus(o) - y o, dJ/do = p - y; the mean over the row.

    Shapes: outputs (batch, 1), the log odds of class 1, y (batch,) of 0 and 1; or any number of units, outputs (rows, ...) and y
    the same in [0, 1], for instance the pixels of an image. Finite for every finite output. With ``label_smoothing`` s in [0, 1],
    a hyperparameter, y becomes (1 - s) y + s / 2; None leaves it away. Source of the smoothing: Szegedy et al. 2016, section 7.

    >>> import jax.numpy as jnp
    >>> round(float(BinaryCrossEntropy().value(jnp.array([[0.0]]), jnp.array([1]))[0]), 4)
    0.6931
    """

    label_smoothing: float | None = number(low=0, high=1, default=None)

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return mean_of_row(jax.nn.softplus(outputs) - self._truth(outputs, y) * outputs)

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return (jax.nn.sigmoid(outputs) - self._truth(outputs, y)) / numbers_of_row(outputs)

    def _truth(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        truth = numbers_beside("BinaryCrossEntropy", outputs, y)
        if self.label_smoothing is None:
            return truth
        smoothing = jnp.asarray(self.label_smoothing, outputs.dtype)
        return (1 - smoothing) * truth + smoothing / 2


class SoftmaxCrossEntropy(Loss):
    r"""J = -ln p_y with p = softmax(outputs): J = ln sum_k exp o_k - o_y, dJ/do = p - e_y.

    Shapes: outputs (batch, classes >= 2); y (batch,) whole numbers from 0. The one-hot code e_y is compared, never gathered: a
    gather's automatic gradient is a scatter. More axes before the last, (batch, time, classes) and y (batch, time), are examples
    too: J has the shape of y. With ``label_smoothing`` s in [0, 1], a hyperparameter, e_y becomes (1 - s) e_y + s / classes; None
    leaves it away. Source of the smoothing: Szegedy et al. 2016, section 7.

    >>> import jax.numpy as jnp
    >>> round(float(SoftmaxCrossEntropy().value(jnp.zeros((1, 10)), jnp.array([3]))[0]), 4)
    2.3026
    """

    label_smoothing: float | None = number(low=0, high=1, default=None)

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        truth = jnp.where(_true_class("SoftmaxCrossEntropy", outputs, y), outputs, 0).sum(axis=-1)
        if self.label_smoothing is not None:
            smoothing = jnp.asarray(self.label_smoothing, outputs.dtype)
            truth = (1 - smoothing) * truth + smoothing * outputs.mean(axis=-1)
        return jax.nn.logsumexp(outputs, axis=-1) - truth

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        truth = _true_class("SoftmaxCrossEntropy", outputs, y).astype(outputs.dtype)
        if self.label_smoothing is not None:
            smoothing = jnp.asarray(self.label_smoothing, outputs.dtype)
            truth = (1 - smoothing) * truth + smoothing / outputs.shape[-1]
        return jax.nn.softmax(outputs, axis=-1) - truth


class Hinge(Loss):
    r"""How far the true class is from leading by a margin of 1; nothing where it does. No probabilities: only the order is learned.

    Two classes, outputs (batch, 1), y (batch,) of 0 and 1: t = 2 y - 1, J = max(0, 1 - t o), dJ/do = -t where t o < 1, else 0.
    More, outputs (batch, classes >= 2), y (batch,) whole numbers from 0: with the strongest rival m, the largest of the o_k but o_y,
    J = max(0, 1 + o_m - o_y), dJ/do = e_m - e_y where J > 0, else 0; rivals that are equal share e_m.
    A task's ``predict`` still gives the sigmoid or softmax of the outputs: it ranks the classes, but it is no probability.
    Source: Crammer & Singer 2001, as in sklearn.metrics.hinge_loss.

    >>> import jax.numpy as jnp
    >>> Hinge().value(jnp.array([[0.5], [0.5]]), jnp.array([1, 0])).tolist()
    [0.5, 1.5]
    """

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return jax.nn.relu(1 - _lead(outputs, y))

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        missed = (_lead(outputs, y) < 1).astype(outputs.dtype)[..., None]
        if outputs.shape[-1] == 1:
            return -missed * _signs(outputs, y)[:, None]
        true, rivals = _rivals(outputs, y)
        strongest = (rivals == rivals.max(axis=-1, keepdims=True)).astype(outputs.dtype)
        return missed * (strongest / strongest.sum(axis=-1, keepdims=True) - true.astype(outputs.dtype))


class KLDivergence(Loss):
    r"""J = KL(y \|\| p) = sum_k y_k ln(y_k / p_k) with p = softmax(outputs), dJ/do = p sum_k y_k - y, which is p - y where y adds up to 1.

    Shapes: outputs (batch, classes), logarithms of p up to a constant; y (batch, classes), a distribution, zeros allowed. Cross-entropy
    less the entropy of y, so 0 where they agree. As the loss of a Regression it teaches shares; softmax what that predicts.
    Source: Kullback & Leibler 1951; optax.losses.kl_divergence takes logarithms of p that are normalised already.

    >>> import jax.numpy as jnp
    >>> round(float(KLDivergence().value(jnp.zeros((1, 2)), jnp.array([[1.0, 0.0]]))[0]), 4)
    0.6931
    """

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        y = _shares(outputs, y)
        return -(jax.scipy.special.entr(y) + y * jax.nn.log_softmax(outputs, axis=-1)).sum(axis=-1)

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        y = _shares(outputs, y)
        return jax.nn.softmax(outputs, axis=-1) * y.sum(axis=-1, keepdims=True) - y


def is_class(y: jax.Array, classes: int) -> jax.Array:
    """Whether y is that class, (..., classes): its one-hot code, in Booleans."""
    return y.astype(jnp.int32)[..., None] == jnp.arange(classes, dtype=jnp.int32)  # a narrow dtype of y could wrap round


def _true_class(where: str, outputs: jax.Array, y: jax.Array) -> jax.Array:
    if outputs.ndim < 2 or outputs.shape[-1] < 2 or y.shape != outputs.shape[:-1]:
        expected = "of shape (batch,) beside outputs (batch, classes >= 2)"
        raise ValueError(sentence(where, "y", expected, f"shape {y.shape} beside {outputs.shape}"))
    _check_whole(where, y)
    return is_class(y, outputs.shape[-1])


def _check_whole(where: str, y: jax.Array) -> None:
    if not jnp.issubdtype(y.dtype, jnp.integer):
        raise TypeError(sentence(where, "y", "whole numbers, the classes", y.dtype))


def _signs(outputs: jax.Array, y: jax.Array) -> jax.Array:
    """-1 and 1 for the classes 0 and 1, (batch,)."""
    _check_whole("Hinge", y)
    return 2 * numbers_beside("Hinge", outputs, y)[:, 0] - 1


def _lead(outputs: jax.Array, y: jax.Array) -> jax.Array:
    """How far the true class is ahead, (batch,)."""
    if outputs.ndim == 2 and outputs.shape[1] == 1:
        return _signs(outputs, y) * outputs[:, 0]
    true, rivals = _rivals(outputs, y)
    return jnp.where(true, outputs, 0).sum(axis=-1) - rivals.max(axis=-1)


def _rivals(outputs: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Where the true class is, and the outputs of all others, -inf in its place."""
    true = _true_class("Hinge", outputs, y)
    return true, jnp.where(true, -jnp.inf, outputs)


def _shares(outputs: jax.Array, y: jax.Array) -> jax.Array:
    if outputs.ndim != 2 or y.shape != outputs.shape:
        expected = "of shape (batch, classes), as the outputs are"
        raise ValueError(sentence("KLDivergence", "y", expected, f"shape {y.shape} beside {outputs.shape}"))
    check_no_classes("KLDivergence", y)
    return y.astype(outputs.dtype)
