"""What the host does between the pieces of a run: callbacks, checkpoints, signals. No number changes by any of them."""

import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, NoReturn

from jaxnn.checkpoints import Keeper
from jaxnn.checks import sentence
from jaxnn.loop import State
from jaxnn.pieces import Standing

Callback = Callable[[int, Mapping[str, float]], None]
"""Called after each epoch with its number, counted from 1, and its metrics."""
Pieces = Callable[[Standing], Iterator[Standing]]
"""From where a run stands to what follows, piece by piece, until it ends."""


def check_callback(where: str, callback: Any) -> None:
    """Refuses what is neither None nor can be called. Raises TypeError."""
    if callback is not None and not callable(callback):
        raise TypeError(sentence(where, "callback", "a function of (epoch, metrics)", repr(callback)[:60]))


def with_callback(pieces: Pieces, begin: Callable[[], State], callback: Callback | None) -> Standing:
    """The run from its beginning, with the callback told of its epochs: of one at a time where they are slow, of some where not."""
    return deque(_told(pieces, Standing(begin(), {}), callback), maxlen=1).pop()


def with_checkpoints(
    pieces: Pieces, epochs: int, keeper: Keeper, begin: Callable[[], State], like: State, callback: Callback | None
) -> Standing:
    """The run from its newest checkpoint, or else its beginning, saved on the way and at its end.

    SIGTERM and Ctrl-C are heeded after the piece that is running: the state is saved, then SystemExit with status 143 or
    KeyboardInterrupt say how to go on. A second one ends the process at once.
    """
    with noted_signals(keeper.where) as signals:
        with closing(keeper):
            now = keeper.latest(like, epochs) or Standing(begin(), {})
            saved = time.monotonic()
            with closing(_told(pieces, now, callback)) as told:
                for now in told:
                    if signals or now.ended(epochs) or keeper.plan.due(now.epochs, now.steps, time.monotonic() - saved):
                        keeper.save(now)
                        saved = time.monotonic()
                    if signals:
                        break
        if signals:
            inside = f" and step {now.steps} of the next" if now.steps else ""
            standing = f"after epoch {now.epochs} of {epochs}{inside}; the state is saved in {keeper.folder}."
            _leave(signals[0], standing, keeper.where)
    return now


def _told(pieces: Pieces, now: Standing, callback: Callback | None) -> Generator[Standing, None, None]:
    """What follows, with the callback told of each epoch that has ended."""
    for after in pieces(now):
        for epoch in range(now.epochs, after.epochs):
            if callback is not None:
                callback(epoch + 1, {name: float(values[epoch]) for name, values in after.history.items()})
        now = after
        yield now


@contextmanager
def noted_signals(where: str = "fit") -> Iterator[list[int]]:
    """A list that receives SIGINT and SIGTERM while the block runs, in place of their ending it; the second one does end it.

    where: what the user called, for messages. Signals that are ignored stay so, and in threads other than the main one, which Python
    hands none, nothing is changed.
    """
    noted: list[int] = []

    def note(number: int, frame: Any) -> None:
        del frame
        if noted:
            _leave(number, "before the state could be saved.", where)
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


def _leave(number: int, standing: str, where: str) -> NoReturn:
    told = f"Stopped by {signal.Signals(number).name} {standing} Call {where} with the same arguments to go on."
    if number == signal.SIGINT:
        raise KeyboardInterrupt(told)
    sys.stderr.write(f"{told}\n")
    raise SystemExit(128 + number)
