"""predict: a model file and new rows in, class names and probabilities out."""

import csv
import io
import sys
from pathlib import Path

import numpy as np
from rich.console import Console

from jaxnn.cli.progress import keep_programs
from jaxnn.data import Preprocessing, load_features
from jaxnn.model_files import check_folder, load_model, write_at_once


def write_predictions(model_path: Path, source: str, output: Path | None, notes: Console) -> None:
    """Writes one CSV row for each row of the data. Raises ValueError for a model or data that can't be used."""
    if output is not None:
        check_folder(output)
    keep_programs(notes)
    model = load_model(model_path)
    if "preprocessing" not in model.extras:
        raise ValueError(f"{model_path} has no preprocessing: it was not saved by jaxnn sweep or fit. Load it in Python instead.")
    preprocessing = Preprocessing.from_dict(model.extras["preprocessing"])
    table = load_features(source, preprocessing)
    for note in table.notes:
        notes.print(f"Note: {note}", highlight=False, soft_wrap=True, markup=False)
    text = _as_csv(preprocessing, model.predict(preprocessing.transform(table)))
    if output is None:
        sys.stdout.write(text)
    else:
        write_at_once(output, text.encode())
        notes.print(f"{table.rows} predictions in {output}", highlight=False, soft_wrap=True, markup=False)


def _as_csv(preprocessing: Preprocessing, predictions: np.ndarray) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    target = preprocessing.target_name
    if preprocessing.kind == "regression":
        writer.writerow([target])
        writer.writerows([f"{value:.9g}"] for value in preprocessing.restore(predictions))
    else:
        writer.writerow([target, *(f"p({name})" for name in preprocessing.class_names)])
        names = preprocessing.decode(predictions.argmax(axis=1))
        for name, row in zip(names, predictions, strict=True):
            writer.writerow([name, *(f"{value:.6g}" for value in row)])
    return text.getvalue()
