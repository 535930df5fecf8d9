"""Every experiment has one form, and kept results belong to the code as it is."""

import dataclasses
import importlib
import json
from pathlib import Path

import pytest

from experiments import activation_functions
from experiments.support.runner import command_line, plain

FOLDER = Path(__file__).parent.parent.parent / "experiments"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
RESULTS = FOLDER / "results"
each = pytest.mark.parametrize("name", NAMES)


def test_command_line_writes_results_and_figures_but_no_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command_line(activation_functions.main, activation_functions.Config, ["--smoke", "--out", str(tmp_path)])
    record = json.loads((tmp_path / "activation_functions.json").read_text(encoding="utf-8"))
    assert set(record) == {"question", "config", "results", "seconds", "versions", "hardware"}
    assert (tmp_path / "activation_functions.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path) not in json.dumps(record) and "written to" in capsys.readouterr().out


@each
def test_form(name: str) -> None:
    module = importlib.import_module(f"experiments.{name}")
    assert str(module.__doc__).splitlines()[0].endswith("?")
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(module.Config(), dataclasses.fields(module.Config)[0].name, None)
    assert f"experiments.{name}" in (FOLDER / "README.md").read_text(encoding="utf-8")


@each
def test_kept_results_are_of_a_full_run_of_the_config_as_it_is(name: str) -> None:
    config = plain(dataclasses.asdict(importlib.import_module(f"experiments.{name}").Config()))
    config.pop("data", None)
    assert json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["config"] == config


def test_figures_are_small_enough_to_be_kept() -> None:
    for kind, most in (("*.png", 300_000), ("*.gif", 1_000_000)):
        sizes = {path.name: path.stat().st_size for path in RESULTS.glob(kind)}
        assert sizes and max(sizes.values()) < most
