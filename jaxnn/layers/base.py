r"""What a layer is: a pure function of parameters with its hand-derived backward rule beside it.

Symbols (those of the lecture): weighted input :math:`b = x \theta + \theta_0`, output :math:`\sigma(b)`, error
:math:`\delta = \partial J / \partial b`. In code a cotangent is named by its variable: ``dy`` is dJ/dy.
"""

import copy
import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import sentence
from jaxnn.records import Record
from jaxnn.typing import Key, Params, Sequences

Holder = TypeVar("Holder", bound=Record)


class Layer(Record, ABC):
    """A frozen record of structure and hyperparameters; parameters live outside it.

    ``init(key, x) -> params`` · ``apply(params, x, key) -> y`` · ``forward(params, x, key) -> (y, residuals)`` ·
    ``backward(params, residuals, dy) -> (dparams, dx)``. Arrays are batch first. Without a key a layer is deterministic
    (evaluation); with one it may draw (training). A network is a layer, for combinators return layers.
    """

    def init(self, key: Key, x: Any) -> Params:
        """Parameters for inputs like x, of which only shape and dtype are read; () where there is nothing to learn."""
        del key, x
        return ()

    @property
    def draws(self) -> bool:
        """Whether the layer makes use of its key. Where none does, no key is derived: a draw costs compiling even if it is dropped."""
        return any(child.draws for child in children(self).values())

    @property
    def stacks(self) -> bool:
        """Whether many of these run faster side by side in one program (``vmap``) than one after the other, on accelerators.

        Not so where each member's own kernels make of a convolution one in groups, which the libraries are slow at.
        """
        return all(child.stacks for child in children(self).values())

    @abstractmethod
    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        """The output and what the backward rule needs of the way there."""

    @abstractmethod
    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        """Cotangents (dparams, dx) from dy, by the rule derived by hand."""

    def apply(self, params: Params, x: jax.Array, key: Key | None = None) -> jax.Array:
        """The output alone; XLA removes what only the residuals needed."""
        return self.forward(params, x, key)[0]


def children(record: Record) -> dict[str, Layer]:
    """The layers that a record holds, by the code that reads them: each field that is a layer, or a tuple with layers in it.

    >>> from jaxnn.layers import Chain, Dense, ReLU
    >>> children(Chain((Dense(3), ReLU())))
    {'layers[0]': Dense(3), 'layers[1]': ReLU()}
    """
    found = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        items = {field.name: value} if not isinstance(value, tuple) else {f"{field.name}[{i}]": item for i, item in enumerate(value)}
        found.update({name: item for name, item in items.items() if isinstance(item, Layer)})
    return found


def with_children(record: Holder, layers: Mapping[str, Layer]) -> Holder:
    """A copy of the record with these layers in place of those it holds, by their names in ``children``."""
    twin = copy.copy(record)
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if isinstance(value, tuple):
            value = tuple(layers.get(f"{field.name}[{i}]", item) for i, item in enumerate(value))
        twin.__dict__[field.name] = layers.get(field.name, value)  # records are frozen; this one nobody has seen yet
    return twin


def check_array(where: str, x: Any) -> None:
    """Refuses inputs of several arrays, by name."""
    if not hasattr(x, "shape"):
        advice = "A layer that works step by step takes sequences inside Timewise(...)." if isinstance(x, Sequences) else ""
        raise TypeError(sentence(where, "x", "one array", type(x).__name__, advice))


def check_floating(where: str, x: Any) -> None:
    """Refuses inputs that are not floating point, by name."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        advice = "Scale pixels to [0, 1] and one-hot encode classes first, for instance x.astype('float32') / 255."
        raise TypeError(sentence(where, "x", "a floating-point array", f"dtype {x.dtype}", advice))


def no_cotangent(x: Any) -> Any:
    """The cotangent of whole numbers, which can't be moved a little: JAX's own, an array of dtype float0 and of x's shape."""
    return np.zeros(x.shape, jax.dtypes.float0)


def add_cotangents(first: Any, second: Any) -> Any:
    """The cotangent of what was used twice: the sum, leaf by leaf; of whole numbers there is nothing to sum."""
    return jax.tree.map(lambda a, b: a if a.dtype == jax.dtypes.float0 else a + b, first, second)
