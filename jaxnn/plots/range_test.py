"""What a learning-rate range test found."""

import numpy as np
from matplotlib.axes import Axes

from jaxnn.diagnostics import RangeTest
from jaxnn.plots.style import BLACK, BLUE, GREEN, RED


def range_test(axes: Axes, result: RangeTest) -> None:
    """The loss after the steps of each learning rate, on logarithmic rates: the suggestion is marked, rates that diverged are crosses.

    The dashed line is the loss before training; what lies far above it is cut off.
    """
    rates, losses = result.learning_rates, result.losses
    fine = np.isfinite(losses)
    lowest = min([result.start, *losses[fine]])
    top = result.start + 0.5 * (result.start - lowest or 1.0)
    axes.semilogx(rates[fine], losses[fine], color=BLUE, marker="o", markersize=4)
    if not fine.all():
        axes.semilogx(rates[~fine], np.full(int((~fine).sum()), top - 0.05 * (top - lowest)), "x", color=RED, label="diverged")
    axes.axhline(result.start, color=BLACK, linestyle="--", linewidth=1, label="before training")
    if np.isfinite(result.suggestion):
        axes.axvline(result.suggestion, color=GREEN, linestyle="-.", label=f"suggested: {result.suggestion:.2g}")
    axes.set_ylim(lowest - 0.08 * (top - lowest), top)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
