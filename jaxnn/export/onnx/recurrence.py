"""Layers over time as the recurrent operations that ONNX has, with lengths, states and both directions.

Theirs have time first, a leading axis for directions, gates in an order of their own, and zeros at steps beyond a row's last; here the
state holds still there, and so it does in what is written.
"""

from typing import Any

import jax
import numpy as np

from jaxnn import layers
from jaxnn.export.onnx.graph import Graph, Rule
from jaxnn.export.onnx.writing import names, refused, within, write
from jaxnn.layers import GRU, LSTM, Cell, Layer, Recurrent, SimpleRNN
from jaxnn.layers.sequences import as_sequences
from jaxnn.typing import Params, Sequences

CELLS: dict[type[Cell], tuple[str, tuple[int, ...]]] = {GRU: ("GRU", (1, 0, 2)), LSTM: ("LSTM", (0, 3, 1, 2)), SimpleRNN: ("RNN", (0,))}
"""The operation of each cell, and which of our gates stands where in it: z, r, n and i, o, f, g."""
ACTIVATIONS: dict[type[Layer], tuple[str, str | float, float]] = {
    layers.ELU: ("Elu", "alpha", 0),
    layers.Identity: ("Affine", 1, 0),
    layers.LeakyReLU: ("LeakyRelu", "slope", 0),
    layers.ReLU: ("Relu", 0, 0),
    layers.Sigmoid: ("Sigmoid", 0, 0),
    layers.Softplus: ("Softplus", 0, 0),
    layers.Tanh: ("Tanh", 0, 0),
}
"""Activations that a simple recurrence has there: name, alpha (a number, or the name of the layer's own), beta."""


def _recurrent(graph: Graph, layer: Recurrent, params: Params, x: Any) -> Any:
    values, lengths, state = as_sequences(x)
    operation, attributes = _operation(layer.cell)
    if layer.reverse:
        attributes["direction"] = "reverse"
    begin = [graph.node("Unsqueeze", leaf.name, graph.whole(0)) for leaf in jax.tree.leaves(state)]
    own = "" if lengths is None else graph.cast(lengths.name, np.int32)
    turned = graph.node("Transpose", values.name, perm=[1, 0, 2])
    read = (turned, *_weights(graph, layer.cell, params), own, *begin)
    outputs, *ends = graph.several(3 if operation == "LSTM" else 2, operation, *read, **attributes)
    last, *others = (graph.node("Squeeze", end, graph.whole(0)) for end in ends)
    after = (last, *others) if others else last
    if layer.returns in ("last", "state"):
        return last if layer.returns == "last" else after
    y = graph.node("Transpose", graph.node("Squeeze", outputs, graph.whole(1)), perm=[1, 0, 2])
    if lengths is not None:
        before = jax.tree.leaves(state)[0].name if begin else graph.number(np.zeros((1, layer.cell.units)))
        y = _held(graph, y, before if layer.reverse else last, within(graph, lengths, values.like.shape[1]))
    if layer.returns == "all and state":
        return Sequences(y, names(lengths), after)
    return y if lengths is None else Sequences(y, lengths.name)


def _bidirectional(graph: Graph, layer: layers.Bidirectional, params: Params, x: Any) -> Any:
    values, lengths, state = as_sequences(x)
    ways = []
    for name, own in zip(("forward", "backward"), (None, None) if state is None else state, strict=True):
        way = Recurrent(layer.cell, returns=layer.returns, reverse=name == "backward")
        ways.append(_recurrent(graph, way, params[name], Sequences(values, lengths, own)))
    y = graph.node("Concat", *(as_sequences(way).values for way in ways), axis=-1)
    return ways[0]._replace(values=y) if isinstance(ways[0], Sequences) else y


def _encoder_decoder(graph: Graph, layer: layers.EncoderDecoder, params: Params, x: Any) -> Any:
    source, target = x
    encoder = Recurrent(layer.cell, returns="all and state", reverse=layer.reverse)
    read = write(graph, encoder, params["encoder"], source)
    decoder = Recurrent(layer.cell, returns="all")
    y = _recurrent(graph, decoder, params["decoder"], as_sequences(target)._replace(state=read.state))
    if layer.returns == "target":
        return y
    return names(read.values if read.lengths is None else read._replace(state=None)), y


def _operation(cell: Cell) -> tuple[str, dict[str, Any]]:
    """The name of the operation, and its attributes."""
    if type(cell) not in CELLS:
        raise refused("the cells", ", ".join(sorted(known.__name__ for known in CELLS)), type(cell).__name__, "Take one of these")
    attributes: dict[str, Any] = {"hidden_size": cell.units}
    if isinstance(cell, GRU):
        attributes["linear_before_reset"] = 1
    if isinstance(cell, SimpleRNN):
        attributes |= _activation(cell.activation)
    return CELLS[type(cell)][0], attributes


def _activation(function: Any) -> dict[str, Any]:
    if type(function) not in ACTIVATIONS:
        expected = ", ".join(sorted(known.__name__ for known in ACTIVATIONS))
        raise refused("the activation of SimpleRNN", expected, type(function).__name__, "Take one of these")
    name, alpha, beta = ACTIVATIONS[type(function)]
    own = getattr(function, alpha) if isinstance(alpha, str) else alpha
    return {"activations": [name], "activation_alpha": [float(own)], "activation_beta": [float(beta)]}


def _weights(graph: Graph, cell: Cell, params: Params) -> list[str]:
    """W and U, (1, gates units, inputs), and the biases of both, (1, 2 gates units): U's is that of the GRU's last gate, a, else 0."""
    order = CELLS[type(cell)][1]

    def turned(columns: Any) -> np.ndarray:
        gates = np.split(np.asarray(columns), len(order), axis=-1)
        return np.concatenate([gates[place] for place in order], axis=-1)

    size = len(order) * cell.units
    of_x, of_state = np.split(np.asarray(params["bias"]), [size])
    biases = [turned(of_x), turned(np.pad(of_state, (size - len(of_state), 0)))]
    matrices = [turned(params[name]).T[None] for name in ("kernel", "recurrent_kernel")]
    return [graph.array(array) for array in (*matrices, np.concatenate(biases)[None])]


def _held(graph: Graph, y: str, state: str, valid: str) -> str:
    """y (rows, time, units), but the state (rows, units) at steps that a row does not have."""
    return graph.node("Where", graph.node("Unsqueeze", valid, graph.whole(2)), y, graph.node("Unsqueeze", state, graph.whole(1)))


RULES: dict[type[Layer], Rule] = {
    layers.Bidirectional: _bidirectional,
    layers.EncoderDecoder: _encoder_decoder,
    layers.Recurrent: _recurrent,
}
