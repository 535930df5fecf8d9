"""save_onnx: a model as a file of ONNX."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.bits import enough_bits, is_wide
from jaxnn.checks import sentence
from jaxnn.data import Preprocessing
from jaxnn.export.onnx.columns import read, told
from jaxnn.export.onnx.graph import Graph, Node, Rule, Value
from jaxnn.export.onnx.predictions import predictions
from jaxnn.export.onnx.rules import RULES
from jaxnn.export.onnx.writing import likes, refused
from jaxnn.layers import Layer
from jaxnn.model_files import write_at_once

OPERATIONS, FORMAT = 21, 10
"""Versions of ONNX's operations and of its files; onnxruntime reads them since 1.18."""

FLOAT32_ALONE = {"AveragePool", "Conv", "ConvTranspose", "Elu", "Erf", "GRU", "LSTM", "LeakyRelu", "RNN", "Selu", "Softplus"}
"""Operations that onnxruntime 1.32 has on CPU in no wider dtype."""
NARROWER = 'Write dtype="float32"'


def save_onnx(
    path: str | Path,
    model: Any,
    *,
    preprocessing: Preprocessing | None = None,
    dtype: Literal["float32"] | None = None,
    extras: Mapping[str, Any] | None = None,
    rules: Mapping[type[Layer], Rule] | None = None,
) -> Path:
    """Writes what ``predict`` of a Run or a Model computes, for any number of rows, and returns the file's path.

    The graph takes ``x`` (rows, ...) in the dtype of training and gives ``predictions``. An x of several arrays is as many inputs: of
    ``Sequences`` ``x_values``, ``x_lengths`` and ``x_state``, of a tuple ``x_0`` and ``x_1``, of Sequences in it ``x_0_values``.

    preprocessing: with it the graph takes raw columns, ``numbers`` (rows, columns) float64 and ``texts`` (rows, columns), and gives the
    ``names`` of the likeliest classes too, or ``predictions`` in the target's own units; without it x is what it has made of them.
    dtype: "float32" writes a model of float64, or of half precision, in float32; None leaves it as it is. extras: anything that JSON can
    hold; stands in the file's metadata under "extras", beside the preprocessing, by default that of a loaded Model. rules: for layers of
    your own, (graph, layer, params, x) -> the name of y in the graph.

    Raises ImportError without the package onnx, ValueError for what has no rule, by name, for half precision, for float64 where
    onnxruntime has an operation in float32 alone, and for the preprocessing of another model.
    """
    if dtype not in (None, "float32"):
        raise ValueError(sentence("save_onnx", "dtype", "'float32', or None for that of the model", repr(dtype)))
    onnx, task = _package(), model.recipe.task
    example, params = (_floats_as(dtype, tree) for tree in (model.examples[0], model.params))
    with enough_bits(is_wide(params, example)):
        graph, x = begin(example, params, rules or {})
        inputs = jax.tree.leaves(x)
        if preprocessing is not None:
            inputs, x = read(graph, preprocessing, x)
        y = Value(predictions(graph, task, params, x), jax.eval_shape(task.predict, params, likes(x)))
    ends = {"predictions": y} if preprocessing is None else told(graph, preprocessing, task, y)
    outputs = [Value(graph.node("Identity", end.name, output=name), end.like) for name, end in ends.items()]
    made = made_of(graph, inputs, outputs)
    about = dict(extras if extras is not None else getattr(model, "extras", {}))
    if preprocessing is not None:
        about = {"preprocessing": preprocessing.to_dict()} | about
    onnx.helper.set_model_props(made, {"extras": json.dumps(about, allow_nan=False)})
    return write_at_once(Path(path), made.SerializeToString(deterministic=True))


def begin(example: Any, params: Any, rules: Mapping[type[Layer], Rule]) -> tuple[Graph, Any]:
    """An empty graph, and its inputs for rows like the example, in its structure."""
    numbers = [leaf for leaf in jax.tree.leaves(params) or jax.tree.leaves(example) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    dtype = np.dtype(jnp.result_type(*numbers or [np.float32]))
    if dtype not in (np.float32, np.float64):
        raise refused("the parameters", "float32 or float64", dtype, NARROWER)

    def named(path: Any, spec: Any) -> Value:
        where = jax.tree_util.keystr(path, simple=True, separator="_")
        return Value(f"x_{where}" if where else "x", jax.ShapeDtypeStruct((1, *spec.shape), spec.dtype))

    return Graph(dtype, {**RULES, **rules}), jax.tree_util.tree_map_with_path(named, example)


def made_of(graph: Graph, inputs: Sequence[Value], outputs: Sequence[Value]) -> Any:
    """The graph as the package onnx has it, checked; outputs are names of nodes."""
    onnx = _package()
    graph.keep(value.name for value in outputs)
    narrow = [node.operation for node in graph.nodes if node.operation in FLOAT32_ALONE]
    if narrow and graph.dtype == np.float64:
        raise refused("the parameters", f"float32, in which alone onnxruntime has {narrow[0]}", graph.dtype, NARROWER)

    def kind(dtype: Any) -> int:
        return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def described(value: Value) -> Any:
        return onnx.helper.make_tensor_value_info(value.name, kind(value.like.dtype), ("rows", *value.like.shape[1:]))

    def operation(node: Node) -> Any:
        attributes = {name: kind(value) if isinstance(value, np.dtype) else value for name, value in node.attributes.items()}
        return onnx.helper.make_node(node.operation, node.inputs, node.outputs, **attributes)

    nodes = [operation(node) for node in graph.nodes]
    arrays = [onnx.numpy_helper.from_array(array, name) for name, array in graph.arrays.items()]
    body = onnx.helper.make_graph(nodes, "jaxnn", [described(value) for value in inputs], [described(value) for value in outputs], arrays)
    versions = [onnx.helper.make_opsetid("", OPERATIONS)]
    made = onnx.helper.make_model(body, producer_name="jaxnn", opset_imports=versions, ir_version=FORMAT)
    onnx.checker.check_model(made, full_check=True)
    return made


def _floats_as(dtype: Any, tree: Any) -> Any:
    """Arrays, or their shapes, with floats in that dtype; as they are where it is None."""

    def convert(leaf: Any) -> Any:
        if dtype is None or not jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf
        return jax.ShapeDtypeStruct(leaf.shape, dtype) if isinstance(leaf, jax.ShapeDtypeStruct) else np.asarray(leaf).astype(dtype)

    return jax.tree.map(convert, tree)


def _package() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ImportError('save_onnx needs onnx: pip install "jaxnn-toolkit[onnx]"') from error
    return onnx
