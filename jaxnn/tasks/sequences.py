"""What comes next: tokens learned from those before them, and sequences generated token by token."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import check_whole, sentence
from jaxnn.keys import typed_key
from jaxnn.layers import Layer
from jaxnn.layers.base import check_array
from jaxnn.layers.sequences import as_sequences, cotangent_of, values_of, within
from jaxnn.losses import Loss, SoftmaxCrossEntropy
from jaxnn.tasks.base import Engine, Task, mean, shares
from jaxnn.typing import Batch, Key, Metrics, Params, Sequences

NOT_COUNTED = -1
"""The target of a step that is neither learned nor measured."""


class NextToken(Task):
    r"""At each step, which token is next: softmax cross-entropy, its mean over the tokens that count.

    x (rows, time) whole numbers, or Sequences(values, lengths) of them. Without y, the targets are x one step on: the model sees
    x[:, :-1] and learns x[:, 1:], within each row's length. With y (rows, time) whole numbers, the model sees x and learns y; steps
    where y is -1 do not count. The model gives logits (rows, time, tokens), as an array or as Sequences, and must not look ahead.
    x may be a tuple whose last part is all this, for instance (source, target) of ``models.seq2seq``: the rest is seen as it is.

    A token counts as its row does, so ``total`` is their number where all weights are 1; a batch without any leaves things as they
    are. Metrics: loss, in nats a token, and accuracy. Perplexity, exp(loss), is no mean over tokens: a recipe asks for it by ``metrics``.
    ``predict`` gives p(next token) at each step of x, (rows, time, tokens); ``generate`` goes on from a prompt. Derived in
    docs/derivations/next_token.md.

    >>> import jax, jax.numpy as jnp
    >>> from jaxnn.layers import Chain, Dense, Embedding
    >>> task, x = NextToken(Chain((Embedding(5, 3), Dense(5)))), jnp.array([[0, 1, 2, 3, 4]])
    >>> params = task.init(jax.random.key(0), Batch(x, None, jnp.ones(1)))
    >>> task.predict(params, x).shape, float(task.total(Batch(x, None, jnp.ones(1))))
    ((1, 5, 5), 4.0)
    """

    model: Layer
    loss: Loss = SoftmaxCrossEntropy()

    def init(self, key: Key, batch: Batch) -> Params:
        _check_tokens("NextToken", batch)
        steps = _steps(batch)
        params = self.model.init(key, steps.seen)
        logits = values_of(jax.eval_shape(self.model.apply, params, steps.seen))
        if logits.shape[:-1] != steps.wanted.shape or logits.shape[-1] < 2:
            expected = f"of shape (batch, time, tokens >= 2), here {steps.wanted.shape} by tokens"
            raise ValueError(sentence("NextToken", "the model's output", expected, f"shape {logits.shape}", "Let it return all steps."))
        jax.eval_shape(self.loss.value, logits, steps.wanted)  # a loss refuses what it can't compare
        return params

    def gradients(self, params: Params, batch: Batch, key: Key | None, engine: Engine) -> tuple[Metrics, Params]:
        steps = _steps(batch)
        if engine == "autodiff":
            loss, gradients = jax.value_and_grad(self._objective)(params, steps, key)
            return {"loss": loss}, gradients
        outputs, residuals = self.model.forward(params, steps.seen, key)
        errors = self.loss.gradient(values_of(outputs), steps.wanted) * shares(steps.weight)[..., None]
        gradients, _ = self.model.backward(params, residuals, cotangent_of(outputs, jnp.where(steps.counted[..., None], errors, 0)))
        return {"loss": self._mean(self.loss.value(values_of(outputs), steps.wanted), steps)}, gradients

    def evaluate(self, params: Params, batch: Batch) -> Metrics:
        steps = _steps(batch)
        logits = values_of(self.model.apply(params, steps.seen))
        right = (jnp.argmax(logits, axis=-1).astype(jnp.int32) == steps.wanted).astype(logits.dtype)
        return {"loss": self._mean(self.loss.value(logits, steps.wanted), steps), "accuracy": self._mean(right, steps)}

    def predict(self, params: Params, x: Any) -> jax.Array:
        return jax.nn.softmax(values_of(self.model.apply(params, x)), axis=-1)

    def total(self, batch: Batch) -> jax.Array:
        return _steps(batch).weight.sum()

    def compared(self, batch: Batch, predictions: Any) -> tuple[Any, Any, jax.Array]:
        """Tokens one by one, (rows * steps,); one that does not count is the first that does, with a weight of 0."""
        steps = _steps(batch)
        wanted, weight = steps.wanted.reshape(-1), steps.weight.reshape(-1)
        predictions = predictions[:, : steps.wanted.shape[1]].reshape(len(wanted), -1)
        counted = steps.counted.reshape(-1)
        places = jnp.where(counted, jnp.arange(len(wanted)), jnp.argmax(counted))
        return wanted[places], predictions[places], weight

    def check(self, x: Any, y: Any, predictions: Any) -> None:
        time, tokens = predictions.shape[1:]
        if y is None:
            expected = f"whole numbers from 0 to {tokens - 1}, of which the model has an output each"
            _check_range("x", _own_steps(_parts(x)[1]), 0, expected, tokens)
            return
        expected = f"of shape (rows, {time}), whole numbers from -1, which does not count, to {tokens - 1}"
        if y.ndim != 2 or y.shape[1] != time or not np.issubdtype(y.dtype, np.integer):
            raise ValueError(sentence("NextToken", "y", expected, f"{y.dtype} of shape {y.shape}"))
        _check_range("y", y, NOT_COUNTED, expected, tokens)
        if y.max() == NOT_COUNTED:
            raise ValueError(sentence("NextToken", "y", "a token that counts at least", "-1 everywhere"))

    def _objective(self, params: Params, steps: "_Steps", key: Key | None) -> jax.Array:
        return self._mean(self.loss.value(values_of(self.model.apply(params, steps.seen, key)), steps.wanted), steps)

    def _mean(self, values: jax.Array, steps: "_Steps") -> jax.Array:
        return mean(jnp.where(steps.counted, values, 0), steps.weight)  # NaN times a weight of 0 would be NaN


def generate(task: NextToken, params: Params, prompt: Any, *, steps: int, key: Any, temperature: Any = 1.0) -> jax.Array:
    r"""The prompt and `steps` tokens more, each drawn from the model's distribution after those before it: (rows, time + steps).

    prompt (rows, time >= 1) whole numbers, or a tuple that ends in them, as x of ``NextToken``. key: a seed or a JAX random key.
    p ~ exp(logits / temperature): 1 is the model's own, towards 0 the likeliest token is surer, at 0 certain. Each step runs the model
    over the whole sequence, of which it must not look ahead; what stands behind the last token is 0. Pure: it can be jitted with
    static ``steps``, and mapped. Raises ValueError for steps < 1, a negative temperature and another shape of prompt, TypeError for
    one that is not whole numbers, and for what is no key.
    """
    context, prompt = _parts(prompt)
    _check_prompt(prompt, steps, temperature)
    key = typed_key(key, "generate")
    prompt = jnp.asarray(prompt).astype(jnp.int32)  # a narrower dtype may not hold every token
    time, params = prompt.shape[1], jax.tree.map(jnp.asarray, params)  # those of a Run are NumPy's

    def step(tokens: jax.Array, scanned: Any) -> tuple[jax.Array, None]:
        at, step_key = scanned
        logits = jax.lax.dynamic_index_in_dim(values_of(task.model.apply(params, _joined(context, tokens))), at - 1, axis=1, keepdims=False)
        noise = jax.random.gumbel(step_key, logits.shape, logits.dtype)
        chosen = jnp.argmax(logits + jnp.asarray(temperature, logits.dtype) * noise, axis=-1)
        return tokens.at[:, at].set(chosen.astype(tokens.dtype)), None

    places = jnp.arange(time, time + steps, dtype=jnp.int32)
    return jax.lax.scan(step, jnp.pad(jnp.asarray(prompt), ((0, 0), (0, steps))), (places, jax.random.split(key, steps)))[0]


class _Steps(NamedTuple):
    """What the model sees, and for each step the token wanted, whether it counts, and how much, (rows, time) all three."""

    seen: Any
    wanted: jax.Array
    counted: jax.Array
    weight: jax.Array


def _steps(batch: Batch) -> _Steps:
    context, tokens = _parts(batch.x)
    values, lengths, _ = as_sequences(tokens)
    if batch.y is None:
        seen, wanted = values[:, :-1], values[:, 1:].astype(jnp.int32)
        counted = jnp.ones(wanted.shape, bool)
        lengths = None if lengths is None else lengths - 1
    else:
        seen, wanted = values, batch.y.astype(jnp.int32)
        counted = wanted != NOT_COUNTED
    if lengths is not None:
        counted &= within(lengths, wanted.shape[1])
    if isinstance(tokens, Sequences):
        seen = tokens._replace(values=seen, lengths=None if lengths is None else jnp.maximum(lengths, 1))
    weight = jnp.where(counted, batch.weight[:, None], 0)
    return _Steps(_joined(context, seen), jnp.where(counted, wanted, 0), counted, weight)


def _parts(x: Any) -> tuple[tuple[Any, ...] | None, Any]:
    """What is only seen, None where x is no tuple, and the tokens."""
    return (x[:-1], x[-1]) if isinstance(x, tuple) and x and not isinstance(x, Sequences) else (None, x)


def _joined(context: tuple[Any, ...] | None, tokens: Any) -> Any:
    return tokens if context is None else (*context, tokens)


def _own_steps(x: Any) -> np.ndarray:
    """The numbers that rows really have, without what they are filled up with."""
    values, lengths, _ = as_sequences(x)
    return values if lengths is None else values[np.asarray(within(lengths, values.shape[1]))]


def _check_range(argument: str, values: Any, low: int, expected: str, tokens: int) -> None:
    if values.min() < low or values.max() >= tokens:
        raise ValueError(sentence("NextToken", argument, expected, f"{values.min()} to {values.max()}"))


def _check_tokens(where: str, batch: Batch) -> None:
    values = values_of(_parts(batch.x)[1])
    check_array(where, values)
    if not jnp.issubdtype(values.dtype, jnp.integer):
        advice = "Number the tokens from 0, for instance by numpy.unique(tokens, return_inverse=True)."
        raise TypeError(sentence(where, "x", "whole numbers", f"dtype {values.dtype}", advice))
    least = 2 if batch.y is None else 1
    if len(values.shape) != 2 or values.shape[1] < least:
        raise ValueError(sentence(where, "x", f"of shape (rows, time >= {least})", f"shape {values.shape}"))
    if batch.y is not None and batch.y.shape != values.shape:
        raise ValueError(sentence(where, "y", f"of the shape of x, {values.shape}, or None", f"shape {batch.y.shape}"))


def _check_prompt(prompt: Any, steps: int, temperature: Any) -> None:
    check_whole("generate", "steps", steps, low=1)
    if not hasattr(prompt, "dtype") or not jnp.issubdtype(prompt.dtype, jnp.integer):
        raise TypeError(sentence("generate", "prompt", "an array of whole numbers", getattr(prompt, "dtype", type(prompt).__name__)))
    if prompt.ndim != 2 or prompt.shape[1] < 1:
        raise ValueError(sentence("generate", "prompt", "of shape (rows, time >= 1)", f"shape {prompt.shape}"))
    if not isinstance(temperature, jax.core.Tracer) and temperature < 0:
        raise ValueError(sentence("generate", "temperature", ">= 0", temperature))
