"""How one trial is marked in a chart whose vertical axis is the score."""

from jaxnn.reports.records import Report, Trial
from jaxnn.reports.scales import Linear
from jaxnn.reports.svg import dot, mark
from jaxnn.reports.text import number

STRIP = 14.0  # beneath the lowest score: here stands what has none, or one far below the others


def trial_mark(report: Report, trial: Trial, x: float, y: Linear, note: str = "") -> str:
    """A dot; a larger one for the winner, a triangle where the score lies below the axis, a cross where there is none."""
    under = y.start + STRIP / 2
    if not trial.ranks:
        return mark((x, under), "cross", "cross", f"Trial {trial.number}: {trial.status}{note}")
    tip = f"Trial {trial.number}: {number(trial.score)}{note}"
    if trial.number == report.winner:
        return dot((x, y(trial.score)), "dot winner", tip, radius=5)
    return mark((x, under), "down", "dot other", tip) if trial.score < y.low else dot((x, y(trial.score)), "dot other", tip)


def legend(report: Report, low: float) -> str:
    """What triangles and crosses mean, where there are any."""
    below = sum(trial.ranks and trial.score < low for trial in report.trials)
    lost = sum(not trial.ranks for trial in report.trials)
    said = [f"{below} scored below the axis (triangles)"] if below else []
    return " and ".join([*said, *([f"{lost} diverged (crosses)"] if lost else [])]) + ("." if below or lost else "")
