"""fit_stream with checkpoints: left after any block, for whatever reason, the same call ends where the run in memory ends."""

import itertools
import signal

import numpy as np
import optax
import pytest

from jaxnn import Checkpoints, EarlyStopping, fit, fit_stream, optimizer
from jaxnn.checkpoints import Keeper
from jaxnn.data import streaming
from jaxnn.streams import Streamed
from tests.checkpointed import CutError, assert_same_run, saved
from tests.programs import watched
from tests.samples import WIDTH, blobs, classification

ROWS, EPOCHS = 600, 4
"""Three steps of 256 rows and less, each a block."""
BLOCK = 256 * 4 * (WIDTH + 1)
X, Y = blobs(ROWS)
HELD = blobs(20, seed=1)


def recipe():
    adam = optimizer(optax.adam, learning_rate=0.05)
    rules = {"early_stopping": EarlyStopping(patience=EPOCHS), "epochs": EPOCHS, "batch_size": 256}
    return classification(dropout=0.2, l2=1e-3, optimizer=adam, **rules)


def run_in(folder, *, x=X, y=Y, name="arrays", **options):
    plan = {"every": 1} | {name: options.pop(name) for name in ("every", "seconds", "keep") if name in options}
    options = {"validation": HELD, "key": 4, "block_bytes": BLOCK} | options
    return fit_stream(recipe(), streaming.arrays(x, y, name=name), checkpoints=Checkpoints(folder, **plan), **options)


@pytest.fixture(scope="module")
def straight():
    return fit(recipe(), (X, Y), validation=HELD, key=4)


@pytest.fixture
def cut_at_every(monkeypatch):
    """Ends a run at every so manieth save, once that is written."""

    def cut(number):
        save, count = Keeper.save, itertools.count(1)

        def save_and_end(keeper, now):
            save(keeper, now)
            if next(count) % number == 0:
                raise CutError

        monkeypatch.setattr(Keeper, "save", save_and_end)

    return cut


def test_left_at_every_block_it_ends_where_the_run_in_memory_ends(straight, tmp_path, cut_at_every):
    cut_at_every(1)
    seen = []
    for epoch, block in itertools.product(range(EPOCHS), (1, 2, 0)):
        with pytest.raises(CutError):
            run_in(tmp_path, seconds=0, callback=lambda epoch, metrics: seen.append((epoch, metrics["loss"])))
        assert (f"epoch-{epoch}.step-{block}" if block else f"epoch-{epoch + 1}") in saved(tmp_path)
    assert_same_run(run_in(tmp_path, seconds=0), straight)
    assert seen == list(enumerate(straight.history["loss"].tolist(), start=1))


def test_an_epoch_that_was_begun_in_other_blocks_begins_again(straight, tmp_path, cut_at_every, monkeypatch):
    cut_at_every(4)
    with pytest.raises(CutError):
        run_in(tmp_path, seconds=0)
    assert saved(tmp_path) == ["epoch-1", "epoch-1.step-1"]
    monkeypatch.undo()
    assert_same_run(run_in(tmp_path, block_bytes=1 << 20), straight)


def test_a_run_that_has_ended_is_returned_at_once(straight, tmp_path):
    run_in(tmp_path, every=None)
    assert saved(tmp_path) == [f"epoch-{EPOCHS}"]
    with watched() as events:
        run = run_in(tmp_path, callback=lambda epoch, metrics: pytest.fail("there is nothing left to do"))
    assert_same_run(run, straight)
    assert not events.compiled


def test_ctrl_c_in_a_callback_saves_and_says_how_to_go_on(straight, tmp_path):
    def callback(epoch, metrics):
        if epoch == 2:
            signal.raise_signal(signal.SIGINT)

    told = r"Stopped by SIGINT after epoch 2 of 4; the state is saved in .*\. Call fit_stream with the same arguments to go on\."
    with pytest.raises(KeyboardInterrupt, match=told):
        run_in(tmp_path, every=None, callback=callback)
    assert saved(tmp_path) == ["epoch-2"]
    assert_same_run(run_in(tmp_path), straight)


def test_sigterm_is_heeded_after_the_block(straight, tmp_path, monkeypatch, capsys):
    on, count = Streamed._on, itertools.count(1)

    def interrupted(*arguments):
        if next(count) == 5:
            signal.raise_signal(signal.SIGTERM)
        return on(*arguments)

    with monkeypatch.context() as running:
        running.setattr(Streamed, "_on", interrupted)
        with pytest.raises(SystemExit):
            run_in(tmp_path, every=None)
    assert capsys.readouterr().err.startswith("Stopped by SIGTERM after epoch 1 of 4 and step 2 of the next; the state is saved in ")
    assert saved(tmp_path) == ["epoch-1.step-2"]
    assert_same_run(run_in(tmp_path), straight)


# Another source -------------------------------------------------------------------------------------------------------------


def changed(array, row):
    array = array.copy()
    array[row] = array[row - 1]
    return array


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    run_in(folder)
    return folder


@pytest.mark.parametrize(
    "change",
    [
        {"x": changed(X, 255)},
        {"x": changed(X, ROWS - 1)},
        {"x": changed(X, 300)},
        {"x": X[:-1], "y": Y[:-1]},
        {"x": X.astype(np.float64)},
        {"validation": blobs(20, seed=2)},
    ],
    ids=["among the first rows", "the last row", "one of the rows that are looked at", "fewer rows", "another dtype", "validation"],
)
def test_another_source_is_refused(change, folder):
    with pytest.raises(ValueError, match=r"fit_stream: .*epoch-4 is a checkpoint of another run: data is .* Use another folder"):
        run_in(folder, **change)


def test_a_file_of_another_name_with_the_same_rows_is_the_same_source(straight, folder):
    assert_same_run(run_in(folder, name="moved"), straight)


def test_a_path_is_not_yet_a_plan():
    with pytest.raises(TypeError, match=r"fit_stream: checkpoints must be made as in Checkpoints\('runs/digits'\), got 'runs'"):
        fit_stream(recipe(), streaming.arrays(X, Y), validation=HELD, checkpoints="runs")
