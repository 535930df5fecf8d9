"""A graph of ONNX while it is written: its nodes in order, and the arrays that they read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from jaxnn.layers import Layer
from jaxnn.typing import Params


@dataclass(frozen=True)
class Value:
    """A batch on its way: its name in the graph, and shape and dtype of one row of it, (1, ...).

    like: whatever has a shape and a dtype. What layers take and give are trees of Values: one alone, ``Sequences``, or a tuple.
    """

    name: str
    like: Any


class Node(NamedTuple):
    """One operation: names of what it reads and of what it makes, and its attributes, of which a dtype is given as NumPy's."""

    operation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


Rule = Callable[["Graph", Any, Params, Any], Any]
"""How a kind of layer is written: (graph, layer, params, x) -> y, the names in the graph in place of the arrays that it gives."""


@dataclass
class Graph:
    """What has been written so far. dtype: that of the model's numbers; rules: a function for each kind of layer."""

    dtype: np.dtype[Any]
    rules: Mapping[type[Layer], Rule]
    nodes: list[Node] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def node(self, operation: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Adds an operation and returns the name of its output."""
        return self._add(operation, inputs, (output or f"{operation}_{len(self.nodes)}",), attributes)[0]

    def several(self, outputs: int, operation: str, *inputs: str, **attributes: Any) -> tuple[str, ...]:
        """Adds an operation of so many outputs and returns their names. An input named "" is one that is left out."""
        return self._add(operation, inputs, tuple(f"{operation}_{len(self.nodes)}_{place}" for place in range(outputs)), attributes)

    def cast(self, name: str, dtype: Any) -> str:
        """The same numbers in another dtype."""
        return self.node("Cast", name, to=np.dtype(dtype))

    def array(self, values: Any) -> str:
        """Adds an array as it is and returns its name."""
        name = f"array_{len(self.arrays)}"
        self.arrays[name] = np.ascontiguousarray(values).reshape(np.shape(values))
        return name

    def number(self, value: Any) -> str:
        """Adds a number, or an array of them, in the model's own dtype and returns its name."""
        return self.array(np.asarray(value, self.dtype))

    def whole(self, *values: int) -> str:
        """Adds whole numbers, such as axes and shapes, (n,) and returns their name."""
        return self.array(np.asarray(values, np.int64))

    def keep(self, outputs: Iterable[str]) -> None:
        """Takes out what no output needs."""
        needed, kept = set(outputs), []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                needed.update(node.inputs)
                kept.append(node)
        self.nodes = kept[::-1]
        self.arrays = {name: array for name, array in self.arrays.items() if name in needed}

    def _add(self, operation: str, inputs: tuple[str, ...], outputs: tuple[str, ...], attributes: dict[str, Any]) -> tuple[str, ...]:
        self.nodes.append(Node(operation, inputs, outputs, attributes))
        return outputs
