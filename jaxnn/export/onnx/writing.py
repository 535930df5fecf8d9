"""Layers written into a graph by the rules that it has, and what rules have in common."""

from typing import Any

import jax
import numpy as np

from jaxnn.checks import sentence
from jaxnn.export.onnx.graph import Graph, Value
from jaxnn.layers import Function, Layer
from jaxnn.layers.sequences import as_sequences
from jaxnn.typing import Params, Sequences

ELSE = "take save_stablehlo, which takes every model."
"""Where to turn when there is no rule."""


def write(graph: Graph, layer: Layer, params: Params, x: Any) -> Any:
    """Adds what the layer computes and returns its output, x and y trees of Values. Raises ValueError for layers without a rule."""
    rule = graph.rules.get(type(layer))
    if rule is None:
        own = "Write it of layers, as SiLU() for Function(jax.nn.silu)" if type(layer) is Function else "Give its rule, rules={...}"
        raise refused("the model", "made of layers that have a rule", type(layer).__name__, own)
    y = rule(graph, layer, params, x)
    return jax.tree.map(Value, y, jax.eval_shape(layer.apply, params, likes(x)))


def refused(argument: str, expected: str, got: Any, advice: str = "") -> ValueError:
    """The error for what can't be written, with what to do."""
    return ValueError(sentence("save_onnx", argument, expected, got, f"{advice}, or {ELSE}" if advice else ELSE.capitalize()))


def names(tree: Any) -> Any:
    """Names of a tree of Values."""
    return jax.tree.map(lambda value: value.name, tree)


def likes(tree: Any) -> Any:
    """Shapes and dtypes of a tree of Values, of one row."""
    return jax.tree.map(lambda value: value.like, tree)


def with_lengths(x: Any, y: str) -> Any:
    """The name y as Sequences where x has lengths."""
    lengths = as_sequences(x).lengths
    return y if lengths is None else Sequences(y, lengths.name)


def within(graph: Graph, lengths: Value, steps: int) -> str:
    """Which steps a row really has, (rows, steps)."""
    ends = graph.node("Unsqueeze", graph.cast(lengths.name, np.int64), graph.whole(1))
    return graph.node("Less", graph.whole(*range(steps)), ends)
