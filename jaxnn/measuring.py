"""What is measured of a set of examples: what the task measures, means over its rows, and metrics of all rows at once.

F1 and areas under curves are no means over batches. So predictions are made in the pieces that the task is evaluated in, kept, and
compared with the truth in one call of each metric.
"""

import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxnn import metrics
from jaxnn.checks import sentence
from jaxnn.compiling import compiled
from jaxnn.records import Record, readable, static
from jaxnn.stopping import Mode, usual_mode
from jaxnn.tasks import Task
from jaxnn.typing import Batch, Metrics, Params

EVALUATION_ROWS = 4096
"""Rows evaluated at once; more are evaluated in pieces, so that memory stays bounded."""
MODES: dict[Callable[..., Any], Mode] = {
    metrics.accuracy: "max",
    metrics.calibration_error: "min",
    metrics.f1: "max",
    metrics.log_loss: "min",
    metrics.mean_absolute_error: "min",
    metrics.perplexity: "min",
    metrics.precision: "max",
    metrics.r2: "max",
    metrics.recall: "max",
    metrics.roc_auc: "max",
    metrics.root_mean_squared_error: "min",
    metrics.top_k_accuracy: "max",
}
"""Which way is better."""
Named = Mapping[str, Callable[..., Any]]
"""Metrics by the name that they have in the history."""


class Metric(Record):
    """A function metric(y, predictions, *, weight) of all rows, with options by name: what a ``functools.partial`` of it would be.

    Two partials are never equal; two of these are, so that recipes built apart share one program.
    """

    function: Callable[..., Any] = static()
    options: tuple[tuple[str, Any], ...] = static(default=())

    def __call__(self, y: Any, predictions: Any, weight: Any) -> jax.Array:
        return jnp.asarray(self.function(y, predictions, weight=weight, **dict(self.options)), jnp.result_type(float))

    def __repr__(self) -> str:
        function = readable(self.function)
        options = "".join(f", {name}={readable(value)}" for name, value in self.options)
        return f"functools.partial({function}{options})" if options else function


def named_metrics(where: str, given: Any) -> dict[str, Metric] | None:
    """Functions, and partials of them, by name, as records. Raises TypeError or ValueError for anything else."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or not given:
        advice = "For instance metrics={'f1': jaxnn.metrics.f1}."
        raise TypeError(sentence(where, "metrics", "functions by their names in the history, or None", repr(given)[:60], advice))
    for name in given:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(sentence(where, "a name of metrics", "one of letters, digits and _", repr(name)))
    return {name: _metric(where, f"metrics[{name!r}]", function) for name, function in given.items()}


def mode_of(metric: str, named: Named | None) -> Mode | None:
    """Which way a metric of the history is better; None for a function of one's own, of which nobody here can know."""
    measured, _, name = metric.partition("_")
    own = (named or {}).get(name) if measured in ("training", "validation") else None
    return usual_mode(metric) if own is None else MODES.get(own.function if isinstance(own, Metric) else own)


def evaluate(task: Task, params: Params, batch: Batch, named: Named | None = None) -> Metrics:
    """The task's metrics over a batch of any size, in pieces of EVALUATION_ROWS where it is larger; and the named ones of all its rows."""

    def look(piece: Batch) -> tuple[Metrics, Any]:
        return task.evaluate(params, piece), task.predict(params, piece.x) if named else None

    rows = batch.weight.shape[0]
    measured, predictions = look(batch) if rows <= EVALUATION_ROWS else _in_pieces(task, batch, look)
    if not named:
        return measured
    compared = task.compared(batch, predictions)
    return measured | {name: metric(*compared) for name, metric in named.items()}


def check_metrics(where: str, named: Named, task: Task, params: Params, sets: Mapping[str, Batch]) -> None:
    """Refuses metrics of no set, names that hide what the task measures, metrics that do not suit it, and those of more than one number.

    Of params and sets only shapes and dtypes are read: metrics are traced, never run.
    """
    if not sets:
        advice = "Or write measure_training=True."
        raise ValueError(sentence(where, "validation", "given, for metrics are measured on it", "None", advice))
    own = compiled(evaluate).eval_shape(task, params, next(iter(sets.values())))
    for (name, metric), batch in itertools.product(named.items(), sets.values()):
        if name in own:
            expected = f"other than {', '.join(sorted(own))}, which the task measures"
            raise ValueError(sentence(where, "a name of metrics", expected, repr(name)))
        try:
            value = compiled(_value).eval_shape(metric, task, params, batch)
        except Exception as error:
            told = str(error).partition("\n")[0]
            raise ValueError(f"{where}: metrics[{name!r}] does not suit {type(task).__name__} and its data: {told}") from error
        if value.shape:
            advice = "Of the scores of classes, average='macro' makes one."
            raise ValueError(sentence(where, f"metrics[{name!r}]", "one number", f"shape {value.shape}", advice))


def _metric(where: str, argument: str, given: Any) -> Metric:
    """The record of a function or a partial of one; a record is one already."""
    if isinstance(given, Metric):
        return given
    options: dict[str, Any] = {}
    if isinstance(given, functools.partial):
        if given.args or "weight" in given.keywords:
            raise TypeError(sentence(where, argument, "a partial with options by name, not weight, alone", readable(given)))
        given, options = given.func, given.keywords
    if not callable(given) or isinstance(given, type):
        expected = "a function metric(y, predictions, *, weight), or a functools.partial of one"
        raise TypeError(sentence(where, argument, expected, repr(given)[:60], "jaxnn.metrics has some."))
    made = Metric(given, tuple(sorted(options.items())))
    try:
        hash(made)
    except TypeError as error:
        advice = "An array can be held by a function of your own."
        raise TypeError(sentence(where, argument, "of options that are numbers, text or tuples", repr(options)[:60], advice)) from error
    return made


def _in_pieces(task: Task, batch: Batch, look: Callable[[Batch], tuple[Metrics, Any]]) -> tuple[Metrics, Any]:
    """What `look` finds in the whole batch: the means of its metrics over the pieces, and its predictions in their order."""
    rows = batch.weight.shape[0]
    pieces = -(-rows // EVALUATION_ROWS)

    def cut(leaf: jax.Array) -> jax.Array:
        padding = [(0, pieces * EVALUATION_ROWS - rows)] + [(0, 0)] * (leaf.ndim - 1)
        padded = jnp.pad(leaf, padding, mode="edge")  # the last row again: zeros may be no example, such as a length of 0
        return padded.reshape(pieces, EVALUATION_ROWS, *leaf.shape[1:])

    whole = task.total(batch)

    def add(sums: Metrics, piece: Batch) -> tuple[Metrics, Any]:
        share = task.total(piece) / whole
        means, predictions = look(piece)
        return jax.tree.map(lambda sum_, mean: sum_ + share * mean, sums, means), predictions

    cut_batch = jax.tree.map(cut, batch)
    there = jnp.arange(pieces * EVALUATION_ROWS).reshape(pieces, EVALUATION_ROWS) < rows
    cut_batch = cut_batch._replace(weight=jnp.where(there, cut_batch.weight, 0))
    shapes = jax.eval_shape(look, jax.tree.map(lambda leaf: leaf[0], cut_batch))[0]
    zeros = jax.tree.map(lambda metric: jnp.zeros(metric.shape, metric.dtype), shapes)
    means, predictions = lax.scan(add, zeros, cut_batch)
    return means, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:rows], predictions)


def _value(metric: Metric, task: Task, params: Params, batch: Batch) -> jax.Array:
    return metric(*task.compared(batch, task.predict(params, batch.x)))
