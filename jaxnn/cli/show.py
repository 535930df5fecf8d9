"""What a person reads when a run is over: tables and a few lines; plain text where there is no terminal."""

import math
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from jaxnn.reports import Report

ROWS = 10
PLAIN_WIDTH = 160
"""Columns of text that goes to a file or a pipe, so that no table is cut there."""


def console(*, stderr: bool = False) -> Console:
    """Where text for people goes: as wide as their terminal, or wide enough for whole tables where there is none."""
    found = Console(stderr=stderr)
    return found if found.is_terminal else Console(stderr=stderr, width=PLAIN_WIDTH)


def leaderboard(console: Console, report: Report) -> None:
    """The best trials, one row each, with the hyperparameters that differ between trials."""
    names = list(report.space)
    count = f"{len(report.trials)} trials" if len(report.trials) > 1 else "1 trial"
    title = f"{report.title}: best of {count} by validation {report.metric}"
    console.print(title, style="bold", highlight=False, markup=False, soft_wrap=True)
    table = Table(header_style="bold", box=None, padding=(0, 1, 0, 0))
    for column in ("rank", "trial", report.metric, "loss", "epochs", *names, "outcome"):
        table.add_column(column, justify="left" if column == "outcome" else "right", no_wrap=True)
    for rank, trial in enumerate(report.ranked()[:ROWS], start=1):
        values = (_short(trial.hyperparameters[name]) for name in names)
        epochs = f"{trial.best_epoch}/{trial.epochs}"
        table.add_row(str(rank), str(trial.number), _short(trial.score), _short(trial.loss), epochs, *values, trial.status)
    console.print(table)


def summary(console: Console, report: Report, folder: Path) -> None:
    """The honest score, the time it took, and where the files are."""
    lost = sum(trial.status == "diverged" for trial in report.trials)
    seconds = report.seconds
    lines = [f"Test {report.metric} ({report.dataset.splits['test']} rows that took no part in choosing): {_listed(report.test_scores)}"]
    lines += [f"For comparison, {_listed(report.baselines)}"]
    lines += [f"{lost} of {len(report.trials)} trials diverged and rank last."] if lost else []
    lines += [f"Compiled {seconds['compile']:.2f} s and ran {seconds['run']:.2f} s (summed over cores); {seconds['total']:.2f} s in all"]
    lines += [f"Files in {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}"]
    lines += [f"Use it: jaxnn predict {report.model_path} DATA" if report.test_scores else "No model: every trial diverged."]
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def describe(number: int, score: float, metric: str) -> str:
    """A trial in a few words: its score and number."""
    return f"{metric} {_short(score)} (trial {number})"


def datasets(console: Console, descriptions: Mapping[str, str]) -> None:
    """The bundled sets, one row each."""
    table = Table(header_style="bold", box=None)
    table.add_column("name", no_wrap=True)
    table.add_column("what it is")
    for name, description in descriptions.items():
        table.add_row(name, description)
    console.print(table)


def _listed(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in scores.items()) or "none"


def _short(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.3g}" if abs(value) < 0.1 else f"{value:.4g}"
    return str(value)
