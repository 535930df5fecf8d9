"""How each kind of layer is written in ONNX: one function for each, which takes the name of its input and returns that of its output.

Images have their channels last here and first in ONNX, so what works on positions stands between two transpositions, which runtimes
take out where they can. Dropout is left out, and BatchNorm has its running statistics: predictions are what is written.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jaxnn import layers
from jaxnn.checks import sentence
from jaxnn.export.graph import Graph, Value
from jaxnn.layers import Layer
from jaxnn.layers.activation import SELU_ALPHA, SELU_SCALE
from jaxnn.typing import Params

Rule = Callable[[Graph, Any, Params, Value], str]
"""(graph, layer, params, x) -> the name of y."""
Pads = Sequence[tuple[int, int]]


def write(graph: Graph, layer: Layer, params: Params, x: Value) -> Value:
    """Adds what the layer computes and returns its output. Raises ValueError for layers without a rule."""
    if type(layer) not in RULES:
        advice = "Take save_stablehlo, which takes every model."
        known = ", ".join(sorted(cls.__name__ for cls in RULES))
        raise ValueError(sentence("save_onnx", "the model", f"made of {known}", type(layer).__name__, advice))
    y = RULES[type(layer)](graph, layer, params, x)
    like = jax.eval_shape(layer.apply, params, x.like)
    return Value(y, like.reconstruction if isinstance(like, layers.VariationalOutput) else like)


# One after the other, side by side ------------------------------------------------------------------------------------------


def _chain(graph: Graph, layer: layers.Chain, params: Params, x: Value) -> str:
    for part, part_params in zip(layer.layers, params, strict=True):
        x = write(graph, part, part_params, x)
    return x.name


def _autoencoder(graph: Graph, layer: layers.Autoencoder, params: Params, x: Value) -> str:
    return _chain(graph, layers.Chain((layer.encoder, layer.decoder)), (params["encoder"], params["decoder"]), x)


def _variational_autoencoder(graph: Graph, layer: layers.VariationalAutoencoder, params: Params, x: Value) -> str:
    """The reconstruction from the mean of the codes, which stands before the log variances."""
    moments = write(graph, layer.encoder, params["encoder"], x)
    mean = graph.node("Slice", moments.name, graph.whole(0), graph.whole(layer.latent), graph.whole(1))
    code = Value(mean, jax.ShapeDtypeStruct((1, layer.latent), moments.like.dtype))
    return write(graph, layer.decoder, params["decoder"], code).name


def _repeat(graph: Graph, layer: layers.Repeat, params: Params, x: Value) -> str:
    blocks = [jax.tree.map(lambda leaf, block=block: np.asarray(leaf)[block], params) for block in range(layer.times)]
    return _chain(graph, layers.Chain((layer.layer,) * layer.times), blocks, x)


def _residual(graph: Graph, layer: layers.Residual, params: Params, x: Value) -> str:
    passed = x if layer.shortcut is None else write(graph, layer.shortcut, params[1], x)
    return graph.node("Add", passed.name, write(graph, layer.layer, params[0], x).name)


def _concat(graph: Graph, layer: layers.Concat, params: Params, x: Value) -> str:
    parts = [write(graph, part, own, x).name for part, own in zip(layer.layers, params, strict=True)]
    return graph.node("Concat", *parts, axis=-1)


def _timewise(graph: Graph, layer: layers.Timewise, params: Params, x: Value) -> str:
    return write(graph, layer.layer, params, x).name


def _unchanged(graph: Graph, layer: Layer, params: Params, x: Value) -> str:
    return x.name


# Products and look-ups ------------------------------------------------------------------------------------------------------


def _dense(graph: Graph, layer: layers.Dense, params: Params, x: Value) -> str:
    return graph.node("Add", graph.node("MatMul", x.name, graph.array(params["kernel"])), graph.array(params["bias"]))


def _conv(graph: Graph, layer: layers.Conv, params: Params, x: Value) -> str:
    over = layer.geometry(x.like.shape)
    kernel = graph.array(np.moveaxis(np.asarray(params["kernel"]), (-1, -2), (0, 1)))
    shape = {"strides": over.stride, "dilations": over.dilation, "pads": _ends(over.pads), "group": over.groups}
    return _channels_first(graph, "Conv", x, kernel, graph.array(params["bias"]), **shape)


def _conv_transpose(graph: Graph, layer: layers.ConvTranspose, params: Params, x: Value) -> str:
    """Theirs lays the kernel on as it is, ours correlates with it: it is turned round, and what is padded here is cut off there."""
    over, axes = layer.geometry(), tuple(range(len(layer.window)))
    kernel = np.moveaxis(np.flip(np.asarray(params["kernel"]), axes), (-2, -1), (0, 1))
    cut = [(k - 1 - before, k - 1 - after) for k, (before, after) in zip(layer.window, over.pads, strict=True)]
    pads = [(before, max(after, 0)) for before, after in cut]
    more = {"strides": over.spread, "pads": _ends(pads), "output_padding": [max(-after, 0) for _, after in cut]}
    return _channels_first(graph, "ConvTranspose", x, graph.array(kernel), graph.array(params["bias"]), **more)


def _embedding(graph: Graph, layer: layers.Embedding, params: Params, x: Value) -> str:
    return graph.node("Gather", graph.array(params["table"]), x.name, axis=0)


def _positions(graph: Graph, layer: Layer, params: Params, x: Value) -> str:
    return graph.node("Add", x.name, graph.array(layer.apply(params, np.zeros(x.like.shape, x.like.dtype))))  # type: ignore[arg-type]


# Pooling and shapes ---------------------------------------------------------------------------------------------------------


def _pool(graph: Graph, layer: layers.MaxPool | layers.AveragePool, params: Params, x: Value) -> str:
    over = {"kernel_shape": layer.window, "strides": layer.strides, "pads": _ends(layer.pads(x.like.shape))}
    return _channels_first(graph, type(layer).__name__, x, **over)  # averages leave padding out, here and by default there


def _global_pool(graph: Graph, layer: Layer, params: Params, x: Value) -> str:
    operation = "ReduceMax" if isinstance(layer, layers.GlobalMaxPool) else "ReduceMean"
    return graph.node(operation, x.name, graph.whole(*range(1, len(x.like.shape) - 1)), keepdims=0)


def _reshape(graph: Graph, layer: layers.Flatten | layers.Reshape, params: Params, x: Value) -> str:
    return graph.node("Reshape", x.name, graph.whole(-1, *jax.eval_shape(layer.apply, params, x.like).shape[1:]))


# Normalisation --------------------------------------------------------------------------------------------------------------


def _layer_norm(graph: Graph, layer: layers.LayerNorm, params: Params, x: Value) -> str:
    return graph.node("LayerNormalization", x.name, graph.array(params["scale"]), graph.array(params["bias"]), epsilon=float(layer.eps))


def _rms_norm(graph: Graph, layer: layers.RMSNorm, params: Params, x: Value) -> str:
    square = graph.node("ReduceMean", graph.node("Mul", x.name, x.name), graph.whole(-1))
    root = graph.node("Sqrt", graph.node("Add", square, graph.number(layer.eps)))
    return graph.node("Mul", graph.node("Div", x.name, root), graph.array(params["scale"]))


def _group_norm(graph: Graph, layer: layers.GroupNorm, params: Params, x: Value) -> str:
    numbers = graph.array(params["scale"]), graph.array(params["bias"])
    return _channels_first(graph, "GroupNormalization", x, *numbers, num_groups=layer.groups, epsilon=float(layer.eps))


def _batch_norm(graph: Graph, layer: layers.BatchNorm, params: Params, x: Value) -> str:
    running = params["running"].values
    factor = np.asarray(params["scale"]) / np.sqrt(np.asarray(running["variance"]) + float(layer.eps))
    shift = np.asarray(params["bias"]) - np.asarray(running["mean"]) * factor
    return graph.node("Add", graph.node("Mul", x.name, graph.number(factor)), graph.number(shift))


# Activations ----------------------------------------------------------------------------------------------------------------


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


def _channels_first(graph: Graph, operation: str, x: Value, *numbers: str, **attributes: Any) -> str:
    """The operation on x (rows, ..., channels), which wants its channels first."""
    last = len(x.like.shape) - 1
    turned = graph.node("Transpose", x.name, perm=[0, last, *range(1, last)])
    return graph.node("Transpose", graph.node(operation, turned, *numbers, **attributes), perm=[0, *range(2, last + 1), 1])


def _ends(pads: Pads) -> list[int]:
    """Paddings as ONNX has them: all before, then all after."""
    return [before for before, _ in pads] + [after for _, after in pads]


RULES: dict[type[Layer], Rule] = {
    layers.Autoencoder: _autoencoder,
    layers.AveragePool: _pool,
    layers.BatchNorm: _batch_norm,
    layers.Chain: _chain,
    layers.Concat: _concat,
    layers.Conv: _conv,
    layers.ConvTranspose: _conv_transpose,
    layers.Dense: _dense,
    layers.Dropout: _unchanged,
    layers.ELU: _named("Elu", alpha="alpha"),
    layers.Embedding: _embedding,
    layers.Flatten: _reshape,
    layers.GELU: _gelu,
    layers.GlobalAveragePool: _global_pool,
    layers.GlobalMaxPool: _global_pool,
    layers.GroupNorm: _group_norm,
    layers.Identity: _unchanged,
    layers.LayerNorm: _layer_norm,
    layers.LeakyReLU: _named("LeakyRelu", alpha="slope"),
    layers.LearnedPositions: _positions,
    layers.MaxPool: _pool,
    layers.PositionalEncoding: _positions,
    layers.RMSNorm: _rms_norm,
    layers.ReLU: _named("Relu"),
    layers.Repeat: _repeat,
    layers.Reshape: _reshape,
    layers.Residual: _residual,
    layers.SELU: _named("Selu", alpha=SELU_ALPHA, gamma=SELU_SCALE),
    layers.SiLU: _silu,
    layers.Sigmoid: _named("Sigmoid"),
    layers.Softplus: _named("Softplus"),
    layers.Step: _step,
    layers.Tanh: _named("Tanh"),
    layers.Timewise: _timewise,
    layers.VariationalAutoencoder: _variational_autoencoder,
}
