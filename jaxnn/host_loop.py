"""A run in pieces: what the host does between epochs. Callbacks, checkpoints, signals; no number changes by any of them."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, NoReturn

import jax
import numpy as np

from jaxnn.checkpoints import History, Keeper
from jaxnn.loop import State, Status
from jaxnn.typing import Metrics

Callback = Callable[[int, Mapping[str, float]], None]
"""Called after each epoch with its number, counted from 1, and its metrics."""
GoOn = Callable[[State, int], tuple[State, Metrics]]
"""The state so many epochs on, and the metrics of these epochs."""


def one(epoch: int) -> int:
    """A piece of one epoch, wherever the run stands."""
    del epoch
    return 1


def in_pieces(
    go_on: GoOn, state: State, history: History, epochs: int, *, callback: Callback | None, length: Callable[[int], int] = one
) -> Iterator[tuple[State, History]]:
    """State and history so far after each piece, until the run has stopped or so many epochs are behind it.

    length: epochs of the next piece, by those behind; a callback sees the last of a piece.
    """
    while not _ended(state, epochs):
        behind = int(state.epoch)
        state, metrics = go_on(state, min(length(behind), epochs - behind))
        history = _longer(history, jax.device_get(metrics), int(state.epoch) + (int(state.status) == Status.DIVERGED))
        if callback is not None:
            callback(_rows(history), {name: float(values[-1]) for name, values in history.items()})
        yield state, history


def with_checkpoints(
    keeper: Keeper, begin: Callable[[], State], like: State, go_on: GoOn, epochs: int, *, callback: Callback | None
) -> tuple[State, History]:
    """The run from its newest checkpoint, or else its beginning, saved on the way and at its end.

    SIGTERM and Ctrl-C are heeded after the piece that is running: the state is saved, then SystemExit with status 143 or
    KeyboardInterrupt say how to go on. A second one ends the process at once.
    """
    length = keeper.plan.ahead if callback is None else one
    with noted_signals() as signals:
        with closing(keeper):
            first = now = keeper.latest(like, epochs) or (begin(), {})
            saved = time.monotonic()
            for now in in_pieces(go_on, *first, epochs, callback=callback, length=length):
                if signals or _ended(now[0], epochs) or keeper.plan.due(_rows(now[1]), time.monotonic() - saved):
                    keeper.save(*now)
                    saved = time.monotonic()
                if signals:
                    break
        if signals:
            _leave(signals[0], f"after epoch {_rows(now[1])} of {epochs}; the state is saved in {keeper.folder}.")
    return now


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


def _ended(state: State, epochs: int) -> bool:
    return int(state.status) != Status.RUNNING or int(state.epoch) >= epochs


def _longer(history: History, metrics: Mapping[str, np.ndarray], rows: int) -> History:
    """The history with those metrics behind it, without epochs after the end of the run."""
    return {name: np.concatenate([history[name], values] if history else [values])[:rows] for name, values in metrics.items()}


def _rows(history: History) -> int:
    return len(next(iter(history.values()), ()))
