"""jaxnn sweep and fit: what they print, what they leave, and that choosing never saw the test rows."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from jaxnn import load_model
from jaxnn.codec import from_json
from jaxnn.data import Preprocessing
from tests.cli.shell import jaxnn

SMALL = ("--epochs", "4", "--width", "8", "--depth", "1")


def test_a_sweep_leaves_every_file_of_its_run(trained: Path) -> None:
    assert sorted(path.name for path in trained.iterdir()) == [
        "model.safetensors",
        "recipe.json",
        "report.html",
        "sweep.json",
        "trials.csv",
    ]
    with (trained / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    scores = [float(row["validation_accuracy"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    best = from_json((trained / "recipe.json").read_text())
    assert best.optimizer.numbers["learning_rate"] == float(rows[0]["learning_rate"])
    assert best == load_model(trained / "model.safetensors").recipe


def test_scaling_and_categories_come_from_training_rows_alone(trained: Path) -> None:
    extras = load_model(trained / "model.safetensors").extras
    preprocessing = Preprocessing.from_dict(extras["preprocessing"])
    assert preprocessing.class_names == ("a", "b")
    facts = json.loads((trained / "sweep.json").read_text())
    assert facts["dataset"]["splits"] == {"train": 77, "validation": 19, "test": 24}


def test_plain_lines_without_a_terminal(tables: Path) -> None:
    answer = jaxnn("sweep", "ok.csv", "--target", "y", "--trials", "2", *SMALL, "--out", "../plain", folder=tables)
    assert answer.code == 0, answer
    assert "\x1b" not in answer.out, "escape codes belong to terminals"
    assert re.search(r"sweep: 1/2 done, best accuracy [\d.]+ \(trial \d\), \d+ s left", answer.out)
    assert re.search(r"Test accuracy \(24 rows that took no part in choosing\): winner [\d.]+, ensemble of 2 [\d.]+", answer.out)
    assert re.search(r"Compiled [\d.]+ s and ran [\d.]+ s", answer.out)


def test_a_second_run_never_writes_over_the_first(tables: Path) -> None:
    options = ("fit", "ok.csv", "--target", "y", *SMALL, "--out", "../again", "--name", "same")
    assert [jaxnn(*options, folder=tables).code for _ in range(2)] == [0, 0]
    assert sorted(path.name for path in (tables.parent / "again").iterdir()) == ["same", "same-2"]


def test_the_same_seed_gives_the_same_model(tables: Path) -> None:
    models = []
    for name in ("one", "two"):
        jaxnn("sweep", "ok.csv", "--target", "y", "--trials", "2", *SMALL, "--out", "../seeds", "--name", name, folder=tables)
        models.append((tables.parent / "seeds" / name / "model.safetensors").read_bytes())
    assert models[0] == models[1]


def test_the_winner_can_be_trained_again_alone_bit_for_bit(trained: Path, tables: Path) -> None:
    with (trained / "trials.csv").open() as file:
        best = next(csv.DictReader(file))
    numbers = ("--learning-rate", best["learning_rate"], "--l2", best["l2"], "--member", best["trial"])
    answer = jaxnn("fit", "ok.csv", "--target", "y", *numbers, *SMALL, "--out", "../alone", folder=tables)
    assert answer.code == 0, answer
    assert (tables.parent / "alone" / "ok" / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()


def test_an_unwritable_cache_is_a_note_and_no_more(tables: Path) -> None:
    answer = jaxnn("fit", "ok.csv", "--target", "y", *SMALL, "--out", "../uncached", folder=tables, JAXNN_CACHE_DIR="ok.csv")
    assert answer.code == 0, answer
    assert "Note: compiled programs are not kept" in answer.out


def test_a_regression_reports_r2_and_predicts_in_raw_units(tables: Path) -> None:
    answer = jaxnn("fit", "diabetes", "--epochs", "30", "--out", "../regression", folder=tables)
    assert answer.code == 0, answer
    score = float(re.search(r"Test R2 .*winner (-?[\d.]+)", answer.out)[1])  # type: ignore[index]
    assert score > 0.25, "ridge regression has 0.4 to 0.5 on these rows"
    predicted = jaxnn("predict", "../regression/diabetes/model.safetensors", "diabetes", folder=tables).out.split()
    assert predicted[0] == "target"
    values = np.array(predicted[1:], float)
    assert len(values) == 442
    assert 25 < values.min() < values.max() < 400, "progression lies between 25 and 346"


def test_all_trials_diverged_is_said_and_kept(tables: Path) -> None:
    answer = jaxnn("sweep", "diabetes", "--trials", "2", *SMALL, "--learning-rate", "1e30", "--out", "../lost", folder=tables)
    assert answer.code == 0, answer
    assert "2 of 2 trials diverged" in answer.out
    assert not (tables.parent / "lost" / "diabetes" / "model.safetensors").exists()
    assert (tables.parent / "lost" / "diabetes" / "trials.csv").exists()


def test_grid_search_and_imputing(tables: Path) -> None:
    options = ("--grid", "2", "--l2", "1e-4", *SMALL, "--impute", "--out", "../grid")
    answer = jaxnn("sweep", "missing.csv", "--target", "y", *options, folder=tables)
    assert answer.code == 0, answer
    assert "best of 2 trials" in answer.out


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_keeps_and_reports_what_has_finished(tables: Path) -> None:
    options = ("--trials", "4000", "--epochs", "20", "--width", "8", "--depth", "1", "--patience", "0", "--out", "../interrupted")
    command = [sys.executable, "-u", "-m", "jaxnn", "sweep", "ok.csv", "--target", "y", *options]
    process = subprocess.Popen(command, cwd=tables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "done" in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    with (tables.parent / "interrupted" / "ok" / "trials.csv").open() as file:
        finished = len(list(csv.DictReader(file)))
    assert 400 <= finished < 4000
    assert f"Interrupted: {finished} of 4000 trials had finished" in out
    assert load_model(tables.parent / "interrupted" / "ok" / "model.safetensors")


def test_ctrl_c_before_anything_has_finished_writes_nothing_and_does_not_wait(tables: Path) -> None:
    options = ("--trials", "1", "--epochs", "10000000", "--patience", "0", "--out", "../nothing")
    command = [sys.executable, "-u", "-m", "jaxnn", "sweep", "ok.csv", "--target", "y", *options]
    process = subprocess.Popen(command, cwd=tables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # the data are described, so preparing is over
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "nothing was written" in err
    assert not (tables.parent / "nothing").exists()
