"""Tasks that learn x from x: autoencoders, denoising ones and variational ones."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.keys import typed_key
from jaxnn.layers import Layer, VariationalAutoencoder, VariationalOutput
from jaxnn.losses import BinaryCrossEntropy, Loss, SquaredError
from jaxnn.records import number
from jaxnn.tasks.base import Engine, Task, check_no_targets, check_output, check_without_targets, float_dtype, mean, shares
from jaxnn.typing import Batch, Key, Metrics, Params


class Reconstruction(Task):
    r"""x is learned from x through a model that can't copy it: a narrow code, or noise in its way. There is no y.

    Each row's loss is between model(x) and x; ``SquaredError`` is the mean over all units of a row. With ``noise``, a hyperparameter,
    the model sees :math:`x + s\,\epsilon`, :math:`\epsilon \sim N(0, 1)`, in training and must give the clean x; None leaves that out.
    ``predict`` gives the reconstruction of each row, in the shape of x; with ``BinaryCrossEntropy``, for x in [0, 1], its probabilities.
    Source of the denoising autoencoder: Vincent et al. 2008.

    >>> import jaxnn, numpy as np, optax
    >>> from jaxnn.layers import Autoencoder, Dense
    >>> x = np.outer(np.linspace(-1, 1, 32), [1.0, 2.0, -1.0]).astype(np.float32)
    >>> task = Reconstruction(Autoencoder(Dense(1), Dense(3)))
    >>> run = jaxnn.fit(jaxnn.Recipe(task, jaxnn.optimizer(optax.adam, learning_rate=0.05), epochs=100), (x, None))
    >>> run.evaluate(x, None)["loss"] < 1e-3
    True
    """

    model: Layer
    loss: Loss = SquaredError()
    noise: float | None = number(low=0, default=None)

    @property
    def draws(self) -> bool:
        return self.noise is not None or super().draws

    def init(self, key: Key, batch: Batch) -> Params:
        check_without_targets("Reconstruction", batch)
        params = self.model.init(key, batch.x)
        _check_reconstruction("Reconstruction", jax.eval_shape(self.model.apply, params, batch.x), batch.x, self.loss)
        return params

    def gradients(self, params: Params, batch: Batch, key: Key | None, engine: Engine) -> tuple[Metrics, Params]:
        noise_key, key = (None, None) if key is None else jax.random.split(key)
        seen = batch.x if self.noise is None else _noisy(batch.x, self.noise, noise_key)
        if engine == "autodiff":
            loss, gradients = jax.value_and_grad(self._objective)(params, seen, batch, key)
            return {"loss": loss}, gradients
        outputs, residuals = self.model.forward(params, seen, key)
        errors = self.loss.gradient(outputs, batch.x) * shares(batch.weight, outputs.ndim)
        gradients, _ = self.model.backward(params, residuals, errors)
        return {"loss": mean(self.loss.value(outputs, batch.x), batch.weight)}, gradients

    def evaluate(self, params: Params, batch: Batch) -> Metrics:
        return {"loss": self._objective(params, batch.x, batch, None)}

    def predict(self, params: Params, x: jax.Array) -> jax.Array:
        return _in_units_of_x(self.loss, self.model.apply(params, x))

    def compared(self, batch: Batch, predictions: Any) -> tuple[Any, Any, jax.Array]:
        return batch.x, predictions, batch.weight

    def check(self, x: Any, y: Any, predictions: Any) -> None:
        check_no_targets("Reconstruction", y)
        _check_shares("Reconstruction", self.loss, x)

    def _objective(self, params: Params, seen: jax.Array, batch: Batch, key: Key | None) -> jax.Array:
        return mean(self.loss.value(self.model.apply(params, seen, key), batch.x), batch.weight)


class Variational(Task):
    r"""A variational autoencoder: codes that reconstruct x and, over all rows, look like draws of N(0, 1). There is no y.

    Of a row: :math:`J = J_{rec} + \beta\,KL / n`, with :math:`J_{rec}` the loss between reconstruction and x, its mean over the n units of
    the row, :math:`KL = KL(q(z|x) \| N(0, 1)) = \frac12 \sum_j (e^{v_j} + \mu_j^2 - 1 - v_j)`, :math:`\beta` = ``kl``, a hyperparameter.
    **The convention**: J is the negative evidence lower bound *divided by n*, so that learning rates do not depend on the size
    of x. With kl = 1 it is exactly that for ``BinaryCrossEntropy`` (x in [0, 1]), and for ``SquaredError`` the one of a normal decoder with
    variance 1/2, up to a constant; another variance, s^2, is kl = 2 s^2. Derived in docs/derivations/autoencoder.md.

    Metrics: loss, reconstruction, and kl, which is the KL itself, in nats a row, not divided. Training draws codes; ``evaluate`` and
    ``predict`` (the reconstruction of each row) take their means. ``sample`` decodes draws of N(0, 1).
    Sources: Kingma and Welling 2014; for kl other than 1, Higgins et al. 2017.
    """

    model: VariationalAutoencoder
    loss: Loss = SquaredError()
    kl: float = number(low=0, default=1.0)

    @property
    def has_one_loss(self) -> bool:
        return False  # its KL is added

    def init(self, key: Key, batch: Batch) -> Params:
        check_without_targets("Variational", batch)
        if not isinstance(self.model, VariationalAutoencoder):
            raise TypeError(sentence("Variational", "model", "a VariationalAutoencoder", type(self.model).__name__))
        params = self.model.init(key, batch.x)
        outputs = jax.eval_shape(self.model.apply, params, batch.x)
        _check_reconstruction("Variational", outputs.reconstruction, batch.x, self.loss)
        return params

    def gradients(self, params: Params, batch: Batch, key: Key | None, engine: Engine) -> tuple[Metrics, Params]:
        if engine == "autodiff":
            (_, metrics), gradients = jax.value_and_grad(self._objective, has_aux=True)(params, batch, key)
            return metrics, gradients
        outputs, residuals = self.model.forward(params, batch.x, key)
        gradients, _ = self.model.backward(params, residuals, self._errors(outputs, batch))
        return self._measure(outputs, batch), gradients

    def evaluate(self, params: Params, batch: Batch) -> Metrics:
        return self._measure(self.model.apply(params, batch.x), batch)

    def predict(self, params: Params, x: jax.Array) -> jax.Array:
        return _in_units_of_x(self.loss, self.model.apply(params, x).reconstruction)

    def sample(self, params: Params, key: Any, rows: int) -> jax.Array:
        """New rows, (rows, ...) as x: what codes drawn from N(0, 1) stand for. key: a seed or a JAX random key."""
        code = jax.random.normal(typed_key(key, "sample"), (rows, self.model.latent), float_dtype(params))
        return _in_units_of_x(self.loss, self.model.decode(params, code))

    def compared(self, batch: Batch, predictions: Any) -> tuple[Any, Any, jax.Array]:
        return batch.x, predictions, batch.weight

    def check(self, x: Any, y: Any, predictions: Any) -> None:
        check_no_targets("Variational", y)
        _check_shares("Variational", self.loss, x)

    def _objective(self, params: Params, batch: Batch, key: Key | None) -> tuple[jax.Array, Metrics]:
        metrics = self._measure(self.model.apply(params, batch.x, key), batch)
        return metrics["loss"], metrics

    def _measure(self, outputs: VariationalOutput, batch: Batch) -> Metrics:
        reconstruction = mean(self.loss.value(outputs.reconstruction, batch.x), batch.weight)
        kl = mean(_kl_to_standard_normal(outputs), batch.weight)
        return {"loss": reconstruction + self.kl / _units(batch.x) * kl, "reconstruction": reconstruction, "kl": kl}

    def _errors(self, outputs: VariationalOutput, batch: Batch) -> VariationalOutput:
        """dJ/d outputs: dKL/dmean = mean, dKL/dlog_variance = (exp(log_variance) - 1) / 2."""
        errors = self.loss.gradient(outputs.reconstruction, batch.x) * shares(batch.weight, batch.x.ndim)
        share = self.kl / _units(batch.x) * shares(batch.weight, 2)
        return VariationalOutput(errors, share * outputs.mean, share * jnp.expm1(outputs.log_variance) / 2)


def _check_reconstruction(where: str, outputs: Any, x: Any, loss: Loss) -> None:
    advice = "Write Variational(model) for a variational autoencoder." if isinstance(outputs, VariationalOutput) else ""
    check_output(where, outputs, advice)
    if outputs.shape[1:] != x.shape[1:]:
        raise ValueError(sentence(where, "the model's output", f"of the shape of x, {x.shape}", f"shape {outputs.shape}"))
    jax.eval_shape(loss.value, outputs, x)  # a loss refuses what it can't compare


def _noisy(x: jax.Array, spread: Any, key: Key | None) -> jax.Array:
    return x if key is None else x + spread * jax.random.normal(key, x.shape, x.dtype)


def _kl_to_standard_normal(outputs: VariationalOutput) -> jax.Array:
    return (jnp.expm1(outputs.log_variance) + jnp.square(outputs.mean) - outputs.log_variance).sum(axis=1) / 2


def _units(x: jax.Array) -> int:
    return math.prod(x.shape[1:])


def _in_units_of_x(loss: Loss, outputs: jax.Array) -> jax.Array:
    return jax.nn.sigmoid(outputs) if isinstance(loss, BinaryCrossEntropy) else outputs


def _check_shares(where: str, loss: Loss, x: Any) -> None:
    """Cross-entropy is between probabilities: of anything else it has no lowest value."""
    if isinstance(loss, BinaryCrossEntropy) and (x.min() < 0 or x.max() > 1):
        advice = "Scale it, for instance x / 255."
        raise ValueError(sentence(where, "x", "from 0 to 1 with BinaryCrossEntropy", f"{x.min():g} to {x.max():g}", advice))
