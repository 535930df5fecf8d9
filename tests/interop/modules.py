"""One small network in five libraries: dense, batch norm where the library has it, dropout, dense; and each without state."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import haiku as hk
import jax
import jax.numpy as jnp
from flax import linen, nnx

from jaxnn.interop import from_equinox, from_flax, from_haiku, from_nnx, from_pair
from jaxnn.interop.base import Module
from tests.samples import CLASSES, WIDTH

HIDDEN, RATE, MOMENTUM = 5, 0.25, 0.8


class LinenNet(linen.Module):
    hidden: int = HIDDEN
    rate: float = 0.0

    @linen.compact
    def __call__(self, x, train: bool):
        x = jnp.tanh(linen.Dense(self.hidden)(x))
        x = linen.BatchNorm(use_running_average=not train, momentum=MOMENTUM)(x)
        x = linen.Dropout(self.rate, deterministic=not train)(x)
        return linen.Dense(CLASSES)(x)


class LinenPlain(linen.Module):
    hidden: int = HIDDEN

    @linen.compact
    def __call__(self, x):
        return linen.Dense(CLASSES)(jnp.tanh(linen.Dense(self.hidden)(x)))


class NNXNet(nnx.Module):
    def __init__(self, rngs, rate=0.0):
        self.first = nnx.Linear(WIDTH, HIDDEN, rngs=rngs)
        self.norm = nnx.BatchNorm(HIDDEN, momentum=MOMENTUM, rngs=rngs)
        self.drop = nnx.Dropout(rate, rngs=rngs)
        self.last = nnx.Linear(HIDDEN, CLASSES, rngs=rngs)

    def __call__(self, x):
        return self.last(self.drop(self.norm(jnp.tanh(self.first(x)))))


class NNXPlain(nnx.Module):
    def __init__(self, rngs):
        self.first, self.last = nnx.Linear(WIDTH, HIDDEN, rngs=rngs), nnx.Linear(HIDDEN, CLASSES, rngs=rngs)

    def __call__(self, x):
        return self.last(jnp.tanh(self.first(x)))


class EquinoxNet(eqx.Module):
    first: eqx.nn.Linear
    norm: eqx.nn.BatchNorm
    drop: eqx.nn.Dropout
    last: eqx.nn.Linear

    def __init__(self, key, rate=0.0):
        one, two = jax.random.split(key)
        self.first, self.last = eqx.nn.Linear(WIDTH, HIDDEN, key=one), eqx.nn.Linear(HIDDEN, CLASSES, key=two)
        self.norm = eqx.nn.BatchNorm(HIDDEN, "batch", momentum=MOMENTUM, mode="batch")
        self.drop = eqx.nn.Dropout(rate)

    def __call__(self, x, state, key=None):
        x, state = self.norm(jnp.tanh(self.first(x)), state)
        return self.last(self.drop(x, key=key)), state


def equinox_net(key):
    return eqx.nn.make_with_state(EquinoxNet)(key)


def equinox_noisy(key):
    return eqx.nn.make_with_state(EquinoxNet)(key, RATE)


def equinox_plain(key):
    return eqx.nn.MLP(WIDTH, CLASSES, HIDDEN, 1, key=key)


def nnx_noisy(rngs):
    return NNXNet(rngs, RATE)


def haiku_function(rate: float) -> Callable[..., Any]:
    def net(x, is_training):
        x = jnp.tanh(hk.Linear(HIDDEN)(x))
        x = hk.BatchNorm(create_scale=True, create_offset=True, decay_rate=MOMENTUM)(x, is_training)
        if is_training and rate:
            x = hk.dropout(hk.next_rng_key(), rate, x)
        return hk.Linear(CLASSES)(x)

    return net


LINEN = LinenNet()
HAIKU, HAIKU_NOISY = (hk.transform_with_state(haiku_function(rate)) for rate in (0.0, RATE))
HAIKU_PLAIN = hk.transform(lambda x: hk.Linear(CLASSES)(jnp.tanh(hk.Linear(HIDDEN)(x))))


def pair_init(key, x):
    first, last = jax.random.split(key)
    learned = {"first": 0.5 * jax.random.normal(first, (WIDTH, HIDDEN)), "last": 0.5 * jax.random.normal(last, (HIDDEN, CLASSES))}
    return learned, {"mean": jnp.zeros(HIDDEN), "steps": jnp.zeros((), jnp.int32)}


def pair_apply(learned, state, x, key):
    """Centred by a running mean, or in training by the batch's, and noisy; the first step counts whole."""
    hidden = jnp.tanh(x @ learned["first"])
    mean = state["mean"] if key is None else hidden.mean(axis=0)
    share = jnp.where(state["steps"] == 0, 1.0, 1 - MOMENTUM)
    left = {"mean": (1 - share) * state["mean"] + share * mean, "steps": state["steps"] + 1}
    return (hidden - mean) @ learned["last"], left


def plain_init(key, x):
    return pair_init(key, x)[0]


def plain_apply(learned, x):
    return jnp.tanh(x @ learned["first"]) @ learned["last"]


STATEFUL: dict[str, Callable[[], Module]] = {
    "flax": lambda: from_flax(LINEN, train="train"),
    "nnx": lambda: from_nnx(NNXNet),
    "equinox": lambda: from_equinox(equinox_net),
    "haiku": lambda: from_haiku(HAIKU, train="is_training"),
    "pair": lambda: from_pair(pair_init, pair_apply, state=True),
}
NOISY: dict[str, Callable[[], Module]] = {
    "flax": lambda: from_flax(LinenNet(rate=RATE), train="train"),
    "nnx": lambda: from_nnx(nnx_noisy),
    "equinox": lambda: from_equinox(equinox_noisy),
    "haiku": lambda: from_haiku(HAIKU_NOISY, train="is_training"),
}
PLAIN: dict[str, Callable[[], Module]] = {
    "flax": lambda: from_flax(LinenPlain()),
    "nnx": lambda: from_nnx(NNXPlain),
    "equinox": lambda: from_equinox(equinox_plain),
    "haiku": lambda: from_haiku(HAIKU_PLAIN),
    "pair": lambda: from_pair(plain_init, plain_apply),
}
NAMES: dict[str, Any] = {
    "linen_net": LINEN,
    "NNXNet": NNXNet,
    "equinox_net": equinox_net,
    "haiku_init": HAIKU.init,
    "haiku_apply": HAIKU.apply,
    "pair_init": pair_init,
    "pair_apply": pair_apply,
}
