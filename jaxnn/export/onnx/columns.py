"""Preprocessing as a part of the graph: raw columns in, class names or the target's own units out."""

from typing import Any

import numpy as np

from jaxnn.checks import sentence
from jaxnn.data import Preprocessing
from jaxnn.data.targets import Classes, Quantity
from jaxnn.export.onnx.graph import Graph, Value
from jaxnn.tasks import BinaryClassification, Classification, Regression, Task


def read(graph: Graph, preprocessing: Preprocessing, x: Any) -> tuple[list[Value], Value]:
    """Adds what ``Preprocessing.transform`` does to columns, and returns the graph's inputs and what takes the place of x.

    Inputs: numbers (rows, number columns) float64 and texts (rows, text columns), in the order that the preprocessing has; either
    is missing where it has no such columns. Missing values, where they are filled: NaN and "". Unknown categories are zeros.
    """
    width = x.like.shape[1:] if isinstance(x, Value) else type(x).__name__
    if width != (preprocessing.width,):
        expected = f"one that makes rows of {width}, as the model takes"
        raise ValueError(sentence("save_onnx", "preprocessing", expected, f"rows of {(preprocessing.width,)}"))
    inputs, parts = [], []
    if preprocessing.numbers.names:
        inputs.append(Value("numbers", np.empty((1, len(preprocessing.numbers.names)))))
        parts.append(_scaled(graph, preprocessing, "numbers"))
    if preprocessing.texts:
        inputs.append(Value("texts", np.empty((1, len(preprocessing.texts)), object)))
        parts += [_one_hot(graph, text, "texts", place) for place, text in enumerate(preprocessing.texts)]
    joined = graph.node("Concat", *parts, axis=-1) if len(parts) > 1 else parts[0]
    return inputs, Value(joined if x.like.dtype == np.float32 else graph.cast(joined, x.like.dtype), x.like)


def told(graph: Graph, preprocessing: Preprocessing, task: Task, y: Value) -> dict[str, Value]:
    """Outputs by name: predictions as they are and the ``names`` of the likeliest classes, or predictions in the target's own units."""
    target = preprocessing.target
    _check_target(target, task, y.like.shape)
    if not isinstance(target, Classes):
        wide = graph.node("Mul", graph.cast(y.name, np.float64), graph.array(np.float64(target.scale)))
        units = graph.node("Add", wide, graph.array(np.float64(target.mean)))
        return {"predictions": Value(units, np.empty(y.like.shape))}
    if len(y.like.shape) > 1:
        best = graph.node("ArgMax", y.name, axis=1, keepdims=0)
    else:
        best = graph.cast(graph.node("Greater", y.name, graph.number(0.5)), np.int64)
    names = graph.node("Gather", graph.array(np.array(target.classes, object)), best)
    return {"predictions": y, "names": Value(names, np.empty(1, object))}


def _scaled(graph: Graph, preprocessing: Preprocessing, x: str) -> str:
    """In float64 in between, as the preprocessing has it."""
    scaling = preprocessing.numbers
    mean, scale = (graph.array(np.array(values, np.float64)) for values in (scaling.mean, scaling.scale))
    if scaling.fill is not None:
        x = graph.node("Where", graph.node("IsNaN", x), graph.array(np.array(scaling.fill, np.float64)), x)
    return graph.cast(graph.node("Div", graph.node("Sub", x, mean), scale), np.float32)


def _one_hot(graph: Graph, text: Any, x: str, place: int) -> str:
    column = graph.node("Gather", x, graph.whole(place), axis=1)
    if text.fill is not None:
        missing = graph.node("Equal", column, graph.array(np.array("", object)))
        column = graph.node("Where", missing, graph.array(np.array(text.fill, object)), column)
    return graph.cast(graph.node("Equal", column, graph.array(np.array([text.categories], object))), np.float32)


def _check_target(target: Classes | Quantity, task: Task, shape: tuple[int, ...]) -> None:
    """Refuses names for other classes than those of the model, and units for what is no number a row."""
    if isinstance(task, Classification | BinaryClassification):
        wanted = f"{2 if len(shape) == 1 else shape[1]} classes"
    else:
        wanted = "a quantity" if isinstance(task, Regression) and len(shape) == 1 else "None"
    got = f"{len(target.classes)} classes" if isinstance(target, Classes) else "a quantity"
    if got != wanted:
        raise ValueError(sentence("save_onnx", "the target of preprocessing", f"{wanted}, as the model's is", got))
