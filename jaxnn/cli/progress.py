"""What a person sees while it runs: a live bar in a terminal, plain lines elsewhere."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import jax
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from jaxnn.compiling import enable_compilation_cache

LINES = 10
"""Without a terminal a run prints at most about this many lines of progress."""


class Watch:
    """Shows how many of `total` are done and the best so far, as a live bar or as lines."""

    def __init__(self, console: Console, what: str, total: int) -> None:
        self.console, self.what, self.total = console, what, total
        self.done, self.best, self.began = 0, "", time.perf_counter()
        self.score = -math.inf
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[best]}"))
        times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
        self.bar = Progress(*columns, *times, console=console, disable=not console.is_terminal, transient=True)
        self.task = self.bar.add_task(what, total=total, best="")

    def __enter__(self) -> "Watch":
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.bar.stop()

    def step(self, score: float, text: str) -> None:
        """One more is done; `text` describes it and is shown while its score is the best."""
        self.done += 1
        if score > self.score:
            self.score, self.best = score, f"best {text}"
        self.bar.update(self.task, completed=self.done, best=self.best)
        if not self.console.is_terminal and (self.done % max(1, self.total // LINES) == 0 or self.done == self.total):
            self._line()

    def _line(self) -> None:
        left = (time.perf_counter() - self.began) / self.done * (self.total - self.done)
        self.console.print(f"{self.what}: {self.done}/{self.total} done, {self.best}, {left:.0f} s left", highlight=False)


def keep_programs(console: Console) -> None:
    """Turns on the cache of compiled programs; where its folder can't be written, says so and goes on without."""
    try:
        enable_compilation_cache()
    except OSError as error:
        console.print(f"Note: compiled programs are not kept ({error.filename}: {error.strerror}). Set JAXNN_CACHE_DIR.", highlight=False)


@contextmanager
def compile_seconds() -> Iterator[list[float]]:
    """Collects the seconds of everything that XLA compiles, or loads from the cache, within the block; one entry a program."""
    seconds: list[float] = []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            seconds.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seconds
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
