"""What the host does between the pieces of a run: callbacks, checkpoints, signals. No number changes by any of them."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, NoReturn

from jaxnn.checkpoints import Keeper
from jaxnn.loop import State
from jaxnn.pieces import Program, Standing

Callback = Callable[[int, Mapping[str, float]], None]
"""Called after each epoch with its number, counted from 1, and its metrics."""


def with_callback(program: Program, begin: Callable[[], State], callback: Callback) -> Standing:
    """The run, with the callback told of its epochs: of one at a time where they are slow, of some one after the other where not."""
    told = Standing(begin(), {})
    for now in program.by_time(told):
        for epoch in range(told.epochs, now.epochs):
            callback(epoch + 1, {name: float(values[epoch]) for name, values in now.history.items()})
        told = now
    return told


def with_checkpoints(program: Program, keeper: Keeper, begin: Callable[[], State], like: State, callback: Callback | None) -> Standing:
    """The run from its newest checkpoint, or else its beginning, saved on the way and at its end.

    SIGTERM and Ctrl-C are heeded after the piece that is running: the state is saved, then SystemExit with status 143 or
    KeyboardInterrupt say how to go on. A second one ends the process at once.
    """
    epochs, plan = program.recipe.epochs, keeper.plan
    with noted_signals() as signals:
        with closing(keeper):
            now = keeper.latest(like, epochs) or Standing(begin(), {})
            length = plan.ahead if callback is None else one
            pieces = program.by_epochs(now, length) if plan.steps is None else program.by_steps(now, plan.steps)
            saved = time.monotonic()
            for now in _told(pieces, callback):
                if signals or now.ended(epochs) or plan.due(now.epochs, now.steps, time.monotonic() - saved):
                    keeper.save(now)
                    saved = time.monotonic()
                if signals:
                    break
        if signals:
            inside = f" and step {now.steps} of the next" if now.steps else ""
            _leave(signals[0], f"after epoch {now.epochs} of {epochs}{inside}; the state is saved in {keeper.folder}.")
    return now


def one(epoch: int) -> int:
    """A piece of one epoch, wherever the run stands."""
    del epoch
    return 1


def _told(pieces: Iterator[Standing], callback: Callback | None) -> Iterator[Standing]:
    for now in pieces:
        if callback is not None and not now.steps:
            callback(now.epochs, {name: float(values[-1]) for name, values in now.history.items()})
        yield now


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """A list that receives SIGINT and SIGTERM while the block runs, in place of their ending it; the second one does end it.

    Signals that are ignored stay so, and in threads other than the main one, which Python hands none, nothing is changed.
    """
    noted: list[int] = []

    def note(number: int, frame: Any) -> None:
        del frame
        if noted:
            _leave(number, "before the state could be saved.")
        noted.append(number)

    known = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.getsignal(number) for number in known}
    before = {number: handler for number, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    for number in before:
        signal.signal(number, note)
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, standing: str) -> NoReturn:
    told = f"Stopped by {signal.Signals(number).name} {standing} Call fit with the same arguments to go on."
    if number == signal.SIGINT:
        raise KeyboardInterrupt(told)
    sys.stderr.write(f"{told}\n")
    raise SystemExit(128 + number)
