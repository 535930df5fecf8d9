"""The looks that all figures share: colours, line styles, scales of shades."""

from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex, to_rgb

BLUE, ORANGE, GREEN, PURPLE, SKY, RED, YELLOW, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#000000",
)
COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW)
"""One for each line or class, in this order."""
LINES = ("-", "--", "-.", ":")
"""Line styles go with the colours, so that a figure printed in grey can be read too, and a colour that comes again has another."""
WHITE, PALE = "#FFFFFF", "#BBBBBB"


def colour(number: int) -> str:
    """The colour of that line or class."""
    return COLOURS[number % len(COLOURS)]


def line(number: int) -> str:
    """The style of that line."""
    return LINES[(number + number // len(COLOURS)) % len(LINES)]


def shades(*colours: str) -> Colormap:
    """A scale that goes evenly from colour to colour."""
    return LinearSegmentedColormap.from_list(" to ".join(colours), list(colours))


def lightened(colour: str) -> str:
    """A paler form of the colour, to draw upon."""
    red, green, blue = (0.45 * part + 0.55 for part in to_rgb(colour))
    return to_hex((red, green, blue))


GREY, AMOUNTS, SIGNED = shades(BLACK, WHITE), shades(WHITE, BLUE), shades(BLUE, WHITE, RED)
"""Scales: pixels; numbers from 0; numbers below and above 0."""


def bare(axes: Axes) -> None:
    """Leaves only what is drawn: no ticks and no frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
