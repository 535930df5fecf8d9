"""What a writer is, and several as one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from jaxnn.checks import sentence

Callback = Callable[[int, Mapping[str, float]], None]
"""Takes the number of an epoch, counted from 1, and its metrics."""


class Writer(ABC):
    """A callback that may hold something open until ``close``, or until it is thrown away.

    closing: what lets go of it, for instance a ``weakref.finalize``; called a second time it does nothing.
    """

    closing: Callable[[], object] = staticmethod(lambda: None)

    @abstractmethod
    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Takes one epoch."""

    def close(self) -> None:
        """Lets go of what it holds."""
        self.closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Several(Writer):
    """Callbacks called one after the other; closing it closes those of them that are writers."""

    def __init__(self, *callbacks: Callback) -> None:
        for index, callback in enumerate(callbacks):
            if not callable(callback):
                raise TypeError(sentence("several", f"callbacks[{index}]", "a function of (epoch, metrics)", repr(callback)[:60]))
        self.callbacks = callbacks

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        for callback in self.callbacks:
            callback(epoch, metrics)

    def close(self) -> None:
        for callback in self.callbacks:
            if isinstance(callback, Writer):
                callback.close()


def several(*callbacks: Callback) -> Several:
    """One callback of many, called in their order.

    >>> seen = []
    >>> both = several(lambda epoch, metrics: seen.append(epoch), lambda epoch, metrics: seen.append(metrics["loss"]))
    >>> both(1, {"loss": 0.5})
    >>> seen
    [1, 0.5]
    """
    return Several(*callbacks)
