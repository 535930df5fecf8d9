"""How axes of experiments look."""

from matplotlib.axes import Axes


def tidy(axes: Axes) -> None:
    """A faint grid, and no frame where no numbers stand."""
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
