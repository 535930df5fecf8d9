"""jaxnn predict, report and datasets."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from jaxnn import load_model
from jaxnn.data import Preprocessing, load_features
from tests.cli.shell import jaxnn, refused, write_table


@pytest.fixture(scope="module")
def new(tables: Path) -> Path:
    """A folder with rows to predict, good and bad."""
    folder = tables.parent / "new"
    folder.mkdir()
    write_table(folder / "same.csv", "size,hue", ["0.1,red", "3.2,blue", "-1,red"])
    write_table(folder / "reordered.csv", "hue,size", ["red,0.1", "blue,3.2", "red,-1"])
    write_table(folder / "extra.csv", "size,weight,hue,y", ["0.1,7,red,a", "3.2,8,blue,a", "-1,9,red,b"])
    write_table(folder / "lacking.csv", "size,hu", ["0.1,red"])
    write_table(folder / "unseen.csv", "size,hue", ["0.1,green", "1,red"])
    write_table(folder / "text.csv", "size,hue", ["large,red"])
    write_table(folder / "holes.csv", "size,hue", [",red"])
    return folder


def test_class_names_and_probabilities(trained: Path, new: Path) -> None:
    answer = jaxnn("predict", str(trained / "model.safetensors"), "same.csv", folder=new)
    assert answer.code == 0, answer
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert list(rows[0]) == ["y", "p(a)", "p(b)"]
    for row in rows:
        probabilities = {"a": float(row["p(a)"]), "b": float(row["p(b)"])}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert row["y"] == max(probabilities, key=lambda name: probabilities[name])


def test_the_file_predicts_what_the_library_predicts(trained: Path, new: Path) -> None:
    model = load_model(trained / "model.safetensors")
    preprocessing = Preprocessing.from_dict(model.extras["preprocessing"])
    expected = model.predict(preprocessing.transform(load_features(str(new / "same.csv"), preprocessing)))
    jaxnn("predict", str(trained / "model.safetensors"), "same.csv", "--output", "out.csv", folder=new)
    with (new / "out.csv").open() as file:
        found = [[float(row["p(a)"]), float(row["p(b)"])] for row in csv.DictReader(file)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("reordered", "another order than in training; they are matched by name"),
        ("extra", "1 column the model was not trained on, which it ignores"),
    ],
)
def test_columns_are_matched_by_name_with_a_note(trained: Path, new: Path, name: str, note: str) -> None:
    model = str(trained / "model.safetensors")
    usual, odd = (jaxnn("predict", model, f"{file}.csv", folder=new) for file in ("same", name))
    assert odd.code == 0
    assert odd.out == usual.out
    assert note in odd.err


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("lacking", "lacks 1 of the 2 columns the model was trained on: 'hue'. Add them. Did you mean hu?"),
        ("unseen", "values the model has never seen, in 'hue': 'green' (1 row)"),
        ("text", "Column 'size' of text.csv holds text such as 'large': the model was trained on numbers there."),
        ("holes", "missing values in 1 column: 'size' (1 row)"),
        ("absent", "There is no file 'absent.csv'"),
    ],
)
def test_rows_that_can_not_be_predicted_are_refused(trained: Path, new: Path, name: str, sentence: str) -> None:
    assert sentence in refused("predict", str(trained / "model.safetensors"), f"{name}.csv", folder=new)


def test_model_files_that_can_not_be_trusted_are_refused(trained: Path, new: Path, tmp_path: Path) -> None:
    whole = (trained / "model.safetensors").read_bytes()
    bent = bytearray(whole)
    bent[-5] ^= 4
    (tmp_path / "short").write_bytes(whole[:-1])
    (tmp_path / "bent").write_bytes(bent)
    rows = str(new / "same.csv")
    assert "is truncated or damaged" in refused("predict", "short", rows, folder=tmp_path)
    assert "SHA-256 does not match" in refused("predict", "bent", rows, folder=tmp_path)
    assert "not a model file" in refused("predict", rows, rows, folder=tmp_path)
    assert "There is no model file" in refused("predict", "absent", rows, folder=tmp_path)
    assert "There is no folder" in refused("predict", str(trained / "model.safetensors"), rows, "--output", "no/p.csv", folder=tmp_path)


def test_report_draws_the_page_again(trained: Path, tables: Path) -> None:
    before = (trained / "report.html").read_bytes()
    (trained / "report.html").unlink()
    answer = jaxnn("report", str(trained), folder=tables)
    assert answer.code == 0, answer
    assert "best of 3 trials by validation accuracy" in answer.out
    assert (trained / "report.html").read_bytes() == before
    assert "is not a run folder" in refused("report", ".", folder=tables)


def test_datasets_are_listed(tables: Path) -> None:
    answer = jaxnn("datasets", folder=tables)
    assert answer.code == 0
    for name in ("digits", "iris", "wine", "breast_cancer", "diabetes"):
        assert name in answer.out
