"""Two networks against each other, trained at the same time: generative adversarial networks."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp

from jaxnn.checks import check_whole, sentence
from jaxnn.keys import typed_key
from jaxnn.layers import Layer
from jaxnn.losses import BinaryCrossEntropy, Loss
from jaxnn.records import number, static
from jaxnn.tasks.base import Engine, Task, check_no_targets, check_without_targets, float_dtype, mean, shares
from jaxnn.tasks.penalty import add_penalty, penalty, penalty_by_hand, penalty_by_jax
from jaxnn.typing import Batch, Key, Metrics, Params

Objective = Literal["non_saturating", "wasserstein"]
"""What the discriminator is asked: how likely it is that a row is real, or to score real rows above others."""


class Adversarial(Task):
    r"""A generator makes rows from random numbers z; a discriminator tells them from real ones; each learns by the other. There is no y.

    Shapes: z (rows, latent) ~ N(0, 1); generator(z) as x; discriminator(x) (rows, 1), o. The parameters are {"generator",
    "discriminator"}, and so are the gradients: two gradient fields at the same point, each of its own loss, from one pass of
    real and generated rows through the discriminator. Means are weighted as the batch's rows are.

    "non_saturating" (Goodfellow et al. 2014): the discriminator descends :math:`\overline{-\ln p(x)} + \overline{-\ln(1 - p(G(z)))}`, p =
    sigmoid(o), a sum without 1/2; the generator descends :math:`\overline{-\ln p(G(z))}`. ``label_smoothing`` s, a hyperparameter,
    makes the truth of real rows 1 - s, and leaves the generated ones (Salimans et al. 2016). "wasserstein" (Arjovsky et al. 2017):
    :math:`\overline{o(G(z))} - \overline{o(x)}` and :math:`-\overline{o(G(z))}`.

    ``penalty`` c, a hyperparameter, adds :math:`c\,\overline{(\|\nabla_{\hat x} o(\hat x)\|_2 - 1)^2}` to the discriminator's loss, with
    :math:`\hat x = u x + (1 - u) G(z)`, u uniform for each row (Gulrajani et al. 2017, where c = 10), the discriminator without
    dropout and the like. None leaves it out. Derived in docs/derivations/adversarial.md.

    Metrics: loss (the discriminator's, with penalty), generator_loss, real_score and fake_score (mean p, or o for "wasserstein").
    Neither loss falling is a sign of success: look at samples. ``evaluate`` draws z and u by one fixed key, the same in every epoch.
    ``predict`` gives, for each row, the probability that it is real, or its score. ``sample`` makes rows. Give each network its
    optimizer by ``optimizers(generator=..., discriminator=...)``; unequal learning rates take the place of unequal steps.
    """

    generator: Layer
    discriminator: Layer
    latent: int = static()
    objective: Objective = static(default="non_saturating")
    penalty: float | None = number(low=0, default=None)
    label_smoothing: float | None = number(low=0, high=1, open_high=True, default=None)

    def __post_init__(self) -> None:
        check_whole("Adversarial", "latent", self.latent, low=1)
        if self.objective not in get_args(Objective):
            raise ValueError(sentence("Adversarial", "objective", " or ".join(map(repr, get_args(Objective))), repr(self.objective)))
        if self.label_smoothing is not None and self.objective != "non_saturating":
            raise ValueError(sentence("Adversarial", "label_smoothing", "None where there are no labels", self.label_smoothing))

    @property
    def draws(self) -> bool:
        return True

    def init(self, key: Key, batch: Batch) -> Params:
        check_without_targets("Adversarial", batch)
        generator_key, discriminator_key = jax.random.split(key)
        latent = jax.ShapeDtypeStruct((batch.x.shape[0], self.latent), batch.x.dtype)
        generator = self.generator.init(generator_key, latent)
        fake = jax.eval_shape(self.generator.apply, generator, latent)
        if fake.shape != batch.x.shape:
            raise ValueError(
                sentence("Adversarial", "the generator's output", f"of the shape of x, {batch.x.shape}", f"shape {fake.shape}")
            )
        discriminator = self.discriminator.init(discriminator_key, fake)
        scores = jax.eval_shape(self.discriminator.apply, discriminator, fake)
        if scores.shape != (fake.shape[0], 1):
            raise ValueError(sentence("Adversarial", "the discriminator's output", "of shape (batch, 1)", f"shape {scores.shape}"))
        return {"generator": generator, "discriminator": discriminator}

    def gradients(self, params: Params, batch: Batch, key: Key | None, engine: Engine) -> tuple[Metrics, Params]:
        draws = self._draws(batch, key)
        game = (_by_jax if engine == "autodiff" else _by_hand)(self, params, batch.x, draws)
        share = shares(batch.weight)
        discriminator, generator = (game.backward(errors) for errors in self._errors(game.scores, share, engine))
        fields = {"generator": generator["generator"], "discriminator": discriminator["discriminator"]}
        metrics = self._measure(game.scores, batch.weight)
        if self.penalty is None:
            return metrics, fields
        penalised = penalty_by_jax if engine == "autodiff" else penalty_by_hand
        value, field = penalised(self.discriminator, params["discriminator"], draws.between(batch.x, game.fake), share)
        fields["discriminator"] = add_penalty(fields["discriminator"], field, self.penalty)
        return metrics | {"loss": metrics["loss"] + self.penalty * value}, fields

    def evaluate(self, params: Params, batch: Batch) -> Metrics:
        draws = self._draws(batch, None)
        fake = self.generator.apply(params["generator"], draws.latent)
        metrics = self._measure(self.discriminator.apply(params["discriminator"], jnp.concatenate([batch.x, fake])), batch.weight)
        if self.penalty is None:
            return metrics
        share = shares(batch.weight)
        value = penalty(params["discriminator"], self.discriminator, draws.between(batch.x, fake), share)
        return metrics | {"loss": metrics["loss"] + self.penalty * value}

    def predict(self, params: Params, x: jax.Array) -> jax.Array:
        return self._shown(self.discriminator.apply(params["discriminator"], x)[:, 0])

    def sample(self, params: Params, key: Any, rows: int) -> jax.Array:
        """New rows, (rows, ...) as x, drawn by a seed or a JAX random key."""
        latent = jax.random.normal(typed_key(key, "sample"), (rows, self.latent), float_dtype(params["generator"]))
        return self.generator.apply(params["generator"], latent)

    def check(self, x: Any, y: Any, predictions: Any) -> None:
        check_no_targets("Adversarial", y)

    def _draws(self, batch: Batch, key: Key | None) -> "_Draws":
        """All that a step draws; without a key the layers draw nothing, and z and u are always the same ones."""
        fixed = jax.random.split(jax.random.key(0), 2)
        latent_key, mix_key, *layer_keys = (*fixed, None, None) if key is None else jax.random.split(key, 4)
        rows, dtype = batch.x.shape[0], batch.x.dtype
        latent = jax.random.normal(latent_key, (rows, self.latent), dtype)
        return _Draws(latent, jax.random.uniform(mix_key, (rows, *[1] * (batch.x.ndim - 1)), dtype), *layer_keys)

    def _truth(self, rows: int, dtype: Any) -> jax.Array:
        """What the discriminator should say: 1 (or 1 - s) of real rows, 0 of the generated rows after them, (2 rows,)."""
        real = 1.0 if self.label_smoothing is None else 1 - self.label_smoothing
        return jnp.concatenate([jnp.full(rows, real, dtype), jnp.zeros(rows, dtype)])

    def _losses(self, scores: jax.Array, share: jax.Array) -> tuple[jax.Array, jax.Array]:
        rows, loss = share.shape[0], OBJECTIVES[self.objective]
        discriminator = jnp.vdot(jnp.tile(share, 2), loss.value(scores, self._truth(rows, scores.dtype)))
        return discriminator, jnp.vdot(share, loss.value(scores[rows:], jnp.ones(rows, scores.dtype)))

    def _errors(self, scores: jax.Array, share: jax.Array, engine: Engine) -> tuple[jax.Array, jax.Array]:
        """d(discriminator's loss)/d scores and d(generator's loss)/d scores, (2 rows, 1) each."""
        if engine == "autodiff":
            return jax.jacrev(self._losses)(scores, share)
        rows, loss, weight = share.shape[0], OBJECTIVES[self.objective], share[:, None]
        discriminator = jnp.tile(weight, (2, 1)) * loss.gradient(scores, self._truth(rows, scores.dtype))
        generator = weight * loss.gradient(scores[rows:], jnp.ones(rows, scores.dtype))
        return discriminator, jnp.concatenate([jnp.zeros_like(generator), generator])

    def _measure(self, scores: jax.Array, weight: jax.Array) -> Metrics:
        loss, generator_loss = self._losses(scores, shares(weight))
        real, fake = jnp.split(self._shown(scores[:, 0]), 2)
        return {"loss": loss, "generator_loss": generator_loss, "real_score": mean(real, weight), "fake_score": mean(fake, weight)}

    def _shown(self, scores: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(scores) if self.objective == "non_saturating" else scores


class _Score(Loss):
    """J = (1 - 2 y) o: up where the truth is 1, down where it is 0."""

    def value(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return ((1 - 2 * y)[:, None] * outputs)[:, 0]

    def gradient(self, outputs: jax.Array, y: jax.Array) -> jax.Array:
        return (1 - 2 * y)[:, None]


OBJECTIVES: dict[str, Loss] = {"non_saturating": BinaryCrossEntropy(), "wasserstein": _Score()}
"""The loss between the discriminator's output and 1 for real, 0 for generated; the generator's is that of its rows to 1."""


class _Draws(NamedTuple):
    """z (rows, latent), u (rows, 1, ...), and the keys of the two networks."""

    latent: jax.Array
    mix: jax.Array
    generator: Key | None
    discriminator: Key | None

    def between(self, real: jax.Array, fake: jax.Array) -> jax.Array:
        """Points on the lines from each generated row to a real one."""
        return self.mix * real + (1 - self.mix) * fake


class _Game(NamedTuple):
    """One pass: scores (2 rows, 1) of real rows and generated ones, the generated rows, and the way back from scores to all parameters."""

    scores: jax.Array
    fake: jax.Array
    backward: Callable[[jax.Array], Params]


def _by_jax(task: Adversarial, params: Params, real: jax.Array, draws: _Draws) -> _Game:
    def play(params: Params) -> tuple[jax.Array, jax.Array]:
        fake = task.generator.apply(params["generator"], draws.latent, draws.generator)
        return task.discriminator.apply(params["discriminator"], jnp.concatenate([real, fake]), draws.discriminator), fake

    scores, pull, fake = jax.vjp(play, params, has_aux=True)
    return _Game(scores, fake, lambda errors: pull(errors)[0])


def _by_hand(task: Adversarial, params: Params, real: jax.Array, draws: _Draws) -> _Game:
    fake, of_generator = task.generator.forward(params["generator"], draws.latent, draws.generator)
    both = jnp.concatenate([real, fake])
    scores, of_discriminator = task.discriminator.forward(params["discriminator"], both, draws.discriminator)

    def backward(errors: jax.Array) -> Params:
        ddiscriminator, dboth = task.discriminator.backward(params["discriminator"], of_discriminator, errors)
        dgenerator, _ = task.generator.backward(params["generator"], of_generator, dboth[real.shape[0] :])
        return {"generator": dgenerator, "discriminator": ddiscriminator}

    return _Game(scores, fake, backward)
