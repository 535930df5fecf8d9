"""Flax NNX modules as layers."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.interop.base import Module, check_function, needed
from jaxnn.records import static
from jaxnn.typing import Key


class NNXModule(Module):
    """What ``from_nnx`` returns."""

    maker = "from_nnx"

    function: Callable[..., Any] = static()

    @property
    def draws(self) -> bool:
        _, _, random, state = self._parts()
        return bool(jax.tree.leaves((random, state)))

    def make(self, key: Key, x: Any) -> tuple[Any, Any]:
        nnx = needed("flax.nnx", self.maker)
        _, learned, _, state = nnx.split(self.function(nnx.Rngs(key)), nnx.Param, nnx.RngState, ...)
        return nnx.to_pure_dict(learned), nnx.to_pure_dict(state)

    def run(self, learned: Any, state: Any, x: Any, key: Key | None) -> tuple[Any, Any]:
        nnx = needed("flax.nnx", self.maker)
        module = self.module(learned, state, key)
        y = module(x)
        return y, nnx.to_pure_dict(nnx.split(module, nnx.Param, nnx.RngState, ...)[3])

    def module(self, learned: Any, state: Any, key: Key | None = None) -> Any:
        """The module with these numbers, as ``variables`` gives them; in training if a key is given, else in evaluation."""
        nnx = needed("flax.nnx", self.maker)
        graph, *parts = self._parts()
        random = _streams(nnx.to_pure_dict(parts[1]), jax.random.key(0) if key is None else key)
        for part, values in zip(parts, (learned, random, state or {}), strict=True):
            nnx.replace_by_pure_dict(part, values)
        module = nnx.merge(graph, *parts)
        if key is None:
            module.eval()
        else:
            module.train()
        return module

    def _parts(self) -> Any:
        """Graph and shapes: learned, random, state. A copy, for the shapes are filled in."""
        return jax.tree.map(lambda leaf: leaf, _parts(self.function, jax.config.jax_enable_x64))  # type: ignore[attr-defined]


@functools.lru_cache(maxsize=64)
def _parts(function: Callable[..., Any], x64: bool) -> Any:
    del x64  # shapes come with dtypes, which are others where JAX has 64 bits
    nnx = needed("flax.nnx", "from_nnx")
    return nnx.split(nnx.eval_shape(lambda: function(nnx.Rngs(0))), nnx.Param, nnx.RngState, ...)


def _streams(shapes: Any, key: Key) -> Any:
    """Random streams that begin anew: each its own key, each counter at 0."""
    leaves, structure = jax.tree.flatten(shapes)
    keys = [jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) for leaf in leaves]
    values = [
        jax.random.split(jax.random.fold_in(key, number), leaf.shape)
        if is_key and leaf.shape
        else jax.random.fold_in(key, number)
        if is_key
        else jnp.zeros(leaf.shape, leaf.dtype)
        for number, (leaf, is_key) in enumerate(zip(leaves, keys, strict=True))
    ]
    return jax.tree.unflatten(structure, values)


def from_nnx(make: Callable[..., Any]) -> NNXModule:
    """A Flax NNX module as a layer, from the function that makes it: ``make(rngs)``, rngs an ``nnx.Rngs``.

    ``nnx.Param`` are learned. Random streams are no state here: each training step gives them a new key. Every other variable, such
    as the ``nnx.BatchStat`` of a batch norm, is state and travels as Buffers. In training the module is in ``train()`` mode, in
    evaluation in ``eval()`` mode. ``layer.module(*layer.variables(run.params))`` is the trained module.

    The function is structure: hand in one with a name, or the class of a module whose only argument is rngs, rather than a fresh lambda
    each time. Raises TypeError for what can't be called.
    """
    needed("flax.nnx", "from_nnx")
    check_function("from_nnx", "make", make, "from_nnx(Network), or a function make(rngs) that returns a module")
    return NNXModule(make)
