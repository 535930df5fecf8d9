"""Score against each hyperparameter, one small chart each; and, for a regression, predictions against the truth."""

import statistics
from collections.abc import Sequence

from jaxnn.reports.curves import Chart
from jaxnn.reports.marks import STRIP, trial_mark
from jaxnn.reports.records import Dimension, Report, Trial, Value
from jaxnn.reports.scales import Categories, Logarithmic, Scale, drawable, focused, linear, logarithmic
from jaxnn.reports.svg import Plot, axes, dot, drawing, line, margin
from jaxnn.reports.text import number, setting, words

WIDTH, HEIGHT = 340.0, 216.0
BOTTOM, RIGHT = 26.0, 14.0
MOST_MARKS = 4000  # on the whole page, so that a thousand trials stay a page one can mail
MOST_STRIPS = 12
GOLDEN = 0.618034  # multiples of it, modulo one, spread evenly however many there are


def against(report: Report) -> list[Chart]:
    """One chart for every searched hyperparameter that has at least two values."""
    return [_chart(report, name, space) for name, space in report.space.items() if len(_values(report, name)) > 1]


def truth(report: Report) -> Chart | None:
    """Predicted against true values on the test rows; on the line they agree."""
    pairs = [pair for pair in report.predictions if len(drawable(pair)) == 2]
    if not pairs:
        return None
    values = [value for pair in pairs for value in pair]
    y = linear(values, 340 - 40, 34)
    plot = Plot(420, 340, linear(values, margin(y.ticks), 420 - RIGHT), y, margin(y.ticks))
    parts = [*axes(plot, "true", "predicted"), line((plot.x(y.low), y(y.low)), (plot.x(y.high), y(y.high)), "rule")]
    parts += [dot((plot.x(true), y(predicted)), "dot other") for true, predicted in pairs[:: -(-len(pairs) // 1000)]]
    return "Predictions on the test rows", drawing(420, 340, "Predicted against true values", parts), "On the dashed line both agree."


def horizontal(report: Report, name: str, start: float, end: float) -> Scale:
    """The axis of one hyperparameter, over what was searched and what was tried."""
    space = report.space[name]
    if space.kind == "choice":
        return Categories(list(dict.fromkeys(map(setting, [*space.options, *_values(report, name)]))), start, end)
    if few := _few_integers(report, name):
        return Categories(few, start, end)
    values = drawable([space.low, space.high, *_values(report, name)])
    if space.kind == "log":
        return logarithmic(values, start, end)
    return linear(values, start, end, count=4, whole=space.kind == "integer", nice=False)


def _values(report: Report, name: str) -> list[Value]:
    return list(dict.fromkeys(trial.hyperparameters[name] for trial in report.trials if name in trial.hyperparameters))


def _few_integers(report: Report, name: str) -> list[str]:
    """All whole numbers of a short range: dots at few places would hide one another, so each number gets a strip."""
    space = report.space[name]
    values = drawable([space.low, space.high, *_values(report, name)])
    if space.kind != "integer" or not values or max(values) - min(values) >= MOST_STRIPS:
        return []
    return [setting(value) for value in range(int(min(values)), int(max(values)) + 1)]


def _chart(report: Report, name: str, space: Dimension) -> Chart:
    tried = [trial for trial in report.ranked() if name in trial.hyperparameters]
    trials = [trial for trial in tried if space.kind == "choice" or drawable([trial.hyperparameters[name]])]
    scored = [trial for trial in trials if trial.ranks]
    y = linear(focused(trial.score for trial in scored), HEIGHT - BOTTOM - STRIP, 34, count=4)
    x = horizontal(report, name, margin(y.ticks), WIDTH - RIGHT)
    plot = Plot(WIDTH, HEIGHT, x, y, margin(y.ticks), bottom=BOTTOM)
    parts = axes(plot, "", f"validation {words(report.metric)}")
    if isinstance(x, Categories):
        parts += _medians(plot, x, name, scored)
    parts += [
        trial_mark(report, trial, _place(x, trial, name), y, f" at {setting(trial.hyperparameters[name])}")
        for trial in reversed(_thinned(trials, len(report.space)))
    ]
    heading = words(name)
    return heading, drawing(WIDTH, HEIGHT, f"Score against {heading}", parts), _sentence(name, x, scored)


def _thinned(trials: Sequence[Trial], charts: int) -> list[Trial]:
    """All trials where the page can hold them; else the better half of what it holds, and an even sample of the others."""
    half = MOST_MARKS // max(charts, 1) // 2
    rest = trials[half:]
    return list(trials) if len(trials) <= 2 * half else [*trials[:half], *rest[:: -(-len(rest) // half)]]


def _place(x: Scale, trial: Trial, name: str) -> float:
    value = trial.hyperparameters[name]
    return x(setting(value)) + x.strip * 0.5 * (trial.number * GOLDEN % 1 - 0.5) if isinstance(x, Categories) else x(value)


def _medians(plot: Plot, x: Categories, name: str, scored: Sequence[Trial]) -> list[str]:
    parts = []
    for option in x.options:
        scores = [trial.score for trial in scored if setting(trial.hyperparameters[name]) == option]
        if scores:
            at, y = x(option), plot.y(statistics.median(scores))
            parts.append(line((at - 0.36 * x.strip, y), (at + 0.36 * x.strip, y), "median"))
    return parts


def _sentence(name: str, x: Scale, scored: Sequence[Trial]) -> str:
    """Where the best ones lie: a correlation would call a hill with its top in the middle no relation at all."""
    if isinstance(x, Categories):
        return "Bars are medians."
    scale = "Logarithmic. " if isinstance(x, Logarithmic) else ""
    best = scored[: min(max(4, len(scored) // 8), 10)]
    values = drawable(trial.hyperparameters[name] for trial in best)
    if not values or len(scored) < 2 * len(values):
        return scale
    return f"{scale}The best {len(values)} lie between {number(min(values), 2)} and {number(max(values), 2)}."
