"""Activations, by the operation of ONNX where it has one."""

from typing import Any

from jaxnn import layers
from jaxnn.export.onnx.graph import Graph, Rule, Value
from jaxnn.layers import Layer
from jaxnn.layers.activation import SELU_ALPHA, SELU_SCALE
from jaxnn.typing import Params


def _named(operation: str, **attributes: str | float) -> Rule:
    """An activation that ONNX has; of attributes, text is the name of the layer's own number."""

    def rule(graph: Graph, layer: Layer, params: Params, x: Value) -> str:
        numbers: dict[str, Any] = {
            name: float(getattr(layer, value) if isinstance(value, str) else value) for name, value in attributes.items()
        }
        return graph.node(operation, x.name, **numbers)

    return rule


def _step(graph: Graph, layer: Layer, params: Params, x: Value) -> str:
    reached = graph.node("GreaterOrEqual", x.name, graph.number(0))
    return graph.node("Where", reached, graph.number(1), graph.number(0))


def _gelu(graph: Graph, layer: Layer, params: Params, x: Value) -> str:
    below = graph.node("Add", graph.node("Erf", graph.node("Mul", x.name, graph.number(0.5**0.5))), graph.number(1))
    return graph.node("Mul", graph.node("Mul", x.name, graph.number(0.5)), below)


def _silu(graph: Graph, layer: Layer, params: Params, x: Value) -> str:
    return graph.node("Mul", x.name, graph.node("Sigmoid", x.name))


RULES: dict[type[Layer], Rule] = {
    layers.ELU: _named("Elu", alpha="alpha"),
    layers.GELU: _gelu,
    layers.LeakyReLU: _named("LeakyRelu", alpha="slope"),
    layers.ReLU: _named("Relu"),
    layers.SELU: _named("Selu", alpha=SELU_ALPHA, gamma=SELU_SCALE),
    layers.SiLU: _silu,
    layers.Sigmoid: _named("Sigmoid"),
    layers.Softplus: _named("Softplus"),
    layers.Step: _step,
    layers.Tanh: _named("Tanh"),
}
