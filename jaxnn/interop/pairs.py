"""Pairs of pure functions as layers, Haiku's among them."""

from collections.abc import Callable
from typing import Any

from jaxnn.checks import sentence
from jaxnn.interop.base import Module, check_function, in_words, needed
from jaxnn.records import static
from jaxnn.typing import Key


class Pair(Module):
    """What ``from_pair`` returns."""

    maker = "from_pair"

    initializer: Callable[..., Any] = static()
    function: Callable[..., Any] = static()
    state: bool = static(default=False)
    draws: bool = static(default=False)

    def make(self, key: Key, x: Any) -> tuple[Any, Any]:
        made = self.initializer(key, x)
        return made if self.state else (made, None)

    def run(self, learned: Any, state: Any, x: Any, key: Key | None) -> tuple[Any, Any]:
        arguments = (learned, state, x) if self.state else (learned, x)
        made = self.function(*arguments, *((key,) if self.draws else ()))
        if not self.state:
            return made, None
        y, left = made
        return y, state if key is None else left


class HaikuFunction(Module):
    """What ``from_haiku`` returns."""

    maker = "from_haiku"

    initializer: Callable[..., Any] = static()
    function: Callable[..., Any] = static()
    train: str | None = static(default=None)
    state: bool = static(default=False, repr=False)
    draws: bool = static(default=False)

    def make(self, key: Key, x: Any) -> tuple[Any, Any]:
        made = self.initializer(key, x, **self._mode(training=True))
        return made if self.state else (made, None)

    def run(self, learned: Any, state: Any, x: Any, key: Key | None) -> tuple[Any, Any]:
        options = self._mode(training=key is not None)
        if not self.state:
            return self.function(learned, key, x, **options), None
        y, left = self.function(learned, state or {}, key, x, **options)
        return y, state if key is None else left

    def _mode(self, *, training: bool) -> dict[str, Any]:
        return {} if self.train is None else {self.train: training}

    def _made_of(self) -> list[str]:
        return [in_words(getattr(self.initializer, "_original_fn", self.initializer))]


def from_pair(init: Callable[..., Any], apply: Callable[..., Any], *, state: bool = False, draws: bool = False) -> Pair:
    """A pair of functions as a layer: ``init(key, x) -> params`` and ``apply(params, x) -> y``, batch first.

    state: whether there is one besides: ``init(key, x) -> (params, state)``, ``apply(params, state, x, key) -> (y, state)``; what
    training steps leave travels as Buffers, and evaluation (key None) changes nothing. draws: whether apply is given a key, one for
    each step in training, None in evaluation; always so with a state. Raises TypeError for what can't be called.

    >>> import jax, jax.numpy as jnp
    >>> layer = from_pair(lambda key, x: {"gain": jnp.ones(x.shape[-1])}, lambda params, x: params["gain"] * x)
    >>> layer.init(jax.random.key(0), jnp.ones((4, 2)))["gain"].shape
    (2,)
    """
    check_function("from_pair", "init", init, "from_pair(init, apply)")
    check_function("from_pair", "apply", apply, "from_pair(init, apply)")
    return Pair(init, apply, state, draws or state)


def from_haiku(transformed: Any, *, train: str | None = None, draws: bool | None = None) -> HaikuFunction:
    """What ``hk.transform`` or ``hk.transform_with_state`` returns, of a function of x, as a layer.

    train: the argument that tells training from evaluation, for instance "is_training"; None if it has none. draws: whether it
    needs a key in training; by default where train is given, and always with a state. In evaluation its rng is None. Haiku's
    state travels as Buffers, its counters as floats. Not for ``hk.without_apply_rng``.

    Its two functions are structure: keep what was transformed, and hand in the same again. In JSON they go by names,
    ``names={"net_init": transformed.init, "net_apply": transformed.apply}``. Raises TypeError for anything else, ImportError without
    dm-haiku.
    """
    hk = needed("haiku", "from_haiku")
    if not isinstance(transformed, hk.Transformed | hk.TransformedWithState):
        advice = "Write from_haiku(hk.transform(function))."
        raise TypeError(sentence("from_haiku", "transformed", "what hk.transform returns", repr(transformed)[:60], advice))
    state = isinstance(transformed, hk.TransformedWithState)
    own = train is not None if draws is None else draws
    return HaikuFunction(transformed.init, transformed.apply, train, state, own or state)
