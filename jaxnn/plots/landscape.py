"""The loss around a solution."""

import numpy as np
from matplotlib.axes import Axes

from jaxnn.diagnostics import Landscape
from jaxnn.plots.style import BLACK, BLUE, PALE, WHITE, colour, line, shades

LEVELS = 16
DEPTHS = shades(BLUE, WHITE)


def landscape(axes: Axes, surface: Landscape, *, logarithmic: bool = True, centre: bool = True, label: str | None = None) -> None:
    """Losses of a ``Landscape``: a line along one direction, contours over the plane of two with a cross at the solution.

    logarithmic: contours at equal ratios of the loss in place of equal differences, where all losses are above 0. centre: False where the
    middle is no solution, to leave out the cross. label: of the line. What is not finite is left out; of a plane it is grey.
    """
    losses = np.where(np.isfinite(surface.losses), surface.losses, np.nan)
    if losses.ndim == 1:
        number = len(axes.get_lines())
        axes.plot(surface.steps, losses, line(number), color=colour(number), label=label)
        axes.set_xlabel("step along the direction")
        axes.set_ylabel("loss")
        axes.spines[["top", "right"]].set_visible(False)
        return
    low, high = float(np.nanmin(losses)), float(np.nanmax(losses))
    even = np.geomspace if logarithmic and low > 0 else np.linspace
    levels = np.unique(even(low, high if high > low else low + 1.0, LEVELS))
    axes.contourf(surface.steps, surface.steps, losses.T, levels=levels, cmap=DEPTHS)
    lines = axes.contour(surface.steps, surface.steps, losses.T, levels=levels[1:-1:2], colors=BLACK, linewidths=0.5)
    axes.clabel(lines, fmt=lambda value: f"{value:.2g}", fontsize=7)
    if centre:
        axes.plot(0, 0, "+", color=BLACK, markersize=10)
    axes.set_xlabel("step along the first direction")
    axes.set_ylabel("along the second")
    axes.set_aspect("equal")
    axes.set_facecolor(PALE)
    axes.locator_params(nbins=5)
