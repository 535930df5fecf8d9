"""Charts over time: a run's losses by epoch, the best runs' scores by epoch, the best score so far by trial."""

import math
from collections.abc import Iterable, Sequence

from jaxnn.reports.marks import STRIP, legend, trial_mark
from jaxnn.reports.records import Report, Trial
from jaxnn.reports.scales import Scale, drawable, focused, linear, logarithmic
from jaxnn.reports.svg import Plot, Point, axes, curve, drawing, line, margin, path, text
from jaxnn.reports.text import score, words

WIDTH, HEIGHT = 400.0, 270.0
TOP, BOTTOM, RIGHT = 34.0, 40.0, 14.0
SHOWN = 8  # more learning curves than this cannot be told apart
MOST_POINTS = 500

Chart = tuple[str, str, str]
"""A heading, the drawing, and what to say beneath it."""


def learning(trial: Trial) -> Chart | None:
    """Training and validation loss of one run."""
    curves = {name: trial.history[name] for name in ("loss", "validation_loss") if drawable(trial.history.get(name, ()))}
    if not curves:
        return None
    y, named = _losses(value for history in curves.values() for value in history)
    plot = _plot(max(map(len, curves.values())), y)
    parts = axes(plot, "epoch", named)
    parts += [path(curve(plot, history), f"line {_STYLE[name]}", words(name)) for name, history in curves.items()]
    parts += _legend([(_STYLE[name], _SAID[name]) for name in curves])
    parts += _best_epoch(plot, trial)
    label = f"Training and validation loss of trial {trial.number} by epoch"
    return "How the winner learned", drawing(WIDTH, HEIGHT, label, parts), _loss_sentence(trial)


def best_runs(report: Report) -> Chart | None:
    """The validation score by epoch of the best few runs, the winner above the others; their loss where the score has no history."""
    scored = any(drawable(trial.history.get(f"validation_{report.metric}", ())) for trial in report.trials)
    name = f"validation_{report.metric}" if scored else "validation_loss"
    runs = [trial for trial in report.ranked() if trial.ranks and drawable(trial.history.get(name, ()))][:SHOWN]
    if not runs:
        return None
    longest = max(len(trial.history[name]) for trial in runs)
    values = [value for trial in runs for value in trial.history[name]]
    y, named = (linear(focused(values), *_VERTICAL), words(name)) if scored else _losses(values, "validation loss")
    plot = _plot(longest, y)
    parts = axes(plot, "epoch", named)
    for trial in reversed(runs):
        tip = f"Trial {trial.number}: {score(report.metric, trial.score)}"
        parts.append(path(curve(plot, trial.history[name]), "line winner" if trial is runs[0] else "line other", tip))
    parts += _legend([("winner", f"trial {runs[0].number}"), ("other", "the next best")][: len(runs)])
    heading = f"The best {len(runs)} by epoch" if len(runs) > 1 else "The winner by epoch"
    return heading, drawing(WIDTH, HEIGHT, f"{words(name)} of the best {len(runs)} trials by epoch", parts), ""


def best_so_far(report: Report) -> Chart | None:
    """Each trial's score in the order of the trials, and the best until then."""
    trials = sorted(report.trials, key=lambda trial: trial.number)
    scored = [trial for trial in trials if trial.ranks]
    if len(trials) < 2 or not scored:
        return None
    y = linear(focused(trial.score for trial in scored), HEIGHT - BOTTOM - STRIP, TOP)
    left = margin(y.ticks)
    x = linear([trials[0].number, trials[-1].number], left, WIDTH - RIGHT, count=6, whole=True, nice=False)
    plot = Plot(WIDTH, HEIGHT, x, y, left, TOP, RIGHT, BOTTOM)
    shown = [trial for trial in trials[:: math.ceil(len(trials) / MOST_POINTS)] if trial.number != report.winner]
    parts = axes(plot, "trial", f"validation {words(report.metric)}") + _legend([("winner", "best so far")])
    parts.append(path(_stairs(plot, scored, trials[-1].number), "line winner", "best so far"))
    best = report.best()
    parts += [trial_mark(report, trial, x(trial.number), y) for trial in [*shown, *([best] if best else [])]]
    return "Best so far", drawing(WIDTH, HEIGHT, "Score of each trial, and the best until then", parts), legend(report, y.low)


_VERTICAL = (HEIGHT - BOTTOM, TOP)
_STYLE = {"loss": "train", "validation_loss": "winner"}
_SAID = {"loss": "training", "validation_loss": "validation"}


def _losses(values: Iterable[float], name: str = "loss") -> tuple[Scale, str]:
    """A scale for losses, logarithmic where they span more than a factor of twenty, and what to call it."""
    known = drawable(values)
    if min(known) > 0 and max(known) > 20 * min(known):
        return logarithmic(known, *_VERTICAL), f"{name}, logarithmic"
    return linear(known, *_VERTICAL), name


def _plot(epochs: int, y: Scale) -> Plot:
    left = margin(y.ticks)
    x = linear([1, max(epochs, 2)], left, WIDTH - RIGHT, count=6, whole=True, nice=False)
    return Plot(WIDTH, HEIGHT, x, y, left, TOP, RIGHT, BOTTOM)


def _legend(entries: Sequence[tuple[str, str]]) -> list[str]:
    """Line samples with their names, from the upper right leftwards."""
    parts, right = [], WIDTH - RIGHT
    for style, label in reversed(entries):
        start = right - 6.6 * len(label) - 26
        parts += [line((start, 12), (start + 18, 12), f"line {style}"), text((start + 24, 16), label, "tick", "start")]
        right = start - 14
    return parts


def _best_epoch(plot: Plot, trial: Trial) -> list[str]:
    if not trial.best_epoch or trial.epochs < 2:
        return []
    at = plot.x(trial.best_epoch)
    side = "end" if at > (plot.left + WIDTH) / 2 else "start"
    label = text((at - 6 if side == "end" else at + 6, plot.top + 12), f"best epoch {trial.best_epoch}", "tick halo", side)
    return [line((at, plot.top), (at, plot.floor), "rule"), label]


def _loss_sentence(trial: Trial) -> str:
    if not trial.best_epoch:
        return ""
    kept = f"The parameters of epoch {trial.best_epoch} were kept"
    stopped = f"; it stopped by itself after {trial.epochs}." if trial.status == "stopped early" else f" of {trial.epochs}."
    return kept + stopped


def _stairs(plot: Plot, scored: Sequence[Trial], last: int) -> list[Point | None]:
    points: list[Point | None] = []
    best = -math.inf
    for trial in scored:
        if trial.score > best:
            points += [(plot.x(trial.number), plot.y(best))] if points else []
            best = trial.score
            points.append((plot.x(trial.number), plot.y(best)))
    return [*points, (plot.x(last), plot.y(best))]
