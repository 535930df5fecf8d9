"""The page: what was found first, then how, then everything."""

import math
from collections.abc import Iterable

from jaxnn.reports.confusion import matrix
from jaxnn.reports.curves import Chart, best_runs, best_so_far, learning
from jaxnn.reports.parallel import coordinates
from jaxnn.reports.records import Report
from jaxnn.reports.scatter import against, truth
from jaxnn.reports.style import CSS, POLICY, SCRIPT
from jaxnn.reports.tables import facts, leaderboard
from jaxnn.reports.text import duration, escape, listing, number, score, words


def render(report: Report) -> str:
    """The report as one HTML document that needs nothing beside itself.

    >>> from jaxnn.reports import Dataset, Report
    >>> render(Report("empty", "2025-01-01", Dataset("none", 0, 0, "regression", {}), "r2", [], {}))[:15]
    '<!doctype html>'
    """
    sections = [_head(report), _cards(report), _training(report), _hyperparameters(report), _test(report), leaderboard(report)]
    body = "".join([*sections, _use(report), _facts(report)])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(report.title)}</title><style>{CSS}</style></head><body><main>{body}</main><script>{SCRIPT}</script></body></html>\n"
    )


def _head(report: Report) -> str:
    data = report.dataset
    size = f"{data.rows:,} rows, {data.columns:,} columns"
    kind = f"{data.task}, {len(data.classes)} classes" if data.classes else data.task
    facts_line = f"{data.name}: {size}; {kind}. {report.created.replace('T', ' ')}"
    notes = "".join(f"<p>{escape(note)}</p>" for note in report.notes)
    lead = f'<p class="lead">{escape(_summary(report))}</p>'
    return f'<header><h1>{escape(report.title)}</h1><p class="quiet">{escape(facts_line)}</p>{lead}{notes}</header>'


def _summary(report: Report) -> str:
    best = report.best()
    if best is None:
        return (
            "No trial was left to choose from: every one diverged. Lower learning rates, or a narrower space, are the first thing to try."
        )
    reached = (
        f"The best of {_count(len(report.trials), 'trial')} has a validation {words(report.metric)} of {score(report.metric, best.score)}"
    )
    if "winner" not in report.test_scores:
        return reached + "."
    on = f" and reaches {score(report.metric, report.test_scores['winner'])} on {_test_rows(report)} that took no part in choosing it."
    beside = [f"{name}: {score(report.metric, value)}" for name, value in report.baselines.items()]
    return reached + on + (f" For comparison, {listing(beside)}." if beside else "")


def _cards(report: Report) -> str:
    tests = [_card(f"Test {words(report.metric)}, {name}", _with_error(report, value)) for name, value in report.test_scores.items()]
    diverged = sum(trial.status == "diverged" for trial in report.trials)
    early = sum(trial.status == "stopped early" for trial in report.trials)
    ends = listing([f"{count} {what}" for count, what in ((early, "stopped early"), (diverged, "diverged")) if count] or ["none diverged"])
    done = _card("Trials", (number(len(report.trials)), ends))
    stages = listing([f"{name} {duration(value)}" for name, value in report.seconds.items() if name != "total"] or [""])
    time = _card("Time", (duration(report.seconds["total"]), stages)) if "total" in report.seconds else ""
    beside = [_card(f"Test {words(report.metric)}, {name}", (score(report.metric, value), "")) for name, value in report.baselines.items()]
    return f'<section class="cards">{"".join(tests).replace("card", "card first", 1)}{"".join(beside)}{done}{time}</section>'


def _card(label: str, shown: tuple[str, str]) -> str:
    return f'<div class="card"><b>{escape(shown[0])}</b>{escape(label)}<small>{escape(shown[1])}</small></div>'


def _with_error(report: Report, value: float) -> tuple[str, str]:
    """The score, and for a share of rows the standard error that so many rows leave."""
    rows = report.dataset.splits.get("test", 0)
    if report.metric != "accuracy" or not rows or not 0 <= value <= 1:
        return score(report.metric, value), ""
    return score(report.metric, value), f"± {100 * math.sqrt(value * (1 - value) / rows):.1f} % standard error"


def _training(report: Report) -> str:
    best = report.best()
    charts = [learning(best) if best else None, best_runs(report), best_so_far(report)]
    return _section("How it went", charts)


def _hyperparameters(report: Report) -> str:
    return _section("Score against each hyperparameter", against(report)) + _together(coordinates(report))


def _together(chart: Chart | None) -> str:
    """One chart over the whole width, which narrow screens scroll."""
    if chart is None:
        return ""
    heading, drawn, note = chart
    return f'<h2>{escape(heading)}</h2><figure class="whole"><div class="wide" tabindex="0">{drawn}</div>{_note(note)}</figure>'


def _test(report: Report) -> str:
    return _section("On the test rows", [truth(report)]) + matrix(report)


def _use(report: Report) -> str:
    command = f"jaxnn predict {report.model_path} new.csv"
    said = "The same raw columns as the training data go in; scaling, categories and class names are inside the model file."
    model = f'<h2>Use the model</h2><p>{said}</p><div class="box"><pre>{escape(command)}</pre></div>' if report.winner is not None else ""
    recipe = f'<h2>The winning recipe</h2><div class="box"><pre>{escape(report.recipe)}</pre></div>' if report.recipe else ""
    return model + recipe


def _facts(report: Report) -> str:
    splits = [(words(part), f"{_count(rows, 'row')}") for part, rows in report.dataset.splits.items()]
    times = [(words(stage), duration(value)) for stage, value in report.seconds.items()]
    groups = [("Rows", splits), ("Time", times), ("Versions", list(report.versions.items()))]
    return '<div class="pair">' + "".join(f"<section><h2>{name}</h2>{facts(pairs)}</section>" for name, pairs in groups if pairs) + "</div>"


def _section(heading: str, charts: Iterable[Chart | None]) -> str:
    figures = "".join(_figure(chart) for chart in charts if chart)
    return f'<h2>{escape(heading)}</h2><div class="charts">{figures}</div>' if figures else ""


def _figure(chart: Chart) -> str:
    heading, drawn, note = chart
    return f"<figure><h3>{escape(heading)}</h3>{drawn}{_note(note)}</figure>"


def _note(note: str) -> str:
    return f"<figcaption>{escape(note)}</figcaption>" if note else ""


def _test_rows(report: Report) -> str:
    return _count(report.dataset.splits.get("test", 0), "test row")


def _count(many: int, what: str) -> str:
    return f"{many:,} {what}{'' if many == 1 else 's'}"
