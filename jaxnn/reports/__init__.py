"""A sweep as one HTML page: charts, table, recipe, and how to use the model. No file beside it, no network, no script needed.

The charts are SVG drawn here by plain Python functions. Importing matplotlib alone takes 0.7 s, and drawing with it more again:
longer than a whole sweep over warm caches. Nothing of JAX or NumPy is used either, so a page of 64 trials takes milliseconds.

    records     what the page is about
    text        numbers, durations and hostile names as text for people
    scales      values to pixels, and where the ticks stand
    svg         elements, lines, axes
    curves, scatter, parallel      the charts
    confusion, tables              what reads better as a table
    style, page                    how it looks, and the order of things
"""

from jaxnn.reports.page import render
from jaxnn.reports.records import Dataset, Dimension, Report, Trial

__all__ = ["Dataset", "Dimension", "Report", "Trial", "render"]
