"""Normalisation; BatchNorm has its running statistics, for predictions are what is written."""

import numpy as np

from jaxnn import layers
from jaxnn.export.onnx.graph import Graph, Rule, Value
from jaxnn.export.onnx.windows import channels_first
from jaxnn.layers import Layer
from jaxnn.typing import Params


def _layer_norm(graph: Graph, layer: layers.LayerNorm, params: Params, x: Value) -> str:
    return graph.node("LayerNormalization", x.name, graph.array(params["scale"]), graph.array(params["bias"]), epsilon=float(layer.eps))


def _rms_norm(graph: Graph, layer: layers.RMSNorm, params: Params, x: Value) -> str:
    square = graph.node("ReduceMean", graph.node("Mul", x.name, x.name), graph.whole(-1))
    root = graph.node("Sqrt", graph.node("Add", square, graph.number(layer.eps)))
    return graph.node("Mul", graph.node("Div", x.name, root), graph.array(params["scale"]))


def _group_norm(graph: Graph, layer: layers.GroupNorm, params: Params, x: Value) -> str:
    numbers = graph.array(params["scale"]), graph.array(params["bias"])
    own = {"num_groups": layer.groups, "epsilon": float(layer.eps), "stash_type": graph.dtype}
    return channels_first(graph, "GroupNormalization", x, *numbers, **own)


def _batch_norm(graph: Graph, layer: layers.BatchNorm, params: Params, x: Value) -> str:
    running = params["running"].values
    factor = np.asarray(params["scale"]) / np.sqrt(np.asarray(running["variance"]) + float(layer.eps))
    shift = np.asarray(params["bias"]) - np.asarray(running["mean"]) * factor
    return graph.node("Add", graph.node("Mul", x.name, graph.number(factor)), graph.number(shift))


RULES: dict[type[Layer], Rule] = {
    layers.BatchNorm: _batch_norm,
    layers.GroupNorm: _group_norm,
    layers.LayerNorm: _layer_norm,
    layers.RMSNorm: _rms_norm,
}
