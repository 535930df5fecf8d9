"""A summary as text for people: aligned columns for a terminal, a table for a notebook."""

import html as markup
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax

if TYPE_CHECKING:
    from jaxnn.summaries.summary import Row, Summary

WIDTH = 100
WIDEST_OUTPUT = 28
HEADS = ("layer", "output", "parameters", "bytes", "output bytes", "FLOPs")
STYLE = "text-align:{side};white-space:pre;font-family:monospace"


def text(summary: "Summary") -> str:
    """The table in at most 100 columns; a name that is too long for its column is cut."""
    return "\n".join([*columns([HEADS, *_cells(summary)], left=2), _last_line(summary)])


def html(summary: "Summary") -> str:
    """The table for a notebook."""
    rows = [("th", HEADS), *(("td", cells) for cells in _cells(summary))]
    body = "".join(f"<tr>{''.join(_cell(tag, place, cell) for place, cell in enumerate(cells))}</tr>" for tag, cells in rows)
    return f"<table>{body}</table><p>{_last_line(summary)}</p>"


def columns(rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Lines of at most 100 columns of cells; the first `left` cells of a row stand on the left, and the first is cut where it is too long.

    >>> columns([("layer", "sd"), ("Dense(3)", "1.25")], left=1)
    ['layer       sd', 'Dense(3)  1.25']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[0] = min(widths[0], WIDTH - sum(widths[1:]) - 2 * (len(widths) - 1))
    return ["  ".join(_aligned(cell, widths[place], place < left) for place, cell in enumerate(row)).rstrip() for row in rows]


def indented(path: str, name: str) -> str:
    """The name of a layer in a table: ``layers[2].shortcut`` stands two steps in, as ``shortcut``; of a tuple's layers the place is enough.

    >>> indented("layers[2].shortcut", "Dense(3)"), indented("layers[2]", "Chain(…)"), indented("", "Chain(…)")
    ('    shortcut Dense(3)', '  2 Chain(…)', 'Chain(…)')
    """
    if not path:
        return name
    steps = path.split(".")
    numbered = re.fullmatch(r"layers\[(\d+)\]", steps[-1])
    return f"{'  ' * len(steps)}{numbered[1] if numbered else steps[-1]} {name}"


def total_bytes(tree: Any) -> int:
    """Bytes of all arrays of a tree of arrays or shapes."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def amount(value: int | None, unit: str = "") -> str:
    """A count in four digits, in thousands, millions and so on; a dash for what is not known.

    >>> amount(784), amount(12_845_056, "B"), amount(999_999), amount(None)
    ('784', '12.85 MB', '1 M', '–')
    """
    if value is None:
        return "–"
    power = min(max(len(f"{float(f'{value:.4g}'):.0f}") - 1, 0) // 3, 6)
    return f"{value / 1000**power:.4g} {['', 'k', 'M', 'G', 'T', 'P', 'E'][power]}{unit}".rstrip()


def _cells(summary: "Summary") -> list[tuple[str, ...]]:
    given = ("x", _shape(summary.x), "", "", amount(total_bytes(summary.x), "B"), "")
    return [given, *map(_row, summary.rows)]


def _row(row: "Row") -> tuple[str, ...]:
    parameters = "–" if row.parameters is None else f"{row.parameters:,}"
    sizes = (amount(row.parameter_bytes, "B"), amount(row.output_bytes, "B"), amount(row.flops))
    return (indented(row.path, row.layer), _shape(row.output), parameters, *sizes)


def _shape(tree: Any) -> str:
    shapes = [f"{_dtype(leaf)}{tuple(leaf.shape)}" for leaf in jax.tree.leaves(tree)]
    return _cut(", ".join(shapes) or "–", WIDEST_OUTPUT)


def _dtype(leaf: Any) -> str:
    return "" if leaf.dtype == jax.dtypes.canonicalize_dtype(float) else f"{leaf.dtype}"


def _aligned(cell: str, width: int, left: bool) -> str:
    return _cut(cell, width).ljust(width) if left else cell.rjust(width)


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else f"{cell[: width - 1]}…"


def _cell(tag: str, place: int, cell: str) -> str:
    return f'<{tag} style="{STYLE.format(side="left" if place < 2 else "right")}">{markup.escape(cell)}</{tag}>'


def _last_line(summary: "Summary") -> str:
    return f"Training keeps {amount(summary.residual_bytes, 'B')} of a forward pass for the backward pass."
