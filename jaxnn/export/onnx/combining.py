"""Layers made of layers: one after the other, side by side, again and again."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn import layers
from jaxnn.export.onnx.graph import Graph, Rule, Value
from jaxnn.export.onnx.writing import names, with_lengths, write
from jaxnn.layers import Layer, VariationalOutput
from jaxnn.layers.sequences import values_of
from jaxnn.typing import Params


def _chain(graph: Graph, layer: layers.Chain, params: Params, x: Any) -> Any:
    for part, part_params in zip(layer.layers, params, strict=True):
        x = write(graph, part, part_params, x)
    return names(x)


def _repeat(graph: Graph, layer: layers.Repeat, params: Params, x: Any) -> Any:
    blocks = [jax.tree.map(lambda leaf, block=block: np.asarray(leaf)[block], params) for block in range(layer.times)]
    return _chain(graph, layers.Chain((layer.layer,) * layer.times), blocks, x)


def _residual(graph: Graph, layer: layers.Residual, params: Params, x: Any) -> Any:
    """The sum of both ways; of whole numbers, which are lengths, the first."""
    passed = x if layer.shortcut is None else write(graph, layer.shortcut, params[1], x)

    def add(first: Value, second: Value) -> str:
        return graph.node("Add", first.name, second.name) if jnp.issubdtype(first.like.dtype, jnp.floating) else first.name

    return jax.tree.map(add, passed, write(graph, layer.layer, params[0], x))


def _concat(graph: Graph, layer: layers.Concat, params: Params, x: Any) -> str:
    parts = [write(graph, part, own, x).name for part, own in zip(layer.layers, params, strict=True)]
    return graph.node("Concat", *parts, axis=-1)


def _parallel(graph: Graph, layer: layers.Parallel, params: Params, x: Any) -> Any:
    return names(tuple(write(graph, *way) for way in zip(layer.layers, params, x, strict=True)))


def _timewise(graph: Graph, layer: layers.Timewise, params: Params, x: Any) -> Any:
    return with_lengths(x, write(graph, layer.layer, params, values_of(x)).name)


def _autoencoder(graph: Graph, layer: layers.Autoencoder, params: Params, x: Any) -> Any:
    return _chain(graph, layers.Chain((layer.encoder, layer.decoder)), (params["encoder"], params["decoder"]), x)


def _variational_autoencoder(graph: Graph, layer: layers.VariationalAutoencoder, params: Params, x: Any) -> VariationalOutput:
    """The reconstruction from the mean of the codes, which stands before the log variances."""
    moments = write(graph, layer.encoder, params["encoder"], x)
    mean, log_variance = graph.several(2, "Split", moments.name, axis=1, num_outputs=2)
    code = Value(mean, jax.ShapeDtypeStruct((1, layer.latent), moments.like.dtype))
    return VariationalOutput(names(write(graph, layer.decoder, params["decoder"], code)), mean, log_variance)


def _unchanged(graph: Graph, layer: Layer, params: Params, x: Any) -> Any:
    return names(x)


RULES: dict[type[Layer], Rule] = {
    layers.Autoencoder: _autoencoder,
    layers.Chain: _chain,
    layers.Concat: _concat,
    layers.Dropout: _unchanged,
    layers.Identity: _unchanged,
    layers.Parallel: _parallel,
    layers.Repeat: _repeat,
    layers.Residual: _residual,
    layers.Timewise: _timewise,
    layers.VariationalAutoencoder: _variational_autoencoder,
}
