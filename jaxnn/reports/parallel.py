"""All trials at once: one upright axis for each hyperparameter, one line for each trial, darker the better."""

import math
from collections.abc import Sequence

from jaxnn.reports.curves import Chart
from jaxnn.reports.records import Report, Trial, Value
from jaxnn.reports.scales import Categories, Scale, drawable, focused, linear, spaced
from jaxnn.reports.scatter import GOLDEN, horizontal
from jaxnn.reports.svg import Point, drawing, line, path, text
from jaxnn.reports.text import number, setting, short, words

WIDTH, HEIGHT = 1080.0, 340.0
TOP, BOTTOM, SIDE = 42.0, 24.0, 62.0
MOST_LINES = 200
SHADES = 6  # classes s0 (worst) to s5 (best)

Axis = tuple[str, float, Scale]
"""A name, its horizontal pixel, its scale."""


def coordinates(report: Report) -> Chart | None:
    """Parallel coordinates over the searched hyperparameters and the score; None where there is at most one to show."""
    names = [name for name in report.space if all(name in trial.hyperparameters for trial in report.trials)]
    if len(names) < 2 or len(report.trials) < 2:
        return None
    lines = _axes(report, names)
    trials = _thinned(report.ranked())
    parts = [_line(report, lines, trial, rank / len(trials)) for rank, trial in reversed(list(enumerate(trials)))]
    for name, x, scale in lines:
        parts += _axis(name, x, scale, room=(WIDTH - 2 * SIDE) / len(names))
    note = "Each line is a trial: the darker or brighter, the better; the winner is orange."
    note += " Dotted ones diverged." if any(not trial.ranks for trial in trials) else ""
    return "All trials at once", drawing(WIDTH, HEIGHT, "Parallel coordinates of all trials", parts), note


def _axes(report: Report, names: Sequence[str]) -> list[Axis]:
    gap = (WIDTH - 2 * SIDE) / len(names)
    lines: list[Axis] = [(name, SIDE + gap * i, horizontal(report, name, HEIGHT - BOTTOM, TOP)) for i, name in enumerate(names)]
    scores = linear(focused(trial.score for trial in report.trials if trial.ranks), HEIGHT - BOTTOM, TOP, nice=False)
    return [*lines, (report.metric, WIDTH - SIDE, scores)]


def _thinned(ranked: Sequence[Trial]) -> list[Trial]:
    best, rest = ranked[: MOST_LINES // 2], ranked[MOST_LINES // 2 :]
    return [*best, *rest[:: max(1, math.ceil(len(rest) / (MOST_LINES // 2)))]]


def _line(report: Report, lines: Sequence[Axis], trial: Trial, share: float) -> str:
    points: list[Point | None] = [_point(axis, trial.hyperparameters[axis[0]], trial) for axis in lines[:-1]]
    if trial.ranks:
        points.append((lines[-1][1], lines[-1][2](trial.score)))
    if trial.number == report.winner:
        return path(points, "line winner", _tip(trial))
    style = f"line s{min(SHADES - 1, int((1 - share) * SHADES))}" if trial.ranks else "line diverged"
    return path(points, style, _tip(trial))


def _point(axis: Axis, value: Value, trial: Trial) -> Point | None:
    _, x, scale = axis
    if isinstance(scale, Categories):
        spread = scale.strip * 0.5 * (trial.number * GOLDEN % 1 - 0.5)  # else all lines of one option lie on one another
        return x, scale(setting(value)) + spread
    return (x, scale(value)) if drawable([value]) else None


def _tip(trial: Trial) -> str:
    settings = ", ".join(f"{words(name)} {setting(value)}" for name, value in trial.hyperparameters.items())
    return f"Trial {trial.number}: {number(trial.score) if trial.ranks else trial.status}; {settings}"


def _axis(name: str, x: float, scale: Scale, room: float) -> list[str]:
    parts = [line((x, TOP), (x, HEIGHT - BOTTOM), "axis")]
    side, shift = ("start", 6.0) if x < WIDTH - SIDE - 1 else ("end", -6.0)
    for at, label in spaced(scale.ticks, room - 12):
        parts.append(text((x + shift, at + 4), short(label, max(4, int((room - 16) / 6.4))), "tick halo", side))
    shown = short(words(name), max(4, int(room / 7.4)))
    anchor = "start" if x <= SIDE else ("middle" if x < WIDTH - SIDE - 1 else "end")
    parts.append(text((x - 20 if anchor == "start" else (x + 20 if anchor == "end" else x), 20), shown, "name", anchor, words(name)))
    return parts
