"""What the winner takes for what on the test rows."""

from collections.abc import Sequence

from jaxnn.reports.records import Report
from jaxnn.reports.text import escape, short

MOST_CLASSES = 30  # a larger table is not read; its worst pairs are
WORST = 5


def matrix(report: Report) -> str:
    """The confusion matrix as a table shaded by the share of each row, and the commonest mistakes in words."""
    counts, names = report.confusion, list(map(str, report.dataset.classes))
    if not counts or len(names) != len(counts):
        return ""
    head = "".join(f'<th scope="col" title="{escape(name)}"><span>{escape(short(name, 16))}</span></th>' for name in names)
    rows = "".join(_row(names, i, row) for i, row in enumerate(counts))
    caption = "<caption>Rows are true classes, columns what they were taken for.</caption>"
    upright = " upright" if max(map(len, names)) > 4 else ""
    top = f'<thead><tr><td></td>{head}<th scope="col">found</th></tr></thead>'
    table = f'<table class="confusion{upright}">{caption}{top}<tbody>{rows}</tbody></table>'
    shown = f'<div class="wide" tabindex="0">{table}</div>' if len(names) <= MOST_CLASSES else ""
    return f"<h2>Which classes it confuses</h2>{shown}{_mistakes(names, counts)}"


def _row(names: Sequence[str], i: int, row: Sequence[int]) -> str:
    total = sum(row)
    cells = "".join(_cell(names[i], names[j], count, count / total if total else 0.0, correct=i == j) for j, count in enumerate(row))
    found = f"{100 * row[i] / total:.0f} %" if total else "–"
    return f'<tr><th scope="row" title="{escape(names[i])}">{escape(short(names[i], 24))}</th>{cells}<td class="found">{found}</td></tr>'


def _cell(true: str, taken: str, count: int, share: float, *, correct: bool) -> str:
    if not count:
        return '<td class="none">·</td>'
    kind, tip = ("right", f"{true}: {count} right") if correct else ("wrong", f"{true} taken for {taken}: {count}")
    return f'<td class="{kind}" style="--share:{share:.2f}" title="{escape(tip)}">{count}</td>'


def _mistakes(names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    pairs = [(count, sum(row), i, j) for i, row in enumerate(counts) for j, count in enumerate(row) if count and i != j]
    if not pairs:
        return "<p>Every test row was put into its class.</p>"
    worst = sorted(pairs, key=lambda pair: (-pair[0], pair[2], pair[3]))[:WORST]
    said = [f"<li><b>{escape(names[i])}</b> taken for <b>{escape(names[j])}</b>: {count} of {total}</li>" for count, total, i, j in worst]
    return f"<p>Most often:</p><ul>{''.join(said)}</ul>"
