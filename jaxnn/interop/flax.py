"""Flax Linen modules as layers."""

from typing import Any

import jax

from jaxnn.checks import sentence
from jaxnn.interop.base import Module, check_structure, needed
from jaxnn.records import static
from jaxnn.typing import Key

TRUE_IN_EVALUATION = ("deterministic", "use_running_average")
"""Flags that are True where others are False."""


class FlaxModule(Module):
    """What ``from_flax`` returns."""

    maker = "from_flax"

    module: Any = static()
    train: str | None = static(default=None)
    rngs: tuple[str, ...] = static(default=("dropout",))
    draws: bool = static(default=False)

    def make(self, key: Key, x: Any) -> tuple[Any, Any]:
        names = ("params", *self.rngs)
        rngs = dict(zip(names, jax.random.split(key, len(names)), strict=True))
        variables = self.module.init(rngs, x, **self._mode(training=False))
        return variables.get("params", {}), {name: values for name, values in variables.items() if name != "params"}

    def run(self, learned: Any, state: Any, x: Any, key: Key | None) -> tuple[Any, Any]:
        variables = {"params": learned, **(state or {})}
        if key is None:
            return self.module.apply(variables, x, **self._mode(training=False)), state
        keys = [key] if len(self.rngs) == 1 else jax.random.split(key, len(self.rngs))
        options = self._mode(training=True) | {"rngs": dict(zip(self.rngs, keys, strict=True))}
        if not state:
            return self.module.apply(variables, x, **options), state
        y, left = self.module.apply(variables, x, mutable=list(state), **options)
        return y, state | left

    def _mode(self, *, training: bool) -> dict[str, Any]:
        return {} if self.train is None else {self.train: training != (self.train in TRUE_IN_EVALUATION)}


def from_flax(module: Any, *, train: str | None = None, rngs: tuple[str, ...] = ("dropout",), draws: bool | None = None) -> FlaxModule:
    """A Flax Linen module as a layer.

    train: the argument of its ``__call__`` that tells training from evaluation, for instance "train"; "deterministic" and
    "use_running_average" are known to be the other way round. None if it has none. rngs: the names that it asks for random keys by in
    training. draws: whether it needs a key in training, for its random numbers or because it keeps a state; by default, where
    train is given. Collections other than "params", such as "batch_stats", are its state and travel as Buffers.

    The module is structure: equal modules share a program. In JSON it goes by a name, ``to_json(recipe, names={"net": module})``.
    Raises TypeError for what is no Linen module or holds what can't be hashed; in ``init`` ValueError for one that keeps a state
    and doesn't draw.

    >>> import jax.numpy as jnp
    >>> from flax import linen
    >>> layer = from_flax(linen.Dense(3))
    >>> layer, layer.init(jax.random.key(0), jnp.ones((1, 2)))["kernel"].shape
    (from_flax(Dense(features=3)), (2, 3))
    """
    linen = needed("flax.linen", "from_flax")
    if not isinstance(module, linen.Module):
        advice = "Write from_flax(MLP(features=8)); from_nnx is for modules of nnx."
        raise TypeError(sentence("from_flax", "module", "a Linen module, made and not yet bound", repr(module)[:60], advice))
    check_structure("from_flax", "module", module)
    return FlaxModule(module, train, tuple(rngs), train is not None if draws is None else draws)
