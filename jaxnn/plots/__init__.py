"""Figures of what was trained, by matplotlib: learning curves, residuals, calibration, ROC and precision-recall curves, confusion
matrices, regions in the plane, images, filters, maps, norms, histograms,
range tests, losses around a solution.

Each function draws into the ``Axes`` or ``Figure`` it is given and returns nothing. Colours are Okabe and Ito's (2008), which people
with any colour vision can tell apart; nothing here touches pyplot's global state.
"""

try:
    import matplotlib.axes  # noqa: F401
except ImportError as error:
    raise ImportError('jaxnn.plots needs matplotlib: pip install "jaxnn-toolkit[plots]"') from error

from jaxnn.plots.calibration import calibration
from jaxnn.plots.confusion import confusion_matrix
from jaxnn.plots.curves import learning_curves
from jaxnn.plots.histograms import activation_histograms, weight_histograms
from jaxnn.plots.images import filters, image_grid, reconstructions
from jaxnn.plots.landscape import landscape
from jaxnn.plots.maps import attention_map, feature_maps
from jaxnn.plots.norms import gradient_norms
from jaxnn.plots.range_test import range_test
from jaxnn.plots.rates import precision_recall_curves, roc_curves
from jaxnn.plots.regions import Predict, decision_boundary
from jaxnn.plots.residuals import predicted_against_true, residuals
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
    "activation_histograms",
    "attention_map",
    "calibration",
    "confusion_matrix",
    "decision_boundary",
    "feature_maps",
    "filters",
    "gradient_norms",
    "image_grid",
    "landscape",
    "learning_curves",
    "precision_recall_curves",
    "predicted_against_true",
    "range_test",
    "reconstructions",
    "residuals",
    "roc_curves",
    "weight_histograms",
]
