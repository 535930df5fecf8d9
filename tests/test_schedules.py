"""Schedules: optax's numbers at every step though all of theirs are traced, dtypes, slopes, runs, and what is refused."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import Recipe, ReduceOnPlateau, advance, fit, fit_many, optimizer, optimizers, schedules, start
from jaxnn.compiling import compiled
from jaxnn.schedules import Cosine, Linear, Piecewise, Staircase, WarmUp, steps_per_epoch
from jaxnn.training import as_data, key_data
from tests.catalogue_of_tasks import SCHEDULES
from tests.programs import quick_jit, watched
from tests.samples import plane, regression
from tests.tolerances import precision

STEPS = np.arange(160)


def cycles(lengths, peaks, alpha=0.0):
    """optax's SGDR: its cosines, whose warm-up is of no steps, one after the other."""
    return optax.sgdr_schedule(
        [
            {"init_value": peak, "peak_value": peak, "warmup_steps": 0, "decay_steps": length, "end_value": alpha * peak}
            for length, peak in zip(lengths, peaks, strict=True)
        ]
    )


def triangles(low, highs, steps):
    ways = [optax.linear_schedule(*way, steps) for high in highs for way in ((low, high), (high, low))]
    return optax.join_schedules(ways, [steps * number for number in range(1, len(ways))])


ORACLES = {
    "Constant": optax.constant_schedule(0.3),
    "Cosine": optax.cosine_decay_schedule(0.5, 50),
    "Cosine to a part": optax.cosine_decay_schedule(0.5, 50, 0.2),
    "Cyclic": triangles(0.1, [0.5] * 8, 10),
    "Cyclic of falling height": triangles(0.1, [0.1 + 0.4 / 2**number for number in range(8)], 10),
    "Exponential": optax.exponential_decay(0.5, 30, 0.1),
    "Exponential that grows": optax.exponential_decay(1e-3, 1, 1.05),
    "Linear": optax.linear_schedule(0.5, 0.1, 40),
    "Linear that rises": optax.linear_schedule(0.0, 0.4, 1),
    "LinearOneCycle": optax.linear_onecycle_schedule(70, 0.5),
    "LinearOneCycle without a rise": optax.linear_onecycle_schedule(70, 0.5, 0.0, 0.5, 10.0, 100.0),
    "OneCycle": optax.cosine_onecycle_schedule(70, 0.5),
    "OneCycle without a rise": optax.cosine_onecycle_schedule(7, 0.5, 0.0, 2.0, 3.0),
    "Piecewise": optax.piecewise_constant_schedule(0.5, {0: 0.5, 20: 0.1}),
    "Piecewise of one": optax.piecewise_constant_schedule(0.5, {}),
    "Polynomial": optax.polynomial_schedule(0.5, 0.1, 2.0, 40),
    "Polynomial of a root": lambda step: 0.5 * jnp.sqrt(jnp.maximum(1 - step / 40, 0)),
    "Power": lambda step: 0.5 / (1 + step / 20),
    "Power of a root": lambda step: 0.5 / jnp.sqrt(1 + step / 20),
    "Staircase": optax.exponential_decay(0.5, 7, 0.5, staircase=True),
    "WarmRestarts": cycles([9] * 20, [0.5] * 20),
    "WarmRestarts ever longer": cycles([5 * 2**number for number in range(6)], [0.5 * 0.8**number for number in range(6)], 0.1),
    "WarmRestarts a little longer": cycles([10, 13, 17, 22, 28, 38, 48], [0.5] * 7),
    "WarmUp": optax.warmup_cosine_decay_schedule(0.0, 0.5, 20, 80, 0.05),
    "WarmUp of no steps": optax.warmup_exponential_decay_schedule(0.0, 0.5, 0, 10, 0.1),
    "WarmUp from a number": optax.warmup_constant_schedule(0.1, 0.5, 30),
}
"""The same in optax, where optax has it; ends of growing cycles are rounded to whole steps."""


def all_at(made, steps):
    return {name: schedule(steps) for name, schedule in made.items()}


ours = quick_jit(all_at)
at = quick_jit(lambda schedule, steps: schedule(steps))


@pytest.fixture(scope="module", params=["float32", "float64"])
def both(request):
    """The numbers of all schedules at all steps, each of them traced, and optax's."""
    with precision(request.param), jax.numpy_dtype_promotion("standard"):
        made = jax.tree.map(lambda leaf: np.asarray(leaf, request.param), {name: make() for name, make in SCHEDULES.items()})
        theirs = quick_jit(lambda steps: {name: jax.vmap(oracle)(steps) for name, oracle in ORACLES.items()})(STEPS)
        with jax.numpy_dtype_promotion("strict"):
            return request.param, ours(made, STEPS), theirs


@pytest.mark.parametrize("name", SCHEDULES)
def test_equal_to_optax_at_every_step(both, name):
    dtype, made, theirs = both
    assert made[name].dtype == dtype
    np.testing.assert_allclose(made[name], theirs[name], rtol=0, atol=1e-6 if dtype == "float32" else 1e-13)


def test_one_program_for_all_numbers_of_all_schedules():
    made = jax.tree.map(np.float32, {name: make() for name, make in SCHEDULES.items()})
    ours(made, STEPS)
    with watched() as events:
        others = ours(jax.tree.map(lambda leaf: np.float32(1.01) * leaf, made), STEPS)
    assert not events.compiled["jit(all_at)"] and not events.traced["all_at"]
    assert all(np.isfinite(values).all() for values in others.values())


def test_slopes_by_every_number_are_finite_at_every_step():
    made = jax.tree.map(np.float32, {name: make() for name, make in SCHEDULES.items()})
    slopes = quick_jit(jax.grad(lambda made: sum(values.sum() for values in all_at(made, STEPS).values())))(made)  # a NaN stays one
    for path, leaf in jax.tree.leaves_with_path(slopes):
        assert np.isfinite(leaf), jax.tree_util.keystr(path)


@pytest.mark.parametrize(("steps", "growth"), [(1000, 2.0), (100, 1.0), (7, 1.5), (50, 1.0001), (3000, 3.0)])
def test_no_restart_is_a_step_too_early_or_too_late(steps, growth):
    starts = [
        round(steps * (number if growth == 1 else (growth**number - 1) / (growth - 1))) for number in range(2000 if growth == 1 else 15)
    ]
    starts = np.array([start for start in starts if start < 200_000])
    rates = at(jax.tree.map(np.float32, schedules.WarmRestarts(1.0, steps=steps, growth=growth)), np.concatenate([starts, starts[1:] - 1]))
    np.testing.assert_array_equal(rates[: len(starts)], 1)
    assert (rates[len(starts) :] < 0.2).all()


def test_plain_numbers_and_single_steps_do_too():
    assert Cosine(1e-3, steps=10)(5).dtype == jnp.float32 and float(Cosine(1e-3, steps=10)(jnp.int32(5))) == pytest.approx(5e-4)
    assert Cosine(np.float64(1e-3), steps=np.int64(10))([0, 10]).shape == (2,)


@pytest.mark.parametrize(("rows", "batch_size", "steps"), [(22, 8, 3), (24, 8, 3), (5, 32, 1), (1, 1, 1)])
def test_steps_of_an_epoch_are_those_of_the_run(rows, batch_size, steps):
    assert steps_per_epoch(rows, batch_size) == steps
    with pytest.raises(ValueError, match="steps_per_epoch: batch_size must be a whole number >= 1, got 0"):
        steps_per_epoch(rows, 0)


def scheduled(**arguments) -> Recipe:
    return regression(optimizer=optimizer(**({"function": "sgd"} | arguments)))


def history(recipe: Recipe):
    """As of ``fit``, by programs that are compiled sooner."""
    data = as_data("test", plane(), None, key_data(0))
    state = compiled(start, once=True)(recipe, data, key_data(0), np.int32(0))
    return compiled(advance, once=True, static=("epochs",))(recipe, state, data, epochs=3)[1]


def test_history_has_each_scheduled_number_as_it_was_in_the_last_step_of_the_epoch():
    schedule, momentum = WarmUp(Cosine(0.1, steps=6), steps=2), Linear(0.5, 0.9, steps=4)
    recipe = scheduled(learning_rate=schedule, momentum=momentum)
    seen = history(recipe)
    np.testing.assert_allclose(seen["learning_rate"], schedule(np.array([2, 5, 8])), rtol=1e-6)
    np.testing.assert_allclose(seen["momentum"], momentum(np.array([2, 5, 8])), rtol=1e-6)
    with precision("float64"):
        data = as_data("test", plane(dtype="float64"), None, key_data(0))
        double = jax.eval_shape(lambda recipe: advance(recipe, start(recipe, data, key_data(0), 0), data, epochs=1)[1], recipe)
    assert {metric.dtype for metric in double.values()} == {np.dtype("float64")}


def test_a_run_is_that_of_optax_with_its_own_schedule():
    oracle = optax.warmup_cosine_decay_schedule(0.0, 0.1, 2, 8)
    ours, theirs = (history(scheduled(function="adam", learning_rate=rate)) for rate in (WarmUp(Cosine(0.1, steps=6), steps=2), oracle))
    for name in ("loss", "learning_rate"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5)


def test_a_constant_schedule_is_the_number():
    constant, plain = (history(scheduled(learning_rate=rate)) for rate in (schedules.Constant(0.1), 0.1))
    np.testing.assert_array_equal(constant["learning_rate"], np.full(3, 0.1, np.float32))
    np.testing.assert_array_equal(plain["learning_rate"], constant["learning_rate"])
    assert constant.keys() == plain.keys()
    np.testing.assert_allclose(constant["loss"], plain["loss"], rtol=1e-6)


def test_an_optimizer_without_a_learning_rate_has_none_in_the_history():
    assert not optimizer("polyak_sgd").rates(None) and not optimizer("adafactor", learning_rate=None).rates(None)


def test_what_a_plateau_makes_of_the_learning_rate_is_in_the_history():
    made = optimizers(a=optimizer("sgd", learning_rate=0.5), b=optimizer("adam", learning_rate=schedules.Constant(0.1), b1=0.5))
    state = made.build().init(dict.fromkeys("ab", jnp.ones(2)))
    assert {name: round(float(rate), 4) for name, rate in made.rates(state, 0.5).items()} == {
        "a_learning_rate": 0.25,
        "b_learning_rate": 0.05,
    }
    stopped = scheduled(learning_rate=0.1).replace(plateau=ReduceOnPlateau(monitor="loss", patience=1, min_delta=1e6, factor=0.5))
    np.testing.assert_allclose(history(stopped)["learning_rate"], [0.1, 0.1, 0.05], rtol=1e-6)


def test_a_sweep_over_all_numbers_of_a_schedule_is_one_program():
    rates = [WarmUp(Cosine(rate, steps=steps, alpha=alpha), steps=warm) for rate, steps, alpha, warm in [(0.1, 6, 0, 2), (0.2, 9, 0.5, 0)]]
    with watched() as events:
        runs = fit_many([scheduled(learning_rate=rate, momentum=0.25, nesterov=True) for rate in rates], plane())
    assert events.compiled["jit(advance)"] == 1
    for run, rate in zip(runs, rates, strict=True):
        np.testing.assert_allclose(run.history["learning_rate"], rate(np.array([2, 5, 8])), rtol=1e-6)


def test_parts_have_names_of_their_own():
    made = optimizers(
        b=optimizer("adam", learning_rate=Linear(0.5, 0.1, steps=4)),
        a=optimizer("sgd", learning_rate=Cosine(0.5, steps=4), momentum=0.5),
        c=optimizer("sgd", learning_rate=0.1),
        d=None,
    )
    params = dict.fromkeys("abcd", jnp.ones(2))

    @quick_jit
    def before_and_after(made):
        built = made.build()
        with jax.numpy_dtype_promotion("standard"):
            first = second = built.init(params)
            for _ in range(2):
                second = built.update(params, second, params)[1]
        return made.rates(first), made.rates(second)

    first, second = ({name: round(float(value), 4) for name, value in rates.items()} for rates in before_and_after(made))
    assert first == {"a_learning_rate": 0.5, "b_learning_rate": 0.5, "c_learning_rate": 0.1}
    assert second == {"a_learning_rate": 0.4268, "b_learning_rate": 0.4, "c_learning_rate": 0.1}


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (
            lambda: Piecewise((0.1, 0.2), boundaries=(1, 2)),
            ValueError,
            "Piecewise: values must be 3 numbers, one more than boundaries, got 2",
        ),
        (lambda: Piecewise((0.1, 0.2, 0.3), boundaries=(2, 1)), ValueError, r"Piecewise: boundaries must be ascending, got \(2, 1\)"),
        (lambda: Piecewise([0.1], boundaries=()), TypeError, "Piecewise: values and boundaries must be tuples of numbers"),
        (lambda: WarmUp(0.1, steps=3), TypeError, r"WarmUp: then must be a schedule, got 0\.1\. For a number write Constant\(0\.1\)"),
        (
            lambda: fit(scheduled(learning_rate=Cosine(0.1, steps=0)), plane()),
            ValueError,
            r"fit: optimizer\.numbers\.learning_rate\.steps must be in \[1, inf\), got 0",
        ),
        (
            lambda: fit(scheduled(learning_rate=WarmUp(Staircase(0.1, steps=2, factor=math.nan), steps=3)), plane()),
            ValueError,
            r"fit: optimizer\.numbers\.learning_rate\.then\.factor must be in \(0, inf\), got nan",
        ),
    ],
)
def test_mistakes(make, error, match):
    with pytest.raises(error, match=match):
        make()
