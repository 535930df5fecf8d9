"""Attention as products and a softmax, head by head; symbols as in ``jaxnn.layers.attention``."""

import math
from typing import Any

import numpy as np

from jaxnn import layers
from jaxnn.export.onnx.graph import Graph, Rule, Value
from jaxnn.export.onnx.writing import with_lengths, within
from jaxnn.layers import Layer
from jaxnn.layers.sequences import as_sequences
from jaxnn.typing import Params

HEADS_FIRST, KEYS_TURNED = [0, 2, 1, 3], [0, 2, 3, 1]


def _self_attention(graph: Graph, layer: layers.MultiHeadAttention, params: Params, x: Any) -> Any:
    values, lengths, _ = as_sequences(x)
    steps = values.like.shape[1]
    seen = _seen(graph, lengths, steps)
    if layer.causal:
        past = graph.array(np.tril(np.ones((steps, steps), bool)))
        seen = past if seen is None else graph.node("And", past, seen)
    return with_lengths(x, _attend(graph, params, layer.heads, values, values, seen))


def _cross_attention(graph: Graph, layer: layers.CrossAttention, params: Params, x: Any) -> Any:
    queries, (memory, lengths, _) = x[0], as_sequences(x[1])
    seen = _seen(graph, lengths, memory.like.shape[1])
    return with_lengths(queries, _attend(graph, params, layer.heads, as_sequences(queries).values, memory, seen))


def _attend(graph: Graph, params: Params, heads: int, queries: Value, memory: Value, seen: str | None) -> str:
    size = params["query"]["kernel"].shape[1] // heads

    def split(name: str, x: Value, order: list[int]) -> str:
        apart = graph.node("Reshape", _project(graph, params[name], x.name), graph.whole(-1, x.like.shape[1], heads, size))
        return graph.node("Transpose", apart, perm=order)

    q = graph.node("Div", split("query", queries, HEADS_FIRST), graph.number(math.sqrt(size)))
    scores = graph.node("MatMul", q, split("key", memory, KEYS_TURNED))
    if seen is not None:
        scores = graph.node("Where", seen, scores, graph.number(np.finfo(graph.dtype).min))
    context = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), split("value", memory, HEADS_FIRST))
    merged = graph.whole(-1, queries.like.shape[1], heads * size)
    return _project(graph, params["output"], graph.node("Reshape", graph.node("Transpose", context, perm=HEADS_FIRST), merged))


def _project(graph: Graph, params: Params, x: str) -> str:
    y = graph.node("MatMul", x, graph.array(params["kernel"]))
    return graph.node("Add", y, graph.array(params["bias"])) if "bias" in params else y


def _seen(graph: Graph, lengths: Value | None, steps: int) -> str | None:
    """(rows, 1, 1, steps): which steps are meant, None for all."""
    return None if lengths is None else graph.node("Unsqueeze", within(graph, lengths, steps), graph.whole(1, 2))


RULES: dict[type[Layer], Rule] = {layers.CrossAttention: _cross_attention, layers.MultiHeadAttention: _self_attention}
