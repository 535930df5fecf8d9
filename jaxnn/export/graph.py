"""A graph of ONNX while it is written: its nodes in order, and the arrays that they read."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np


class Value(NamedTuple):
    """A batch on its way: its name in the graph, and shape and dtype of one row of it, (1, ...)."""

    name: str
    like: jax.ShapeDtypeStruct


class Node(NamedTuple):
    """One operation: names of what it reads and of what it makes, and its attributes."""

    operation: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]


@dataclass
class Graph:
    """What has been written so far. dtype: that of the model's numbers."""

    dtype: np.dtype[Any]
    nodes: list[Node] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def node(self, operation: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Adds an operation and returns the name of its output."""
        output = output or f"{operation}_{len(self.nodes)}"
        self.nodes.append(Node(operation, inputs, output, attributes))
        return output

    def array(self, values: Any) -> str:
        """Adds an array as it is and returns its name."""
        name = f"array_{len(self.arrays)}"
        self.arrays[name] = np.ascontiguousarray(values)
        return name

    def number(self, value: Any) -> str:
        """Adds a number, or an array of them, in the model's own dtype and returns its name."""
        return self.array(np.asarray(value, self.dtype))

    def whole(self, *values: int) -> str:
        """Adds whole numbers, such as axes and shapes, (n,) and returns their name."""
        return self.array(np.asarray(values, np.int64))
