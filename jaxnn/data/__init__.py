"""Data: from a bundled name or a file to arrays, and which rows train.

`load` reads a data set, `split_rows` and `fold_rows` choose rows, `Preprocessing` learns from the training rows what turns raw
columns into x and y, and `load_features` reads the same columns again when a model is to predict.
"""

from jaxnn.data.bundles import bundled
from jaxnn.data.loading import load
from jaxnn.data.preprocessing import Preprocessing, load_features
from jaxnn.data.splits import fold_rows, split_rows
from jaxnn.data.synthetic import circles, moons, spirals
from jaxnn.data.table import Dataset, Table
from jaxnn.data.targets import Classes, Kind, Quantity, balancing_weights, infer_kind
from jaxnn.data.windows import windows

__all__ = [
    "Classes",
    "Dataset",
    "Kind",
    "Preprocessing",
    "Quantity",
    "Table",
    "balancing_weights",
    "bundled",
    "circles",
    "fold_rows",
    "infer_kind",
    "load",
    "load_features",
    "moons",
    "spirals",
    "split_rows",
    "windows",
]
