"""Looking into a run: which learning rate, what flows through the layers, where a NaN came from, how the loss lies around a solution."""

from jaxnn.diagnostics.advice import advice
from jaxnn.diagnostics.landscape import Landscape, landscape, random_direction
from jaxnn.diagnostics.not_finite import NotFinite, first_not_finite
from jaxnn.diagnostics.range_test import RangeTest, range_test, suggest
from jaxnn.diagnostics.statistics import LayerStatistics, Statistics, statistics

__all__ = [
    "Landscape",
    "LayerStatistics",
    "NotFinite",
    "RangeTest",
    "Statistics",
    "advice",
    "first_not_finite",
    "landscape",
    "random_direction",
    "range_test",
    "statistics",
    "suggest",
]
