"""Learning curves of groups of runs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from jaxnn.checks import sentence
from jaxnn.plots.style import colour, line
from jaxnn.runs import Run


def learning_curves(axes: Axes, groups: Mapping[str, Sequence[Run]], metric: str = "validation_loss") -> None:
    """A metric against epochs: for each named group of runs (the seeds of one recipe) its mean, one standard deviation around it.

    Runs may have stopped at different epochs; each epoch's mean is over the runs that reached it. Raises ValueError for a metric that the
    runs do not have.
    """
    for number, (name, runs) in enumerate(groups.items()):
        curves = _stacked(runs, metric)
        epochs, mean, sd = np.arange(1, curves.shape[1] + 1), np.nanmean(curves, axis=0), np.nanstd(curves, axis=0)
        axes.plot(epochs, mean, line(number), color=colour(number), label=name)
        axes.fill_between(epochs, mean - sd, mean + sd, color=colour(number), alpha=0.15, linewidth=0)
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric.replace("_", " "))
    axes.legend(frameon=False)


def _stacked(runs: Sequence[Run], metric: str) -> np.ndarray:
    """A metric of several runs (runs, epochs), NaN where a run had ended."""
    for run in runs:
        if metric not in run.history:
            known = " or ".join(map(repr, run.history))
            raise ValueError(sentence("learning_curves", "metric", known, repr(metric), "Validation metrics need validation rows."))
    curves = np.full((len(runs), max(len(run.history[metric]) for run in runs)), np.nan)
    for row, run in zip(curves, runs, strict=True):
        row[: len(run.history[metric])] = run.history[metric]
    return curves
