"""SVG as text: elements, lines, and a pair of axes. Colours are classes, so that light, dark and print are left to the style."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jaxnn.reports.scales import Categories, Scale, drawable, spaced
from jaxnn.reports.text import escape

Point = tuple[float, float]
TICK = 7.0  # pixels a letter of an axis label takes, generously


@dataclass(frozen=True)
class Plot:
    """A drawing area: pixels of the whole, of the margins, and what they mean."""

    width: float
    height: float
    x: Scale
    y: Scale
    left: float
    top: float = 34
    right: float = 14
    bottom: float = 40

    @property
    def floor(self) -> float:
        """The lowest pixel of the area."""
        return self.height - self.bottom


def pixel(value: float) -> str:
    """A coordinate to a tenth of a pixel.

    >>> pixel(12.04), pixel(-0.01)
    ('12', '0')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def title(text: str) -> str:
    """A tooltip."""
    return f"<title>{escape(text)}</title>"


def line(start: Point, end: Point, style: str) -> str:
    """A straight line."""
    return f'<line class="{style}" x1="{pixel(start[0])}" y1="{pixel(start[1])}" x2="{pixel(end[0])}" y2="{pixel(end[1])}"/>'


def path(points: Iterable[Point | None], style: str, tip: str = "") -> str:
    """A line through the points, broken where there is none. A point alone is a line of no length, which round ends make a dot."""
    steps, pen = [], False
    for point in points:
        if point is not None:
            at = f"{pixel(point[0])} {pixel(point[1])}"
            steps.append(f"L{at}" if pen else f"M{at}h0")
        pen = point is not None
    return f'<path class="{style}" d="{"".join(steps)}">{title(tip) if tip else ""}</path>' if steps else ""


def dot(at: Point, style: str, tip: str = "", *, radius: float = 3.0) -> str:
    """A round mark."""
    return f'<circle class="{style}" cx="{pixel(at[0])}" cy="{pixel(at[1])}" r="{pixel(radius)}">{title(tip) if tip else ""}</circle>'


def mark(at: Point, shape: str, style: str, tip: str = "") -> str:
    """A mark of another shape than round, so that colour is never the only difference: `cross` or `down`."""
    drawn = {"cross": "m-3-3l6 6m0-6l-6 6", "down": "m-3.5-3h7l-3.5 6z"}[shape]
    return f'<path class="{style}" d="M{pixel(at[0])} {pixel(at[1])}{drawn}">{title(tip) if tip else ""}</path>'


def text(at: Point, content: str, style: str = "tick", anchor: str = "middle", tip: str = "") -> str:
    """Words at a place."""
    inner = escape(content) + (title(tip) if tip else "")
    return f'<text class="{style}" x="{pixel(at[0])}" y="{pixel(at[1])}" text-anchor="{anchor}">{inner}</text>'


def drawing(width: float, height: float, label: str, parts: Iterable[str]) -> str:
    """The parts as one picture, described by its label to those who cannot see it."""
    return f'<svg viewBox="0 0 {pixel(width)} {pixel(height)}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def margin(ticks: Sequence[tuple[float, str]]) -> float:
    """The room that the labels of a vertical axis need on their left."""
    return 14 + TICK * max((len(label) for _, label in ticks), default=1)


def axes(plot: Plot, x_name: str, y_name: str) -> list[str]:
    """Grid lines, tick labels, and the names of both axes; the vertical one's stands above it, where it reads without turning."""
    right = plot.width - plot.right
    parts = [line((plot.left, at), (right, at), "grid") for at, _ in plot.y.ticks]
    parts += [text((plot.left - 7, at + 4), label, anchor="end") for at, label in plot.y.ticks]
    if not isinstance(plot.x, Categories):
        parts += [line((at, plot.top), (at, plot.floor), "grid") for at, _ in plot.x.ticks]
    room = plot.x.strip if isinstance(plot.x, Categories) else 80.0
    parts += [text((at, plot.floor + 16), label) for at, label in spaced(plot.x.ticks, room)]
    parts.append(line((plot.left, plot.floor), (right, plot.floor), "axis"))
    parts.append(text(((plot.left + right) / 2, plot.height - 6), x_name, "name"))
    parts.append(text((4, 16), y_name, "name", "start"))
    return parts


def curve(plot: Plot, values: Sequence[float], most: int = 200) -> list[Point | None]:
    """One value an epoch as points; long histories are thinned, values that cannot be drawn break the line."""
    every = max(1, -(-len(values) // most))
    kept = sorted({*range(0, len(values), every), len(values) - 1} if values else ())
    return [(plot.x(index + 1), plot.y(values[index])) if drawable([values[index]]) else None for index in kept]
