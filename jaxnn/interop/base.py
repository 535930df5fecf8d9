"""What all layers made of another library's modules share: where the module's numbers are kept, and the backward rule.

Such a module has numbers that are learned and, now and then, a state that a training step leaves for the next: running means,
counters. The state travels as Buffers (docs/design.md), and the backward rule is ``jax.vjp`` of the module's own forward function.
"""

import dataclasses
import importlib
from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from jaxnn.checks import sentence
from jaxnn.layers import Buffers, Layer
from jaxnn.layers.buffers import apply_by_rule
from jaxnn.layers.way_back import way_back
from jaxnn.records import Record, readable, static
from jaxnn.typing import Key, Params


class WithState(NamedTuple):
    """Parameters of a module that has a state; those of one that has none are the learned ones alone."""

    learned: Any
    state: Buffers


class Module(Layer):
    """A module of another library. ``run`` is its forward function, ``variables`` gives its numbers back in the library's own form."""

    maker: ClassVar[str]

    @abstractmethod
    def make(self, key: Key, x: Any) -> tuple[Any, Any]:
        """(learned, state) for inputs like the zeros x; an empty state where the module has none."""

    @abstractmethod
    def run(self, learned: Any, state: Any, x: Any, key: Key | None) -> tuple[Any, Any]:
        """The output and the state that this step leaves; without a key in evaluation, where the state stays as it is."""

    @property
    def stacks(self) -> bool:
        return False  # what is inside is not known; one after the other is never the slower way for what does not stack

    def init(self, key: Key, x: Any) -> Params:
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), x)
        with jax.numpy_dtype_promotion("standard"):  # other libraries promote dtypes, whatever the user has set for their own code
            learned, state = self.make(key, zeros)
        if not jax.tree.leaves(state):
            return learned
        if not self.draws:
            advice = "Only in training does a state change: name the module's flag, train='train', or write draws=True."
            raise ValueError(sentence(self.maker, "the module", "one without a state", "one that has a state", advice))
        return WithState(learned, Buffers(_as_floats(self.maker, state)))

    def apply(self, params: Params, x: Any, key: Key | None = None) -> Any:
        if key is None or not isinstance(params, WithState):
            return self._step(params, x, key)[0]
        return apply_by_rule(self, params, x, key)

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        if isinstance(params, WithState) and params.state.frozen:
            key = None
        if key is None or not isinstance(params, WithState):
            y, pull, _ = way_back(self._step, (params, x), key, has_aux=True)
            return y, (pull, None)
        y, pull, moved = way_back(self._learning, (params.learned, x), params.state, key, has_aux=True)
        return y, (pull, moved)

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        pull, moved = residuals
        dparams, dx = pull(dy)
        return dparams if moved is None else WithState(dparams, moved), dx

    def variables(self, params: Params) -> tuple[Any, Any]:
        """(learned, state) as the module itself has them, whole numbers whole again."""
        if isinstance(params, WithState):
            return params.learned, _as_they_were(params.state.values)
        return params, None

    def _step(self, params: Params, x: Any, key: Key | None) -> tuple[Any, Buffers]:
        learned, state = self.variables(params)
        with jax.numpy_dtype_promotion("standard"):
            y, left = self.run(learned, state, x, key)
        if not isinstance(params, WithState):
            return y, Buffers(None)
        left = params.state.replace(values=_as_floats(self.maker, left))
        return y, jax.tree.map(lambda new, old: new.astype(old.dtype) - old, left, params.state)

    def _learning(self, learned: Any, x: Any, state: Buffers, key: Key | None) -> tuple[Any, Buffers]:
        return self._step(WithState(learned, state), x, key)

    def _made_of(self) -> list[str]:
        """The arguments without a default, in words."""
        return [in_words(getattr(self, field.name)) for field in dataclasses.fields(self) if field.default is dataclasses.MISSING]

    def __repr__(self) -> str:
        fields = [field for field in dataclasses.fields(self) if field.repr and field.default is not dataclasses.MISSING]
        options = [(field, getattr(self, field.name)) for field in fields]
        shown = [f"{field.name}={readable(value)}" for field, value in options if value != field.default]
        return f"{self.maker}({', '.join([*self._made_of(), *shown])})"


class Whole(Record):
    """Whole numbers or truth values among a state, as the floats that gradients ask for; exact up to 2^24."""

    value: Any
    dtype: str = static()


def needed(package: str, maker: str) -> Any:
    """The package, imported now. Raises ImportError that says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        name = package.partition(".")[0]
        raise ImportError(f'{maker} needs {name}: pip install "jaxnn-toolkit[interop]"') from error


def check_function(maker: str, name: str, value: Any, example: str) -> None:
    """Refuses what can't be called, by name."""
    if not callable(value):
        raise TypeError(sentence(maker, name, "a function", readable(value)[:60], f"Write {example}."))
    check_structure(maker, name, value)


def check_structure(maker: str, name: str, value: Any) -> None:
    """Refuses what can't be hashed, for a function or module is part of a recipe's structure."""
    try:
        hash(value)
    except TypeError as error:
        raise TypeError(sentence(maker, name, "hashable", in_words(value)[:60], "Give tuples in place of lists.")) from error


def in_words(value: Any) -> str:
    """A module or function in one line, as the code that would make it, without what is at its default."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type | Record):
        return " ".join(readable(value).split())
    shown = []
    for field in dataclasses.fields(value):
        item = getattr(value, field.name, None)
        if field.name not in ("parent", "name") and field.repr and (field.default is dataclasses.MISSING or item is not field.default):
            shown.append(f"{field.name}={in_words(item)}")
    return f"{type(value).__name__}({', '.join(shown)})"


def _as_floats(maker: str, state: Any) -> Any:
    def convert(leaf: Any) -> Any:
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf
        if not (jnp.issubdtype(leaf.dtype, jnp.integer) or leaf.dtype == bool):
            raise TypeError(sentence(maker, "the module's state", "of numbers and truth values", f"dtype {leaf.dtype}"))
        return Whole(leaf.astype(jnp.float32), str(leaf.dtype))

    return jax.tree.map(convert, state)


def _as_they_were(values: Any) -> Any:
    def convert(leaf: Any) -> Any:
        return leaf.value.astype(leaf.dtype) if isinstance(leaf, Whole) else leaf

    return jax.tree.map(convert, values, is_leaf=lambda node: isinstance(node, Whole))
