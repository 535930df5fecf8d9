"""The data sets that come with scikit-learn, read from its own files: importing it would cost more than a second."""

import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxnn.data.table import Dataset


@dataclass(frozen=True)
class Source:
    """Where a bundled set lies and how its columns are called. Files that name their classes do so on the first line."""

    description: str
    file: str
    columns: tuple[str, ...]
    target_file: str = ""
    separator: str | None = ","
    named_classes: bool = False
    dtype: type = np.float64


_CELL = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
_WINE: tuple[str, ...] = (
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
)
_WINE += ("proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline")

SOURCES = {
    "digits": Source(
        "1,797 rows, 64 columns, 10 classes: handwritten digits, 8 x 8 pixels from 0 to 16",
        "digits.csv.gz",
        tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8)),
        dtype=np.int16,  # read six times as fast as fractions
    ),
    "iris": Source(
        "150 rows, 4 columns, 3 classes: species of iris from lengths and widths in cm",
        "iris.csv",
        ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"),
        named_classes=True,
    ),
    "wine": Source("178 rows, 13 columns, 3 classes: cultivars of wine from chemical analyses", "wine_data.csv", _WINE, named_classes=True),
    "breast_cancer": Source(
        "569 rows, 30 columns, 2 classes: malignant or benign from measures of cell nuclei",
        "breast_cancer.csv",
        tuple(f"mean {part}" for part in _CELL) + tuple(f"{part} error" for part in _CELL) + tuple(f"worst {part}" for part in _CELL),
        named_classes=True,
    ),
    "diabetes": Source(
        "442 rows, 10 columns, regression: progress of the disease within a year, columns in their raw units",
        "diabetes_data_raw.csv.gz",
        ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"),
        target_file="diabetes_target.csv.gz",
        separator=None,
    ),
}


def bundled() -> dict[str, str]:
    """Names of the bundled data sets, each with a line on rows, columns and task.

    >>> bundled()["iris"]
    '150 rows, 4 columns, 3 classes: species of iris from lengths and widths in cm'
    """
    return {name: source.description for name, source in SOURCES.items()}


def load_bundled(name: str) -> Dataset:
    """A bundled data set; its column to learn is called 'target' and holds class names where the set has them.

    Raises `ImportError` where scikit-learn is not installed.
    """
    source = SOURCES[name]
    folder = _folder()
    present = (folder / source.file).is_file() and (folder / source.target_file).exists()
    values, target = _from_files(source, folder) if present else _from_sklearn(name)
    return Dataset(
        name=name,
        columns=source.columns,
        numbers=values,
        number_names=source.columns,
        texts={},
        target=target,
        target_name="target",
    )


def _folder() -> Path:
    # Finding a top-level package does not import it.
    spec = importlib.util.find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError('The bundled data sets come with scikit-learn: pip install "jaxnn-toolkit[cli]".')
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data"


def _from_files(source: Source, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    lines = _lines(folder / source.file)
    table: np.ndarray = np.loadtxt(lines[source.named_classes :], delimiter=source.separator, dtype=source.dtype)
    if source.target_file:
        return table, np.loadtxt(_lines(folder / source.target_file))
    values, codes = table[:, :-1], table[:, -1].astype(np.int64)
    return values, np.array(lines[0].split(",")[2:], dtype=object)[codes] if source.named_classes else codes


def _lines(path: Path) -> list[str]:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8").splitlines()


def _from_sklearn(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The slow way, for a scikit-learn that keeps its files elsewhere."""
    import sklearn.datasets

    options = {"scaled": False} if name == "diabetes" else {}
    loaded = getattr(sklearn.datasets, f"load_{name}")(**options)
    if SOURCES[name].named_classes:
        return loaded.data, np.array([str(word) for word in loaded.target_names], dtype=object)[loaded.target]
    return loaded.data, loaded.target
