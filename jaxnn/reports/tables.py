"""The leaderboard, and short tables of facts."""

from collections.abc import Iterable, Sequence

from jaxnn.reports.records import Report, Trial
from jaxnn.reports.text import duration, escape, number, setting, words

VISIBLE = 20


def leaderboard(report: Report) -> str:
    """All trials, best first: the top ones in view, the others folded away."""
    names = list(dict.fromkeys(name for trial in report.trials for name in trial.hyperparameters))
    heads = ["rank", "trial", words(report.metric), "loss", *map(words, names), "epochs", "best epoch", "time", "status"]
    ranked = list(enumerate(report.ranked(), start=1))
    top = _table(heads, [_cells(rank, trial, names) for rank, trial in ranked[:VISIBLE]], report.winner is not None)
    rest = _table(heads, [_cells(rank, trial, names) for rank, trial in ranked[VISIBLE:]])
    more = len(ranked) - VISIBLE
    folded = f"<details><summary>The other {more:,}</summary>{rest}</details>" if more > 0 else ""
    return f"<h2>Leaderboard</h2>{top}{folded}"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, one pair a line."""
    rows = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in pairs)
    return f'<table class="facts">{rows}</table>' if rows else ""


def _cells(rank: int, trial: Trial, names: Sequence[str]) -> list[str]:
    settings = [setting(trial.hyperparameters[name]) if name in trial.hyperparameters else "–" for name in names]
    results = [_aligned(trial.score), _aligned(trial.loss)] if trial.ranks else ["–", "–"]
    ending = [number(trial.epochs), number(trial.best_epoch), duration(trial.seconds), trial.status]
    return [number(rank), number(trial.number), *results, *settings, *ending]


def _aligned(value: float | None) -> str:
    """Four places where they say something, so that a column's points stand beneath one another."""
    return f"{value:.4f}" if value is not None and 0.001 <= abs(value) < 100 else number(value)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], winner: bool = False) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(_row(cells, winner and index == 0) for index, cells in enumerate(rows))
    return f'<div class="wide" tabindex="0"><table class="board"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _row(cells: Sequence[str], winner: bool) -> str:
    style = ' class="winner"' if winner else (' class="diverged"' if cells[-1] == "diverged" else "")
    return f"<tr{style}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
