"""Sequences written from sequences, token by token."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import check_whole, sentence
from jaxnn.layers import Chain, EncoderDecoder, Parallel
from jaxnn.tasks.sequences import NextToken
from jaxnn.typing import Params


def translate(task: NextToken, params: Params, source: Any, *, start: int, steps: int, end: int | None = None) -> jax.Array:
    """What the model of ``models.seq2seq`` writes for each source: the likeliest token, then the likeliest after that, (rows, steps).

    source (rows, time) whole numbers, or Sequences of them with lengths. start: the token that every target began with in training; it
    is not among what is returned. end: the token that ends a target; behind it a row has nothing but this. The source is read once,
    and each step goes on from the states that the one before has left. Pure: it can be jitted with static ``start``, ``steps``
    and ``end``. Raises TypeError for another kind of model, ValueError for steps < 1.

    >>> import jax, jax.numpy as jnp
    >>> from jaxnn import NextToken, models
    >>> task, source = NextToken(models.seq2seq(9, 5, (4,))), jnp.ones((3, 7), int)
    >>> params = task.model.init(jax.random.key(0), (source, source))
    >>> translate(task, params, source, start=0, steps=6).shape
    (3, 6)
    """
    model = _checked(task)
    check_whole("translate", "steps", steps, low=1)
    params, source = jax.tree.map(jnp.asarray, (params, source))  # a run's are NumPy's

    def step(carry: Any, _: None) -> tuple[Any, jax.Array]:
        token, states = carry
        logits, states = _write(model, params, states, token)
        chosen = jnp.argmax(logits, axis=-1).astype(jnp.int32)
        if end is not None:
            chosen = jnp.where(token == end, end, chosen)
        return (chosen, states), chosen

    first = jnp.full(jax.tree.leaves(source)[0].shape[0], start, jnp.int32)
    return jax.lax.scan(step, (first, _read(model, params, source)), length=steps)[1].swapaxes(0, 1)


def _read(model: Chain, params: Params, source: Any) -> tuple[Any, ...]:
    """The state that each level ends the source with; what follows the last of them looks at the target alone."""
    states = []
    for layer, own in zip(model.layers, params, strict=True):
        if isinstance(layer, Parallel):
            source = layer.layers[0].apply(own[0], source)
        if isinstance(layer, EncoderDecoder):
            source, state = layer.encode(own, source)
            states.append(state)
    return tuple(states)


def _write(model: Chain, params: Params, states: tuple[Any, ...], token: jax.Array) -> tuple[jax.Array, tuple[Any, ...]]:
    """Log odds (rows, tokens) of what follows the token, and the states of all levels after it."""
    x, rest, after = token[:, None], iter(states), []
    for layer, own in zip(model.layers, params, strict=True):
        if isinstance(layer, EncoderDecoder):
            x, state = layer.decode(own, next(rest), x)
            after.append(state)
        else:
            x = layer.layers[1].apply(own[1], x) if isinstance(layer, Parallel) else layer.apply(own, x)
    return x[:, 0], tuple(after)


def _checked(task: Any) -> Chain:
    model = getattr(task, "model", None)
    if not isinstance(model, Chain) or not any(isinstance(layer, EncoderDecoder) for layer in model.layers):
        got = type(task).__name__ if model is None else f"one of {type(model).__name__}"
        raise TypeError(sentence("translate", "task", "a NextToken with a model made as in seq2seq(...)", got))
    return model
