"""fit: a recipe and data in, a trained Run out."""

import functools
import time
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.averaging import Averaging
from jaxnn.bits import enough_bits
from jaxnn.checkpoints import Checkpoints, Keeper, check_plan
from jaxnn.checks import check_ranges, check_whole, nearest, sentence
from jaxnn.clipping import Clip
from jaxnn.compiling import compiled, make_room
from jaxnn.data.splits import split_rows
from jaxnn.data.upload import upload
from jaxnn.examples import check_examples
from jaxnn.host_loop import Callback, Pieces, check_callback, with_callback, with_checkpoints
from jaxnn.identity import identity
from jaxnn.keys import key_data
from jaxnn.loop import Data, State, advance, measured_sets, start
from jaxnn.measuring import check_metrics, evaluate
from jaxnn.optimizers import Optimizer, check_builds
from jaxnn.parts import Optimizers
from jaxnn.pieces import Program
from jaxnn.recipes import Recipe
from jaxnn.regularisation import check_not_stacked, check_one_array, check_strength
from jaxnn.runs import Run, as_examples, finished_run, prediction_shape
from jaxnn.stopping import EarlyStopping, ReduceOnPlateau
from jaxnn.tasks import Task
from jaxnn.typing import Metrics, Params

NAMES = ("x", "y", "weight")
"""Of the parts of examples."""


def fit(
    recipe: Recipe,
    data: Any,
    *,
    key: Any = 0,
    validation: Any = None,
    member: int = 0,
    callback: Callback | None = None,
    checkpoints: Checkpoints | None = None,
) -> Run:
    """Trains the recipe on the data: the whole run is one compiled program.

    data: (x, y) with rows along the first axis, x (rows, ...) as the model and y as the task wants it, y=None where a task has no
    targets; or (x, y, weight), weight (rows,) >= 0 saying how much each row counts; or a ``Data``.
    key: a seed or a JAX random key; with `member`, the number of this run in a population, it fixes all that is random.
    validation: a share of the rows, drawn at random (by class where y holds classes), or examples as in data, or None, as it has to be
    for a ``Data`` that names rows to validate on.
    callback: called with (epoch, metrics) after each epoch, or, where epochs are quick, of several ten times a second; the numbers do
    not change by it.
    checkpoints: where and how often to save the state of the run, see ``Checkpoints``. The same call goes on from the newest checkpoint
    that is whole, and ends, on CPU bit for bit, where the run would have ended; after the end it returns the same Run at once.

    Raises ValueError or TypeError, before anything is compiled, for data of unequal length, text, NaN or infinity, targets that
    don't suit the task, hyperparameters out of range, early stopping without validation rows, and checkpoints of another run; OSError
    where checkpoints can't be written. SIGTERM and Ctrl-C, where there are checkpoints, save first and say how to go on. A run
    that diverges raises nothing: see ``Run.outcome``.

    >>> import jax, jaxnn, numpy as np, optax
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    >>> recipe = jaxnn.Recipe(jaxnn.Regression(jaxnn.models.mlp((), 1)), jaxnn.optimizer(optax.sgd, learning_rate=0.1), batch_size=8)
    >>> run = jaxnn.fit(recipe, (x, 3 * x[:, 0]))
    >>> run.predict(np.array([[0.5]])).round(2).tolist()
    [1.5]
    """
    check_plan("fit", checkpoints)
    check_callback("fit", callback)
    check_whole("fit", "member", member, low=0)
    check_recipe("fit", recipe)
    seed = key_data(key)
    with enough_bits(recipe.wide):
        data = as_data("fit", data, validation, seed, wide=recipe.wide)
        check_run("fit", recipe, data)
        return train(recipe, data, seed, member, callback=callback, checkpoints=checkpoints)


def train(
    recipe: Recipe,
    data: Data,
    seed: np.ndarray,
    member: int,
    *,
    callback: Callback | None = None,
    checkpoints: Checkpoints | None = None,
    keep_state: bool = True,
) -> Run:
    """One run of checked data, on the device that holds the data."""
    began = time.perf_counter()
    make_room()
    program = Program(plain_numbers(recipe), data)
    begin = functools.partial(program.begin, seed, member)
    history: Any
    if checkpoints is not None:
        keeper = Keeper(checkpoints, identity(program.recipe, data, seed, member, checkpoints.names))
        pieces = _pieces(program, checkpoints)
        state, history, _ = with_checkpoints(pieces, recipe.epochs, keeper, begin, initial(recipe, data), callback)
    elif callback is not None:
        state, history, _ = with_callback(program.by_time, begin, callback)
    else:
        state, history = program.advance(begin(), recipe.epochs)
    run = finished_run(recipe, jax.block_until_ready(state), history, data, member, keep_state=keep_state)
    return replace(run, seconds=time.perf_counter() - began)


def _pieces(program: Program, plan: Checkpoints) -> Pieces:
    """How far the run goes between two looks at the clock."""
    if plan.steps is not None:
        return functools.partial(program.by_steps, steps=plan.steps)
    return functools.partial(program.by_time, ahead=plan.ahead)


def plain_numbers(recipe: Recipe) -> Recipe:
    """The recipe with each scalar leaf as a Python float: 1, 1.0 and np.float64(1) must not make three programs."""
    return jax.tree.map(lambda leaf: float(leaf) if getattr(leaf, "ndim", 0) == 0 else leaf, recipe)


def as_data(where: str, data: Any, validation: Any, seed: np.ndarray, *, wide: bool = False) -> Data:
    """Examples and the rows to train and validate on, as device arrays, from what a user may hand in; floats in float64 if wide."""
    data = _checked_rows(where, data, wide) if isinstance(data, Data) else _all_rows(where, data, wide)
    if validation is None:
        return upload(data)
    if data.validation is not None:
        advice = "Leave the argument out, or name no rows."
        raise ValueError(sentence(where, "validation", "None where data name rows to validate on", repr(validation)[:60], advice))
    if isinstance(validation, float | np.floating):
        return upload(_held_out(data, float(validation), seed))
    if not _is_examples(validation):
        raise TypeError(sentence(where, "validation", "a share of the rows such as 0.2, or (x, y), or None", repr(validation)[:60]))
    return upload(_joined(where, data, _all_rows(where, validation, wide)))


def classes_of(y: Any) -> np.ndarray | None:
    """The targets where they are classes, one whole number a row, by which rows are split; else None."""
    return np.asarray(y) if getattr(y, "ndim", 0) == 1 and np.issubdtype(y.dtype, np.integer) else None


def count_rows(where: str, data: Any) -> int:
    """The rows that all arrays have in common. Raises ValueError where they differ, or there are none."""
    shapes = [leaf.shape for leaf in jax.tree.leaves(data)]
    if () in shapes:
        advice = "A tuple is several arrays: write numpy.array(x) for one."
        raise ValueError(sentence(where, "data", "arrays with rows along their first axis", "a single number", advice))
    for shape in shapes:
        if 0 in shape[1:]:
            raise ValueError(sentence(where, "data", "arrays without an empty axis", f"shape {shape}"))
    counts = {shape[0] for shape in shapes}
    if len(counts) != 1 or 0 in counts:
        raise ValueError(sentence(where, "data", "arrays of the same, non-zero number of rows", " and ".join(map(str, sorted(counts)))))
    return counts.pop()


def check_recipe(where: str, recipe: Any) -> None:
    """Refuses what is no Recipe."""
    if not isinstance(recipe, Recipe):
        raise TypeError(sentence(where, "recipe", "a Recipe", type(recipe).__name__))


def check_run(where: str, recipe: Recipe, data: Data) -> None:
    """Refuses what can't run: hyperparameters out of range, data that are not finite, a model that does not fit them."""
    _check_parts(where, recipe)
    check_ranges(where, recipe)
    for name, rule in recipe.monitors.items():
        if rule.needs_validation and data.validation is None:
            raise ValueError(sentence(where, "validation", f"given, for {name} watches it", "None", "For instance validation=0.2."))
    if recipe.input_noise is not None or recipe.mixup is not None:
        check_one_array(where, "input_noise and mixup", data.x)
    if recipe.max_norm is not None:
        check_not_stacked(where, recipe.task)
    check_examples(where, data)
    params = initial(recipe, data).params
    for name in ("l2", "l1"):
        check_strength(where, name, getattr(recipe, name), params)
    x, y = jax.tree.map(np.asarray, (data.x, data.y))
    recipe.task.check(x, y, prediction_shape(recipe.task, params, data.x))
    if recipe.metrics is not None:
        check_metrics(where, recipe.metrics, recipe.task, params, compiled(measured_sets).eval_shape(recipe, data))
    _check_monitors(where, recipe, data)


def validation_metrics(recipe: Recipe, data: Data) -> list[str]:
    """Names of the validation metrics in the history of a checked run, found by tracing alone."""

    def measure(params: Params, data: Data) -> Metrics:
        return evaluate(recipe.task, params, data.batch(data.train[:1], jnp.ones(1)), recipe.metrics)

    return sorted(f"validation_{name}" for name in jax.eval_shape(measure, initial(recipe, data).params, data))


def history_metrics(recipe: Recipe, data: Data) -> list[str]:
    """Names of all metrics in the history of a checked run, found by tracing alone."""
    plain = recipe.replace(early_stopping=None, plateau=None)  # which watch metrics, and would look for one that is not there
    shapes = compiled(advance, static=("epochs",)).eval_shape(plain_numbers(plain), initial(plain, data), data, epochs=1)
    return sorted(shapes[1])


def initial(recipe: Recipe, data: Data) -> State:
    """Shapes of the initial state; the trace is the one that the run will use."""
    return compiled(start, once=True).eval_shape(plain_numbers(recipe), data, key_data(0), np.int32(0))


def _check_parts(where: str, recipe: Recipe) -> None:
    check_recipe(where, recipe)
    made_by = "optimizer(optax.adam, learning_rate=1e-3)"
    parts = (("task", Task, "Classification(model)"), ("optimizer", Optimizer | Optimizers, made_by))
    rules = (
        ("early_stopping", EarlyStopping | None, "EarlyStopping(patience=5)"),
        ("plateau", ReduceOnPlateau | None, "ReduceOnPlateau(patience=5)"),
        ("clip", Clip | None, "ClipByNorm(1.0)"),
        ("averaging", Averaging | None, "Averaging(decay=0.999)"),
    )
    for name, kind, example in (*parts, *rules):
        part = getattr(recipe, name)
        if not isinstance(part, kind):
            raise TypeError(sentence(where, name, f"made as in {example}", repr(part)[:60]))
    for member in recipe.optimizer.members:
        check_builds(member)


def _check_monitors(where: str, recipe: Recipe, data: Data) -> None:
    """Refuses metrics to be watched that the history will not have, where they are not the loss, which it always has."""
    for name, rule in recipe.monitors.items():
        if rule.monitor not in ("loss", "validation_loss"):
            known = history_metrics(recipe, data)
            if rule.monitor not in known:
                raise ValueError(f"{where}: {name}.monitor: there is no metric {rule.monitor!r}. {nearest(rule.monitor, known)}")
        recipe.with_mode(rule)


def _all_rows(where: str, data: Any, wide: bool) -> Data:
    if not _is_examples(data):
        advice = "Use y=None for a task without targets."
        raise TypeError(sentence(where, "data", "(x, y) or (x, y, weight)", type(data).__name__, advice))
    x, y, weight = (as_examples(where, name, values, wide=wide) for name, values in zip(NAMES, (*data, None)[:3], strict=True))
    return Data(x=x, y=y, weight=weight, train=np.arange(count_rows(where, (x, y, weight)), dtype=np.int32))


def _is_examples(data: Any) -> bool:
    return isinstance(data, tuple | list) and len(data) in (2, 3)


def _checked_rows(where: str, data: Data, wide: bool) -> Data:
    data = data.replace(**{name: as_examples(where, name, getattr(data, name), wide=wide) for name in NAMES})
    rows = count_rows(where, (data.x, data.y, data.weight))
    validation = None if data.validation is None else _row_numbers(where, "validation", data.validation, rows)
    return data.replace(train=_row_numbers(where, "train", data.train, rows), validation=validation)


def _row_numbers(where: str, name: str, given: Any, rows: int) -> Any:
    numbers = given if isinstance(given, jax.Array) else np.asarray(given)
    if numbers.ndim != 1 or numbers.size == 0 or numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= rows:
        advice = "Write numpy.flatnonzero of a mask." if numbers.dtype.kind == "b" else ""
        raise ValueError(sentence(where, f"data.{name}", f"row numbers from 0 to {rows - 1}", repr(given)[:60], advice))
    return numbers.astype(np.int32)


def _held_out(data: Data, share: float, seed: np.ndarray) -> Data:
    """The training rows split in two: a share of them to validate on."""
    rows, classes = np.asarray(data.train), classes_of(data.y)
    train, held_out = split_rows(len(rows), share, seed=int(seed[1]), classes=None if classes is None else classes[rows])
    return data.replace(train=rows[train], validation=rows[held_out])


def _joined(where: str, data: Data, other: Data) -> Data:
    """With the other examples after its own, to validate on. Raises ValueError where they are not alike."""
    first = count_rows(where, (data.x, data.y))
    weights: tuple[Any, Any] = (None, None)
    if data.weight is not None or other.weight is not None:  # rows without a weight beside rows with one count 1
        weights = _weight(data, first), _weight(other, len(other.train))
    x, y, weight = _join(where, (data.x, data.y, weights[0]), (other.x, other.y, weights[1]))
    return data.replace(x=x, y=y, weight=weight, validation=first + other.train)


def _weight(data: Data, rows: int) -> np.ndarray:
    return np.ones(rows) if data.weight is None else np.asarray(data.weight, float)


def _join(where: str, examples: Any, other: Any) -> Any:
    """The rows of both, in the floating-point precision of the first."""

    def describe(leaf: Any) -> str:
        kind = "floating-point" if jnp.issubdtype(leaf.dtype, jnp.floating) else "whole"
        return f"{kind} {leaf.shape[1:]}"

    def join(first: Any, second: Any) -> np.ndarray:
        dtype = first.dtype if jnp.issubdtype(first.dtype, jnp.floating) else None
        return as_examples(where, "validation", np.concatenate([first, second], dtype=dtype))

    expected, got = jax.tree.map(describe, examples), jax.tree.map(describe, other)
    if expected != got:
        raise ValueError(sentence(where, "validation", f"rows like those of data, {expected}", got))
    return jax.tree.map(join, examples, other)
