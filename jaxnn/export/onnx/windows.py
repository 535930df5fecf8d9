"""What works on positions of images and series: convolutions and pooling.

Channels are last here and first in ONNX, so these stand between two transpositions, which runtimes take out where they can.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxnn import layers
from jaxnn.export.onnx.graph import Graph, Rule, Value
from jaxnn.export.onnx.writing import within
from jaxnn.layers import Layer
from jaxnn.layers.sequences import as_sequences
from jaxnn.typing import Params

Pads = Sequence[tuple[int, int]]


def channels_first(graph: Graph, operation: str, x: Value, *numbers: str, **attributes: Any) -> str:
    """The operation on x (rows, ..., channels), which wants its channels first."""
    last = len(x.like.shape) - 1
    turned = graph.node("Transpose", x.name, perm=[0, last, *range(1, last)])
    return graph.node("Transpose", graph.node(operation, turned, *numbers, **attributes), perm=[0, *range(2, last + 1), 1])


def _conv(graph: Graph, layer: layers.Conv, params: Params, x: Value) -> str:
    over = layer.geometry(x.like.shape)
    kernel = graph.array(np.moveaxis(np.asarray(params["kernel"]), (-1, -2), (0, 1)))
    shape = {"strides": over.stride, "dilations": over.dilation, "pads": _ends(over.pads), "group": over.groups}
    return channels_first(graph, "Conv", x, kernel, graph.array(params["bias"]), **shape)


def _conv_transpose(graph: Graph, layer: layers.ConvTranspose, params: Params, x: Value) -> str:
    """Theirs lays the kernel on as it is, ours correlates with it: it is turned round, and what is padded here is cut off there."""
    over, axes = layer.geometry(x.like.shape), tuple(range(len(layer.window)))
    turned = np.flip(np.asarray(params["kernel"]), axes)
    by_group = np.concatenate(np.split(turned, over.groups, axis=-1), axis=-2)  # inputs group after group, each with its own features
    kernel = np.moveaxis(by_group, (-2, -1), (0, 1))
    reach = [(k - 1) * d for k, d in zip(layer.window, over.dilation, strict=True)]
    cut = [(all_of_it - before, all_of_it - after) for all_of_it, (before, after) in zip(reach, over.pads, strict=True)]
    pads = [(before, max(after, 0)) for before, after in cut]
    shape = {"strides": over.spread, "dilations": over.dilation, "pads": _ends(pads), "group": over.groups}
    shape["output_padding"] = [max(-after, 0) for _, after in cut]
    return channels_first(graph, "ConvTranspose", x, graph.array(kernel), graph.array(params["bias"]), **shape)


def _pool(graph: Graph, layer: layers.MaxPool | layers.AveragePool, params: Params, x: Value) -> str:
    over = {"kernel_shape": layer.window, "strides": layer.strides, "pads": _ends(layer.pads(x.like.shape))}
    return channels_first(graph, type(layer).__name__, x, **over)  # averages leave padding out, here and by default there


def _global_pool(graph: Graph, layer: Layer, params: Params, x: Any) -> str:
    values, lengths, _ = as_sequences(x)
    largest = isinstance(layer, layers.GlobalMaxPool)
    if lengths is None:
        axes = graph.whole(*range(1, len(values.like.shape) - 1))
        return graph.node("ReduceMax" if largest else "ReduceMean", values.name, axes, keepdims=0)
    _, *positions, channels = values.like.shape
    elements = graph.node("Reshape", values.name, graph.whole(-1, math.prod(positions), channels))
    there = graph.node("Unsqueeze", within(graph, lengths, math.prod(positions)), graph.whole(2))
    if largest:
        return graph.node("ReduceMax", graph.node("Where", there, elements, graph.number(-math.inf)), graph.whole(1), keepdims=0)
    count = graph.cast(there, graph.dtype)
    share = graph.node("Div", count, graph.node("ReduceSum", count, graph.whole(1), keepdims=1))
    return graph.node("ReduceSum", graph.node("Mul", elements, share), graph.whole(1), keepdims=0)


def _ends(pads: Pads) -> list[int]:
    """Paddings as ONNX has them: all before, then all after."""
    return [before for before, _ in pads] + [after for _, after in pads]


RULES: dict[type[Layer], Rule] = {
    layers.AveragePool: _pool,
    layers.Conv: _conv,
    layers.ConvTranspose: _conv_transpose,
    layers.GlobalAveragePool: _global_pool,
    layers.GlobalMaxPool: _global_pool,
    layers.MaxPool: _pool,
}
