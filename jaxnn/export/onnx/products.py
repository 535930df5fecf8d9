"""Products, look-ups and other shapes."""

import jax
import numpy as np

from jaxnn import layers
from jaxnn.export.onnx.graph import Graph, Rule, Value
from jaxnn.layers import Layer
from jaxnn.typing import Params


def _dense(graph: Graph, layer: layers.Dense, params: Params, x: Value) -> str:
    return graph.node("Add", graph.node("MatMul", x.name, graph.array(params["kernel"])), graph.array(params["bias"]))


def _embedding(graph: Graph, layer: layers.Embedding, params: Params, x: Value) -> str:
    """A last row of NaN is what tokens out of range get; ONNX by itself would count negative ones from the end."""
    tokens, rows = graph.cast(x.name, np.int64), np.asarray(params["table"])
    below = graph.node("Less", tokens, graph.array(np.int64(len(rows))))
    known = graph.node("And", graph.node("GreaterOrEqual", tokens, graph.array(np.int64(0))), below)
    table = graph.array(np.concatenate([rows, np.full_like(rows[:1], np.nan)]))
    return graph.node("Gather", table, graph.node("Where", known, tokens, graph.array(np.int64(len(rows)))), axis=0)


def _positions(graph: Graph, layer: Layer, params: Params, x: Value) -> str:
    return graph.node("Add", x.name, graph.array(layer.apply(params, np.zeros(x.like.shape, x.like.dtype))))  # type: ignore[arg-type]


def _reshape(graph: Graph, layer: layers.Flatten | layers.Reshape, params: Params, x: Value) -> str:
    return graph.node("Reshape", x.name, graph.whole(-1, *jax.eval_shape(layer.apply, params, x.like).shape[1:]))


RULES: dict[type[Layer], Rule] = {
    layers.Dense: _dense,
    layers.Embedding: _embedding,
    layers.Flatten: _reshape,
    layers.LearnedPositions: _positions,
    layers.PositionalEncoding: _positions,
    layers.Reshape: _reshape,
}
