"""Writers: what they write is read back by others, nothing is written over, and a missing package is named."""

import csv
import io
import json
import struct
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from rich.console import Console
from tensorboardX.proto.event_pb2 import Event

from jaxnn import fit, writers
from tests.samples import blobs, classification

EPOCHS = [(1, {"loss": 0.1, "validation_loss": 1 / 3}), (2, {"loss": float("nan"), "validation_loss": float("inf")})]


def write(writer: writers.Writer) -> None:
    with writer:
        for epoch, metrics in EPOCHS:
            writer(epoch, metrics)
    writer.close()  # a second time does nothing


def stub(monkeypatch: pytest.MonkeyPatch, name: str, **functions: object) -> None:
    module = ModuleType(name)
    vars(module).update(functions)
    monkeypatch.setitem(sys.modules, name, module)


# Files ----------------------------------------------------------------------------------------------------------------------


def test_csv_keeps_every_digit(tmp_path):
    write(writers.CSV(tmp_path / "run.csv"))
    with (tmp_path / "run.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    assert float(rows[0]["validation_loss"]) == 1 / 3 and np.isnan(float(rows[1]["loss"])) and np.isinf(float(rows[1]["validation_loss"]))


def test_jsonl_is_strict_json(tmp_path):
    write(writers.JSONL(str(tmp_path / "run.jsonl")))
    lines = [json.loads(line, parse_constant=pytest.fail) for line in (tmp_path / "run.jsonl").read_text().splitlines()]
    assert lines == [{"epoch": 1, **EPOCHS[0][1]}, {"epoch": 2, "loss": None, "validation_loss": None}]


@pytest.mark.parametrize("make", [writers.CSV, writers.JSONL])
def test_each_line_is_in_the_file_before_the_next_epoch(make, tmp_path):
    writer = make(tmp_path / "run")
    for epoch, metrics in EPOCHS:
        writer(epoch, metrics)
        text = (tmp_path / "run").read_text()
        assert text.endswith("\n") and len(text.splitlines()) == epoch + (make is writers.CSV)


@pytest.mark.parametrize("make", [writers.CSV, writers.JSONL])
def test_a_file_is_never_written_over_but_gone_on_with(make, tmp_path):
    write(make(tmp_path / "run"))
    before = (tmp_path / "run").read_text()
    with pytest.raises(FileExistsError, match=r"path must be a new file, got '.*run', which exists\. .*append=True"):
        make(tmp_path / "run")
    assert (tmp_path / "run").read_text() == before
    (tmp_path / "run").write_text(before + "3,0.")  # as a full disk leaves it
    with make(tmp_path / "run", append=True) as writer:
        writer(*EPOCHS[0])
    lines = before.splitlines()
    assert (tmp_path / "run").read_text().splitlines() == [*lines, lines[-2]]


def test_append_makes_a_file_that_is_not_there(tmp_path):
    write(writers.CSV(tmp_path / "run.csv", append=True))
    assert (tmp_path / "run.csv").read_text().startswith("epoch,loss,validation_loss\n1,0.1,")


def test_csv_refuses_other_columns(tmp_path):
    with writers.CSV(tmp_path / "run.csv") as writer:
        writer(1, {"loss": 1.0})
        with pytest.raises(ValueError, match=r"CSV: metrics must be the columns of run\.csv, .*got \['epoch', 'accuracy'\]"):
            writer(2, {"accuracy": 1.0})


def test_a_missing_folder_is_told_before_the_run(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"JSONL: path must be in a folder that is there, got '.*run'\. Make .*nowhere first"):
        writers.JSONL(tmp_path / "nowhere" / "run")


# TensorBoard and trackers ---------------------------------------------------------------------------------------------------


def events(folder: Path) -> list[Event]:
    """The events of all files, by the format itself: length, its checksum, event, its checksum."""
    found = []
    for file in sorted(folder.iterdir()):
        content = io.BytesIO(file.read_bytes())
        while header := content.read(12):
            found.append(Event.FromString(content.read(struct.unpack("<Q", header[:8])[0])))
            content.read(4)
    return found


def test_tensorboard_has_one_event_an_epoch(tmp_path):
    write(writers.TensorBoard(tmp_path / "runs" / "one"))
    first, *rest = events(tmp_path / "runs" / "one")
    assert first.file_version == "brain.Event:2" and [event.step for event in rest] == [1, 2]
    scalars = {value.tag: value.simple_value for value in rest[0].summary.value}
    assert scalars == {name: np.float32(value) for name, value in EPOCHS[0][1].items()}
    with pytest.raises(FileExistsError, match=r"TensorBoard: folder must be without events, got '.*one', which has some"):
        writers.TensorBoard(tmp_path / "runs" / "one")
    write(writers.TensorBoard(tmp_path / "runs" / "one", append=True))
    assert len(events(tmp_path / "runs" / "one")) == 6


def test_mlflow_is_handed_each_epoch(monkeypatch):
    calls = []
    stub(monkeypatch, "mlflow", log_metrics=lambda metrics, step=None, run_id=None: calls.append((step, metrics, run_id)))
    write(writers.MLflow("a1"))
    assert calls == [(epoch, metrics, "a1") for epoch, metrics in EPOCHS]


def test_wandb_is_handed_each_epoch(monkeypatch):
    active, own = [], []
    stub(monkeypatch, "wandb", log=lambda metrics, step: active.append((step, metrics)))
    run = ModuleType("run")
    run.log = lambda metrics, step: own.append((step, metrics))
    write(writers.WandB())
    write(writers.WandB(run))
    assert active == own == EPOCHS


@pytest.mark.parametrize(
    ("package", "make"),
    [
        ("rich", lambda: writers.Progress(2)),
        ("tensorboardX", lambda: writers.TensorBoard("runs")),
        ("mlflow", writers.MLflow),
        ("wandb", writers.WandB),
    ],
)
def test_a_missing_package_is_named_with_its_extra(package, make, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf'needs {package}: pip install "jaxnn-toolkit\[\w+\]"\.'):
        make()


# Progress -------------------------------------------------------------------------------------------------------------------


def test_a_terminal_has_a_bar_that_ends_at_the_last_epoch():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    bar = writers.Progress(2, console=console)
    for epoch in (1, 2):
        bar(epoch, {"loss": 0.5 / epoch, "accuracy": 1.0})
    text = console.file.getvalue()
    assert "2/2" in text and "loss 0.25" in text and "accuracy" not in text
    assert "\x1b[?25h" in text  # the cursor is shown again


def test_a_bar_closed_early_shows_the_last_epoch():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with writers.Progress(100, show=("accuracy",), console=console) as bar:
        for epoch in (1, 2, 3):  # the second and third within a quarter of a second
            bar(epoch, {"accuracy": epoch / 4})
    assert "3/100" in console.file.getvalue() and "accuracy 0.75" in console.file.getvalue()


def test_elsewhere_there_are_a_few_lines():
    console = Console(file=io.StringIO(), force_terminal=False)
    with writers.Progress(95, console=console) as bar:
        for epoch in range(1, 96):
            bar(epoch, {"loss": 0.125})
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 11 and lines[0] == "epoch 9/95  loss 0.125" and lines[-1] == "epoch 95/95  loss 0.125"


def test_the_last_line_is_that_of_the_last_epoch_of_a_run_that_stops_early():
    console = Console(file=io.StringIO(), force_terminal=False)
    with writers.Progress(95, console=console) as bar:
        for epoch in range(1, 12):
            bar(epoch, {"loss": 1 / epoch})
    assert console.file.getvalue().splitlines() == ["epoch 9/95  loss 0.1111", "epoch 11/95  loss 0.09091"]


@pytest.mark.parametrize("widgets", [True, False])
def test_a_notebook_has_a_widget_or_else_lines(widgets, monkeypatch):
    console = Console(file=io.StringIO(), force_jupyter=True)
    drawn = []

    class Output:
        def clear_output(self, wait):
            drawn.append(wait)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    stub(monkeypatch, "IPython")
    stub(monkeypatch, "IPython.display", display=drawn.append)
    stub(monkeypatch, "ipywidgets", Output=Output, __spec__=object() if widgets else None)
    if not widgets:
        monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr(Console, "print", lambda self, *objects, **options: drawn.append(objects))
    with writers.Progress(2, console=console) as bar:
        bar(1, {"loss": 0.5})
    assert (isinstance(drawn[0], Output)) == widgets
    assert widgets or drawn == [("epoch 1/2  loss 0.5",)]


def test_progress_needs_a_number_of_epochs():
    with pytest.raises(ValueError, match="Progress: epochs must be a whole number >= 1, got 0"):
        writers.Progress(0)


# With a run -----------------------------------------------------------------------------------------------------------------


def test_several_see_each_epoch_of_a_run_and_change_nothing(tmp_path):
    recipe, rows = classification(epochs=3), blobs(40)
    seen = []
    with writers.several(writers.CSV(tmp_path / "a.csv"), writers.JSONL(tmp_path / "b.jsonl"), lambda *epoch: seen.append(epoch)) as all_of:
        run = fit(recipe, rows, callback=all_of)
    kept = np.genfromtxt(tmp_path / "a.csv", delimiter=",", names=True)
    for name, values in run.history.items():
        np.testing.assert_array_equal(np.float32(kept[name]), values)
    assert [epoch for epoch, _ in seen] == [1, 2, 3] and len((tmp_path / "b.jsonl").read_text().splitlines()) == 3
    assert all_of.callbacks[0].file.closed
    np.testing.assert_array_equal(run.history["loss"], fit(recipe, rows).history["loss"])


def test_several_refuse_what_cannot_be_called():
    with pytest.raises(TypeError, match=r"several: callbacks\[1\] must be a function of \(epoch, metrics\), got 'run\.csv'"):
        writers.several(print, "run.csv")
