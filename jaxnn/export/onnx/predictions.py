"""What each task makes of its model's outputs: ``predict``, in a graph."""

from collections.abc import Callable
from typing import Any

from jaxnn.export.onnx.graph import Graph
from jaxnn.export.onnx.writing import refused, write
from jaxnn.layers.sequences import values_of
from jaxnn.losses import BinaryCrossEntropy
from jaxnn.tasks import Adversarial, BinaryClassification, Classification, NextToken, Reconstruction, Regression, Task, Variational
from jaxnn.typing import Params


def predictions(graph: Graph, task: Task, params: Params, x: Any) -> str:
    """Adds what ``predict`` of the task computes and returns the name of it. Raises ValueError for tasks of another kind."""
    if type(task) not in PREDICTIONS:
        raise refused("the task", f"one of {', '.join(kind.__name__ for kind in PREDICTIONS)}", type(task).__name__)
    return PREDICTIONS[type(task)](graph, task, params, x)


def _number(graph: Graph, task: Regression, params: Params, x: Any) -> str:
    y = write(graph, task.model, params, x)
    return graph.node("Squeeze", y.name, graph.whole(1)) if y.like.shape == (1, 1) else y.name


def _probability(graph: Graph, task: BinaryClassification, params: Params, x: Any) -> str:
    return graph.node("Squeeze", graph.node("Sigmoid", write(graph, task.model, params, x).name), graph.whole(1))


def _probabilities(graph: Graph, task: Classification | NextToken, params: Params, x: Any) -> str:
    return graph.node("Softmax", values_of(write(graph, task.model, params, x)).name, axis=-1)


def _reconstruction(graph: Graph, task: Reconstruction | Variational, params: Params, x: Any) -> str:
    y = write(graph, task.model, params, x)
    y = y.reconstruction if isinstance(task, Variational) else y
    return graph.node("Sigmoid", y.name) if isinstance(task.loss, BinaryCrossEntropy) else y.name


def _realness(graph: Graph, task: Adversarial, params: Params, x: Any) -> str:
    score = graph.node("Squeeze", write(graph, task.discriminator, params["discriminator"], x).name, graph.whole(1))
    return graph.node("Sigmoid", score) if task.objective == "non_saturating" else score


PREDICTIONS: dict[type[Task], Callable[[Graph, Any, Params, Any], str]] = {
    Adversarial: _realness,
    BinaryClassification: _probability,
    Classification: _probabilities,
    NextToken: _probabilities,
    Reconstruction: _reconstruction,
    Regression: _number,
    Variational: _reconstruction,
}
"""(graph, task, params, x) -> the name of the predictions."""
