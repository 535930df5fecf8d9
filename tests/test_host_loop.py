"""SIGTERM and Ctrl-C: the state is saved, one sentence says how to go on, and the run ends where it would have ended."""

import itertools
import signal
import threading

import pytest

from jaxnn.host_loop import noted_signals
from jaxnn.pieces import Program
from tests.checkpointed import EPOCHS, assert_same_run, run_in, saved, straight_run

HOW = r"Stopped by {name} after epoch 3 of 7; the state is saved in .*\. Call fit with the same arguments to go on\."


def sending(number: int, *, at: int = 3, times: int = 1):
    """A callback at which such a signal arrives."""

    def callback(epoch, metrics):
        for _ in range(times if epoch == at else 0):
            signal.raise_signal(number)

    return callback


def handlers():
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path):
    before = handlers()
    with pytest.raises(KeyboardInterrupt, match=HOW.format(name="SIGINT")):
        run_in(tmp_path, every=None, seconds=0, callback=sending(signal.SIGINT))
    assert (saved(tmp_path), handlers()) == (["epoch-2", "epoch-3"], before)
    assert_same_run(run_in(tmp_path), straight_run())


def test_ctrl_c_where_only_the_clock_counts_ends_after_the_piece_that_is_running(tmp_path):
    with pytest.raises(KeyboardInterrupt, match=r"Stopped by SIGINT after epoch [1-7] of 7; the state is saved in"):
        run_in(tmp_path, every=None, callback=sending(signal.SIGINT, at=1))
    assert len(saved(tmp_path)) == 1
    assert_same_run(run_in(tmp_path, every=None), straight_run())


def test_ctrl_c_inside_of_an_epoch_saves_there(tmp_path, monkeypatch):
    on, count = Program._on, itertools.count(1)

    def interrupted(*arguments):
        if next(count) == 3:
            signal.raise_signal(signal.SIGINT)
        return on(*arguments)

    with monkeypatch.context() as running:
        running.setattr(Program, "_on", interrupted)
        with pytest.raises(KeyboardInterrupt, match=r"Stopped by SIGINT after epoch 1 of 7 and step 1 of the next; the state is saved in"):
            run_in(tmp_path, every=None, steps=1)
    assert saved(tmp_path) == ["epoch-1.step-1"]
    assert_same_run(run_in(tmp_path, every=None, steps=1), straight_run())


def test_sigterm_saves_says_how_to_go_on_and_ends_the_process(tmp_path, capsys):
    before = handlers()
    with pytest.raises(SystemExit) as ended:
        run_in(tmp_path, every=None, seconds=0, callback=sending(signal.SIGTERM))
    assert ended.value.code == 143
    assert capsys.readouterr().err.startswith("Stopped by SIGTERM after epoch 3 of 7; the state is saved in ")
    assert (saved(tmp_path), handlers()) == (["epoch-2", "epoch-3"], before)
    assert_same_run(run_in(tmp_path), straight_run())


def test_a_second_ctrl_c_ends_at_once_and_leaves_what_was_saved(tmp_path):
    with pytest.raises(KeyboardInterrupt, match=r"before the state could be saved\. Call fit with the same arguments"):
        run_in(tmp_path, callback=sending(signal.SIGINT, times=2))
    assert saved(tmp_path) == ["epoch-1", "epoch-2"]
    assert_same_run(run_in(tmp_path), straight_run())


def test_ctrl_c_in_the_last_epoch_is_not_lost(tmp_path):
    with pytest.raises(KeyboardInterrupt, match=f"after epoch {EPOCHS} of {EPOCHS}"):
        run_in(tmp_path, callback=sending(signal.SIGINT, at=EPOCHS))
    assert_same_run(run_in(tmp_path), straight_run())


def test_a_callback_that_raises_leaves_what_was_saved(tmp_path):
    def callback(epoch, metrics):
        if epoch == 3:
            raise RuntimeError("of the user's own")

    with pytest.raises(RuntimeError, match="of the user's own"):
        run_in(tmp_path, callback=callback)
    assert saved(tmp_path) == ["epoch-1", "epoch-2"]


def test_signals_that_are_ignored_stay_so():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with noted_signals() as noted:
            signal.raise_signal(signal.SIGTERM)
        assert noted == []
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_leave_signals_alone():
    found = []

    def run():
        with noted_signals():
            found.append(handlers())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [handlers()]
