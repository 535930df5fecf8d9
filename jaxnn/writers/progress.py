"""A run as it goes: a live bar in a terminal and in a notebook, a few plain lines elsewhere."""

import importlib.util
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from jaxnn.checks import check_whole
from jaxnn.writers.base import Writer

LINES = 10
"""Without a terminal a run prints about this many lines."""
REFRESH_SECONDS = 0.25
"""Drawing takes about a millisecond, which quick epochs would feel; more often than this nobody can read."""


class Progress(Writer):
    """Shows epochs done, the time left and the newest metrics, by rich.

    epochs: how many there will be, ``recipe.epochs``. show: metrics to show where there are any of these names. console: a rich Console,
    by default that of the terminal or notebook (which needs the extra `notebook`, that is ipywidgets, for a live bar, else has lines).
    Closed, or at the last epoch, the bar stays as it is. Raises ImportError without rich.
    """

    def __init__(self, epochs: int, *, show: Sequence[str] = ("loss", "validation_loss"), console: Any = None) -> None:
        check_whole("Progress", "epochs", epochs, low=1)
        try:
            import rich
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        except ImportError as error:
            raise ImportError('Progress needs rich: pip install "jaxnn-toolkit[progress]".') from error
        self.epochs, self.show, self.console = epochs, tuple(show), console or rich.get_console()
        self.live = _live(self.console)
        columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[text]}"), TimeElapsedColumn())
        left = (TextColumn("left"), TimeRemainingColumn())
        self.bar = Progress(*columns, *left, console=self.console, auto_refresh=False, disable=not self.live)
        self.task, self.shown, self.last = self.bar.add_task("epochs", total=epochs, text=""), 0.0, (0, "")
        self.printed = 0
        self.closing = weakref.finalize(self, self.bar.stop)

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        self.last = epoch, "  ".join(f"{name} {metrics[name]:.4g}" for name in self.show if name in metrics)
        if self.live and (epoch == self.epochs or time.perf_counter() - self.shown > REFRESH_SECONDS):
            self._draw()
        elif not self.live and (epoch == self.epochs or epoch % max(1, self.epochs // LINES) == 0):
            self._print()
        if epoch == self.epochs:
            self.close()

    def close(self) -> None:
        if self.bar.live.is_started:
            self._draw()
        elif not self.live and self.last[0] > self.printed:  # of a run that stopped early
            self._print()
        self.closing()

    def _print(self) -> None:
        self.printed, text = self.last
        self.console.print(f"epoch {self.printed}/{self.epochs}  {text}", highlight=False)

    def _draw(self) -> None:
        self.bar.start()
        epoch, text = self.last
        self.bar.update(self.task, completed=epoch, text=text)
        self.bar.refresh()
        self.shown = time.perf_counter()


def _live(console: Any) -> bool:
    if console.is_jupyter:
        return importlib.util.find_spec("ipywidgets") is not None
    return bool(console.is_terminal and not console.is_dumb_terminal)
