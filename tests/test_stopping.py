"""Early stopping and smaller steps on a plateau, against plain loops in the words of Keras's documentation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import EarlyStopping, ReduceOnPlateau, fit
from jaxnn.stopping import best_after, no_best, no_plateau, plateau_after
from tests.samples import blobs, classification
from tests.tolerances import assert_same_bits

CURVE = [1.0, 0.8, 0.9, 0.7, 0.75, 0.72, 0.6, 0.65, 0.66, 0.67, 0.5, 0.55, 0.56, 0.57, 0.58]


def ours(rule: EarlyStopping, curve: list[float]) -> tuple[int | None, int]:
    """(the epoch it stops after, the epoch of the best), counted from 1."""
    best = no_best(rule, {"w": jnp.zeros(())}, jnp.float32)
    after = jax.jit(lambda best, value, epoch: best_after(rule, best, {"w": value}, {rule.monitor: value}, epoch))
    for epoch, value in enumerate(curve, start=1):
        best, stop = after(best, jnp.float32(value), jnp.int32(epoch))
        if stop:
            return epoch, int(best.epoch)
    return None, int(best.epoch)


def keras(patience, min_delta=0.0, baseline=None, start_epoch=0, sign=1, curve=CURVE):
    """Keras 3's EarlyStopping: epochs counted from 0; wait goes back to 0 only for an improvement that also beats the baseline."""
    best, best_epoch, wait = np.inf, 0, 0
    for epoch, value in enumerate(curve):
        if epoch < start_epoch:
            continue
        wait += 1
        if sign * value < best - min_delta:
            best, best_epoch = sign * value, epoch + 1
            if baseline is None or sign * value < sign * baseline - min_delta:
                wait = 0
            continue
        if wait >= patience and epoch > 0:
            return epoch + 1, best_epoch
    return None, best_epoch


@pytest.mark.parametrize(
    "arguments",
    [
        {"patience": 1},
        {"patience": 2},
        {"patience": 3},
        {"patience": 4},
        {"patience": 2, "min_delta": 0.15},
        {"patience": 3, "baseline": 0.65},
        {"patience": 5, "baseline": 0.1},
        {"patience": 2, "start_epoch": 5},
        {"patience": 1, "start_epoch": 2, "baseline": 0.9},
    ],
    ids=str,
)
def test_it_stops_where_keras_stops(arguments):
    rule = EarlyStopping(**{name: float(value) for name, value in arguments.items()})
    assert ours(rule, CURVE) == keras(**arguments)
    upside_down = EarlyStopping(
        monitor="validation_accuracy", **{name: float(-v if name == "baseline" else v) for name, v in arguments.items()}
    )
    assert ours(upside_down, [-value for value in CURVE]) == keras(**arguments)


def test_accuracies_are_to_be_large_and_anything_else_as_is_said():
    assert float(EarlyStopping(monitor="accuracy").loss({"accuracy": 0.5})) == -0.5
    assert float(EarlyStopping(monitor="accuracy", mode="min").loss({"accuracy": 0.5})) == 0.5
    assert float(EarlyStopping(monitor="loss", mode="max").loss({"loss": 0.5})) == -0.5
    with pytest.raises(ValueError, match="EarlyStopping: mode must be 'min', 'max' or None, got 'auto'"):
        EarlyStopping(mode="auto")


def reduced_by_hand(rule, curve, cooldown, patience, factor, min_delta, min_scale):
    """Keras 3's ReduceLROnPlateau, for a learning rate that begins at 1."""
    best, wait, cooling, scale, scales = np.inf, 0, 0, 1.0, []
    for value in curve:
        if cooling > 0:
            cooling, wait = cooling - 1, 0
        if value < best - min_delta:
            best, wait = value, 0
        elif cooling <= 0:
            wait += 1
            if wait >= patience and scale > min_scale:
                scale, cooling, wait = max(scale * factor, min_scale), cooldown, 0
        scales.append(scale)
    return scales


@pytest.mark.parametrize("cooldown", [0, 1, 2])
@pytest.mark.parametrize(("patience", "min_scale"), [(1, 0.0), (2, 0.3), (3, 0.0)])
def test_steps_become_smaller_where_keras_makes_them_so(patience, cooldown, min_scale):
    numbers = {"patience": patience, "cooldown": cooldown, "factor": 0.5, "min_delta": 0.01, "min_scale": min_scale}
    rule = ReduceOnPlateau(**{name: float(value) for name, value in numbers.items()})
    plateau, scales = no_plateau(jnp.float32), []
    for value in CURVE:
        plateau = plateau_after(rule, plateau, {"validation_loss": jnp.float32(value)})
        scales.append(float(plateau.scale))
    assert scales == pytest.approx(reduced_by_hand(rule, CURVE, **numbers))


def test_a_run_whose_plateau_is_at_once_takes_smaller_steps():
    always = ReduceOnPlateau(monitor="loss", factor=0.5, patience=1.0, min_delta=1e6)
    run = fit(classification(plateau=always, norms=True, epochs=4), blobs())
    assert float(run.state.plateau.scale) == 0.125  # the first loss is better than none, those after it never by so much
    assert run.history["update_norm"][3] < 0.5 * run.history["update_norm"][0]


def test_without_restoring_the_best_a_run_ends_with_its_last_parameters():
    rule = EarlyStopping(patience=1.0, min_delta=10.0, restore_best=False)
    run = fit(classification(early_stopping=rule, epochs=6), blobs(), validation=0.3)
    assert (run.outcome, run.epochs, run.best_epoch) == ("stopped early", 2, 2)
    assert_same_bits(run.params, jax.tree.map(np.asarray, run.state.params))


def test_the_training_loss_can_be_watched_without_validation_rows():
    run = fit(classification(early_stopping=EarlyStopping(monitor="loss", patience=1.0, min_delta=10.0)), blobs())
    assert run.outcome == "stopped early" and run.best_epoch == 1


def test_a_metric_that_is_not_there_is_refused_by_name():
    rule = EarlyStopping(monitor="validation_acuracy")
    with pytest.raises(
        ValueError, match=r"fit: early_stopping.monitor: there is no metric 'validation_acuracy'. Did you mean validation_acc"
    ):
        fit(classification(early_stopping=rule), blobs(), validation=0.3)
    with pytest.raises(ValueError, match="fit: validation must be given, for plateau watches it"):
        fit(classification(plateau=ReduceOnPlateau()), blobs())
