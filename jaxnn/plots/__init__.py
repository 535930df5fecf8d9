"""Figures of what was trained, by matplotlib: learning curves, regions in the plane, confusion matrices, images, filters, maps, norms.

Each function draws into the ``Axes`` or ``Figure`` it is given and returns nothing. Colours are Okabe and Ito's (2008), which people
with any colour vision can tell apart; nothing here touches pyplot's global state.
"""

try:
    import matplotlib.axes  # noqa: F401
except ImportError as error:
    raise ImportError('jaxnn.plots needs matplotlib: pip install "jaxnn-toolkit[plots]"') from error

from jaxnn.plots.confusion import confusion_matrix
from jaxnn.plots.curves import learning_curves
from jaxnn.plots.images import filters, image_grid, reconstructions
from jaxnn.plots.maps import attention_map, feature_maps
from jaxnn.plots.norms import gradient_norms
from jaxnn.plots.regions import Predict, decision_boundary
from jaxnn.plots.style import BLACK, BLUE, COLOURS, GREEN, LINES, ORANGE, PURPLE, RED, SKY, YELLOW

__all__ = [
    "BLACK",
    "BLUE",
    "COLOURS",
    "GREEN",
    "LINES",
    "ORANGE",
    "PURPLE",
    "RED",
    "SKY",
    "YELLOW",
    "Predict",
    "attention_map",
    "confusion_matrix",
    "decision_boundary",
    "feature_maps",
    "filters",
    "gradient_norms",
    "image_grid",
    "learning_curves",
    "reconstructions",
]
