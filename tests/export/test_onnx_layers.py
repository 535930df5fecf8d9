"""Every layer and model of the catalogue gives in onnxruntime what it gives here, for any number of rows, or is refused by name."""

from typing import Any

import jax
import numpy as np
import onnxruntime
import pytest

from jaxnn import layers
from jaxnn.export.onnx.files import begin, made_of
from jaxnn.export.onnx.graph import Value
from jaxnn.export.onnx.recurrence import ACTIVATIONS
from jaxnn.export.onnx.rules import RULES
from jaxnn.export.onnx.writing import write
from jaxnn.layers import Layer
from tests.catalogue import LAYERS, MODELS, LayerExample, sequences
from tests.export.samples import ROWS, cast, drawn_params, row_of
from tests.export.sessions import run, session_of
from tests.programs import quick_jit
from tests.tolerances import assert_close, precision

REFUSED = {
    "Function": r"the model must be made of layers that have a rule, got Function\. Write it of layers, as SiLU\(\) for Function\(jax",
    "Function of parameters that draws": r"got Function\. .*, or take save_stablehlo, which takes every model\.",
    "Recurrent of SimpleRNN": r"the activation of SimpleRNN must be ELU, .*, Tanh, got SiLU\. Take one of these, or take save_stablehlo",
}
"""What has no counterpart in ONNX, and how it is refused: a new example is exported, or stands here."""
EXAMPLES = LAYERS | MODELS


def inputs_of(example: LayerExample, dtype: str = "float32") -> Any:
    return cast(example.inputs(np.random.default_rng(0), max(ROWS)), dtype)


def written(layer: Layer, params: Any, x: Any) -> onnxruntime.InferenceSession:
    """A session with the layer for rows like x, its outputs one after the other."""
    graph, inputs = begin(row_of(x), params, {})
    y = write(graph, layer, params, inputs)
    ends = [Value(graph.node("Identity", leaf.name), leaf.like) for leaf in jax.tree.leaves(y)]
    return session_of(made_of(graph, jax.tree.leaves(inputs), ends).SerializeToString())


def assert_same_outputs(layer: Layer, x: Any, dtype: str = "float32") -> None:
    params = drawn_params(jax.eval_shape(layer.init, jax.random.key(0), x))
    session, wanted = written(layer, params, x), jax.tree.leaves(quick_jit(layer.apply)(params, x))
    for rows in ROWS:
        got = run(session, jax.tree.map(lambda leaf, rows=rows: leaf[:rows], x))
        assert [array.dtype for array in got] == [array.dtype for array in wanted]
        assert_close(got, [np.asarray(array)[:rows] for array in wanted], dtype)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in REFUSED])
def test_layers_give_in_onnxruntime_what_they_give_here(name):
    assert_same_outputs(EXAMPLES[name].make(), inputs_of(EXAMPLES[name]))


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_counterpart_is_refused_by_name(name):
    with pytest.raises(ValueError, match="save_onnx: .*" + REFUSED[name]):
        assert_same_outputs(EXAMPLES[name].make(), inputs_of(EXAMPLES[name]))


def test_every_layer_has_a_rule():
    known = {cls for cls in vars(layers).values() if isinstance(cls, type) and issubclass(cls, Layer)}
    assert known - RULES.keys() == {layers.Activation, layers.Function, layers.Layer}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_simple_recurrences_have_the_activations_that_they_say(activation):
    x = cast(sequences(3)(np.random.default_rng(0), max(ROWS)))
    assert_same_outputs(layers.Recurrent(layers.SimpleRNN(3, activation=activation()), returns="all and state", reverse=True), x)


def test_tokens_out_of_range_are_nan_here_and_there():
    layer, x = layers.Embedding(5, 2), np.array([[0, 4], [5, -1]], "int32")
    params = drawn_params(jax.eval_shape(layer.init, jax.random.key(0), x))
    (got,) = run(written(layer, params, x), x)
    np.testing.assert_array_equal(got, layer.apply(params, x))
    assert np.isnan(got[1]).all()


class Own(layers.Cell):
    def step(self, params, b, state):
        return b, ()

    def step_backward(self, params, state, kept, dstate):
        raise NotImplementedError


def test_a_cell_of_ones_own_is_refused():
    with pytest.raises(
        ValueError, match=r"save_onnx: the cells must be GRU, LSTM, SimpleRNN, got Own\. Take one of these, or take save_st"
    ):
        assert_same_outputs(layers.Recurrent(Own(2)), np.ones((max(ROWS), 3, 2), "float32"))


NARROW = ("AveragePool", "Conv", "ConvTranspose of series", "ELU", "GELU", "LeakyReLU", "Recurrent backwards", "SELU", "Softplus", "rnn")
WIDE = ("BatchNorm", "Embedding with positions", "GlobalAveragePool", "GroupNorm", "LayerNorm", "MaxPool", "RMSNorm", "SiLU", "Tanh")


@pytest.mark.parametrize("name", WIDE)
def test_layers_in_float64_are_exact(name):
    with precision("float64"):
        assert_same_outputs(EXAMPLES[name].make(), inputs_of(EXAMPLES[name], "float64"), "float64")


@pytest.mark.parametrize("name", NARROW)
def test_what_onnxruntime_has_in_float32_alone_is_refused_in_float64(name):
    match = r'the parameters must be float32, in which alone onnxruntime has [A-Z]\w+, got float64\. Write dtype="float32", or take save_'
    with precision("float64"), pytest.raises(ValueError, match=match):
        assert_same_outputs(EXAMPLES[name].make(), inputs_of(EXAMPLES[name], "float64"), "float64")
