"""float64 by a recipe's choice: the numbers of a JAX that is set to it for all, and a setting that nobody has touched."""

from contextlib import suppress
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import (
    Averaging,
    Checkpoints,
    Choice,
    EarlyStopping,
    Grid,
    NextToken,
    Recipe,
    Run,
    fit,
    fit_many,
    fit_stream,
    hypergradient,
    load_model,
    optimizer,
    save_model,
    start,
    summary,
    sweep,
)
from jaxnn.data import streaming
from jaxnn.diagnostics import first_not_finite, landscape, range_test, statistics
from jaxnn.export import save_stablehlo
from jaxnn.keys import key_data
from jaxnn.layers import Chain, Dense, Embedding
from jaxnn.training import as_data
from tests.programs import watched
from tests.samples import WIDTH, blobs, classification, plane, regression
from tests.tolerances import assert_close, assert_same_bits, precision

RULES = {"early_stopping": EarlyStopping(patience=2), "averaging": Averaging(0.9), "l2": 1e-3}
OPTIONS: dict[str, Any] = {"validation": 0.25, "key": 3}


def recipe(choice: str | None = "float64", **fields: Any) -> Recipe:
    adam = optimizer(optax.adam, learning_rate=0.05)
    return classification(**{"dropout": 0.2, "optimizer": adam, "epochs": 4, "precision": choice} | RULES | fields)


@pytest.fixture(autouse=True)
def the_setting_is_left_as_it_was():
    assert not jax.config.jax_enable_x64
    yield
    assert not jax.config.jax_enable_x64 and jnp.ones(1).dtype == "float32"


@pytest.fixture(scope="module")
def run() -> Run:
    return fit(recipe(), blobs(), **OPTIONS)


def assert_same_run(run: Run, other: Run) -> None:
    assert_same_bits((run.params, run.history), (other.params, other.history))
    assert (run.outcome, run.best_epoch) == (other.outcome, other.best_epoch)


def dtypes(tree: Any) -> set[str]:
    return {str(leaf.dtype) for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)}


def test_a_run_is_that_of_a_jax_that_is_set_to_float64(run):
    x, y = blobs()
    with precision("float64"):
        other = fit(recipe(None), (x.astype("float64"), y), **OPTIONS)
    assert_same_run(run, other)
    assert_same_bits((run.predict(x), run.evaluate(x, y)), (other.predict(x), other.evaluate(x, y)))
    assert dtypes((run.params, run.history, run.state, run.predict(x))) == {"float64"}


def test_a_setting_for_all_changes_nothing(run):
    with precision("float64"):
        assert_same_run(fit(recipe(), blobs(), **OPTIONS), run)


def test_digits_that_float32_has_not_are_kept():
    x, y = blobs(dtype="float64")
    run, rounded = fit(recipe(), (x, y), **OPTIONS), fit(recipe(), (x.astype("float32"), y), **OPTIONS)
    assert not np.array_equal(run.params[0]["kernel"], rounded.params[0]["kernel"])
    assert not np.array_equal(run.predict(x), run.predict(x.astype("float32")))
    assert_close((run.params, run.history), (rounded.params, rounded.history), "float32")


def test_lists_and_jax_arrays(run):
    x, y = blobs()
    for data in ((x.tolist(), y), (jnp.asarray(x), jnp.asarray(y))):
        assert_same_run(fit(recipe(), data, **OPTIONS), run)


def test_whole_numbers_stay_whole():
    tokens = np.random.default_rng(0).integers(0, 5, (12, 4)).astype(np.uint8)
    task = NextToken(Chain((Embedding(5, 3), Dense(5))))
    run = fit(Recipe(task, optimizer("adam", learning_rate=0.05), epochs=2, precision="float64"), (tokens, None))
    assert run.examples[0].dtype == "uint8" and dtypes((run.params, run.history, run.predict(tokens))) == {"float64"}


def test_members_of_a_mixed_population_are_the_runs_alone(run):
    recipes = [recipe(), recipe(None), recipe(learning_rate=0.01)]
    members = fit_many(recipes, blobs(), **OPTIONS)
    for member, made in zip(members, recipes, strict=True):
        assert_same_run(member, fit(made, blobs(), member=member.member, **OPTIONS))
    assert_same_run(members[0], run)
    assert [dtypes(member.params) for member in members] == [{"float64"}, {"float32"}, {"float64"}]


def test_folds_and_lanes():
    made = regression(precision="float64")
    alone = fit_many([made], plane(), folds=2)
    beside = fit_many([made], plane(), folds=2, lanes=2)
    for one, other in zip(alone, beside, strict=True):
        assert_close((other.params, other.history), (one.params, one.history))
        assert dtypes((other.params, other.history)) == {"float64"}


def test_a_sweep_may_choose():
    result = sweep(recipe, {"choice": Choice(None, "float64")}, blobs(), search=Grid(), **OPTIONS)
    found = {trial.hyperparameters["choice"]: trial for trial in result.trials}
    assert_same_run(found["float64"].runs[0], fit(recipe(), blobs(), member=found["float64"].number, **OPTIONS))
    assert dtypes(found[None].runs[0].params) == {"float32"} and result.ensemble(2).predict(blobs()[0]).dtype == "float64"


def test_a_model_file_needs_no_setting(run, tmp_path):
    x = blobs(40, seed=5)[0]
    model = load_model(save_model(tmp_path / "model", run))
    assert (model.recipe, model.examples) == (run.recipe, run.examples)
    assert_same_bits((model.params, model.predict(x)), (run.params, run.predict(x)))
    with precision("float64"):
        assert_same_bits(load_model(tmp_path / "model").predict(x), run.predict(x))


class CutError(Exception):
    """What ends a run that is cut."""


@pytest.mark.parametrize("plan", [{"every": 1}, {"seconds": 0, "steps": 2}], ids=["epochs", "steps"])
def test_a_run_that_was_cut_goes_on_to_the_same_end(plan, run, tmp_path):
    def cut(epoch: int, metrics: Any) -> None:
        if epoch == 2:
            raise CutError

    with suppress(CutError):
        fit(recipe(), blobs(), callback=cut, checkpoints=Checkpoints(tmp_path, **plan), **OPTIONS)
    assert not jax.config.jax_enable_x64
    assert_same_run(fit(recipe(), blobs(), checkpoints=Checkpoints(tmp_path, **plan), **OPTIONS), run)


def test_callbacks_and_streams(run):
    x, y = blobs()
    seen: list[int] = []
    assert_same_run(fit(recipe(), (x, y), callback=lambda epoch, metrics: seen.append(epoch), **OPTIONS), run)
    assert seen == list(range(1, len(seen) + 1))
    made, rows = regression(precision="float64"), plane()
    assert_same_run(fit_stream(made, streaming.arrays(*rows)), fit(made, rows))


def test_a_number_that_changes_compiles_nothing_in_either_precision(run):
    fit(recipe(None), blobs(), **OPTIONS)
    with watched() as events:
        for choice in ("float64", None, "float64"):
            fit(recipe(choice, optimizer=optimizer(optax.adam, learning_rate=0.02)), blobs(), **OPTIONS)
        run.predict(blobs()[0])
    assert not any(events.traced[name] for name in ("start", "advance", "_predict")) and not events.compiled


def test_an_exception_leaves_the_setting_as_it_was():
    x, y = blobs()

    def fail(epoch: int, metrics: Any) -> None:
        raise CutError

    with pytest.raises(CutError):
        fit(recipe(), (x, y), callback=fail, **OPTIONS)
    assert not jax.config.jax_enable_x64
    with pytest.raises(ValueError, match="fit: x must be finite numbers"):
        fit(recipe(), (x * np.nan, y), **OPTIONS)


def test_what_looks_at_runs_looks_at_them_in_float64(run, tmp_path):
    x, y = blobs()
    task, descent = run.recipe.task, regression(precision="float64")

    def all_of_it(xs: np.ndarray, made: Recipe) -> Any:
        loss, slopes = hypergradient(made, (xs, xs[:, 0]), validation=0.25)
        rates = range_test(made, (xs, xs[:, 0]), rates=3, steps=4)
        around = landscape(task, run.params, (xs, y), points=3, directions=(run.params,))
        return loss, jax.tree.leaves(slopes), rates.losses, around.losses, statistics(task, run.params, (xs, y)).loss

    ours = all_of_it(x, descent)
    with precision("float64"):
        assert_close(ours, all_of_it(x.astype("float64"), descent))
    found = first_not_finite(descent.replace(optimizer=optimizer(optax.sgd, learning_rate=1e300)), (x, x[:, 0]))
    assert found is not None and found.step > 0  # float32 has no such rate at all
    assert summary(run).model.parameter_bytes == summary(run.recipe, (8, WIDTH)).model.parameter_bytes == 8 * summary(run).model.parameters
    program = jax.export.deserialize(save_stablehlo(tmp_path / "program", run, platforms=("cpu",)).read_bytes())
    with precision("float64"):
        assert_close(program.call(x.astype("float64")), run.predict(x))


def test_data_in_hand_that_are_not_float64_are_refused():
    data = as_data("test", blobs(), None, key_data(0))
    with pytest.raises(ValueError, match=r"advance: data must be float64, as its precision is, got float32\."):
        start(recipe(), data, key_data(0), np.int32(0))
