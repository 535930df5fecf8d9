"""A task and an optimizer that tell what they compute while a step is taken; to be used where nothing is jitted."""

import dataclasses
from collections.abc import Callable
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxnn.layers import Layer
from jaxnn.optimizers import Optimizer
from jaxnn.parts import Optimizers
from jaxnn.records import Record, static
from jaxnn.tasks import Engine, Task
from jaxnn.typing import Batch, Key, Metrics, Params
from jaxnn.watching import Call, Pull, watched_inside

See = Callable[[str, str, Any], None]
"""(quantity, layer, arrays)."""
SeeParams = Callable[[str, Params], None]
"""(quantity, a tree like the parameters)."""


class WatchedTask(Task):
    """The task, which tells ``see`` of the outputs of layers, of the loss and of what backward rules make of cotangents that are finite,
    ``see_params`` of gradients, ``name`` of layers' names.

    Names go from a place in the parameters to the path of the innermost layer that is called with them. The layers are watched in a copy
    made at each call, for a recipe's records are taken apart and put together again on the way to a step.
    """

    task: Task
    see: See = static()
    see_params: SeeParams = static()
    name: Callable[[dict[str, str]], None] = static()
    change: Callable[[Layer], Layer] | None = static(default=None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["task"], name)  # what precision asks of a task, for instance

    def replace(self, **changes: Any) -> Self:
        return dataclasses.replace(self, task=self.task.replace(**changes))

    def with_layers(self, change: Callable[[Layer], Layer]) -> Self:
        return dataclasses.replace(self, change=change)  # around watched layers, so that what is seen are the layers themselves

    @property
    def draws(self) -> bool:
        return self.task.draws

    @property
    def has_one_loss(self) -> bool:
        return self.task.has_one_loss

    def init(self, key: Key, batch: Batch) -> Params:
        return self.task.init(key, batch)

    def gradients(self, params: Params, batch: Batch, key: Key | None, engine: Engine) -> tuple[Metrics, Params]:
        owners, pulls = Owners(), list[tuple[str, Pull]]()

        def see(path: str, layer: Layer, call: Call) -> None:
            owners.add(path, call)
            self.see("activation", path, call.y)

        def see_back(path: str, layer: Layer, pull: Pull) -> None:
            pulls.append((path, pull))

        watched = watched_inside(self.task, see, see_back=see_back)
        task = watched if self.change is None else watched.with_layers(self.change)
        metrics, gradients = task.gradients(params, batch, key, engine)
        self.name(owners.names(params))
        self.see("loss", "", metrics["loss"])
        for path, (dy, dparams, dx) in pulls:
            if not any(map(wrong, jax.tree.leaves(dy))):
                self.see("gradient", path, (dparams, dx))
        self.see("gradient", "", [pull.dy for _, pull in pulls])  # no layer's doing, so the loss's
        self.see_params("gradient", gradients)
        return metrics, gradients

    def evaluate(self, params: Params, batch: Batch) -> Metrics:
        return self.task.evaluate(params, batch)

    def predict(self, params: Params, x: jax.Array) -> jax.Array:
        return self.task.predict(params, x)

    def total(self, batch: Batch) -> jax.Array:
        return self.task.total(batch)

    def check(self, x: Any, y: Any, predictions: Any) -> None:
        self.task.check(x, y, predictions)


class WatchedOptimizer(Record):
    """The optimizer, which tells ``see_params`` of each update."""

    optimizer: Optimizer | Optimizers
    see_params: SeeParams = static()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["optimizer"], name)  # what a step asks of an optimizer besides

    def build(self) -> optax.GradientTransformation:
        """Its transformation, watched."""
        inner = optax.with_extra_args_support(self.optimizer.build())

        def update(gradients: Params, state: Any, params: Params = None, **extra: Any) -> tuple[Params, Any]:
            updates, state = inner.update(gradients, state, params, **extra)
            self.see_params("update", updates)
            return updates, state

        return optax.GradientTransformationExtraArgs(inner.init, update)


class Owners:
    """Which layer each parameter belongs to: the innermost that was called with it, arrays being told apart by identity."""

    def __init__(self) -> None:
        self.paths: dict[int, str] = {}
        self.kept: list[Params] = []

    def add(self, path: str, call: Call) -> None:
        """Notes a call; those of inner layers come first."""
        self.kept.append(call.params)  # while they are here, no other array can have their identity
        for leaf in jax.tree.leaves(call.params):
            self.paths.setdefault(id(leaf), path)

    def names(self, params: Params) -> dict[str, str]:
        """From the place of each parameter in the tree to the path of its layer."""
        leaves = jax.tree.leaves_with_path(params)
        return {jax.tree_util.keystr(path): self.paths[id(leaf)] for path, leaf in leaves if id(leaf) in self.paths}


def wrong(leaf: Any) -> str:
    """What of an array is not finite: "nan", "inf" or "". Nothing where it is being traced, or holds no fractions."""
    if isinstance(leaf, jax.core.Tracer) or not jnp.issubdtype(leaf.dtype, jnp.floating):
        return ""
    numbers = np.asarray(leaf, float)
    return "nan" if np.isnan(numbers).any() else "inf" if np.isinf(numbers).any() else ""
