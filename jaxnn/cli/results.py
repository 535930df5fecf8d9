"""The run folder: trials.csv, recipe.json, sweep.json, report.html and model.safetensors."""

import csv
import dataclasses
import io
import itertools
import json
import math
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import jax
import optax

from jaxnn import reports
from jaxnn.checks import sentence
from jaxnn.cli.scoring import baseline, confusion, pairs, test_score
from jaxnn.cli.study import Study
from jaxnn.codec import to_json
from jaxnn.model_files import save_model, write_at_once
from jaxnn.search import Choice, Dimension, Integer, LogUniform
from jaxnn.sweeps import Sweep, Trial


@contextmanager
def run_folder(root: Path, name: str | None, default: str) -> Iterator[Path]:
    """A new folder root/name, or root/name-2, -3, ... where that is taken: an earlier run is never written over.

    It is made before training, so that a folder that can't be written is told at once, and goes again if nothing came of the run.
    """
    wanted = name or Path(default).stem or "run"
    if wanted != Path(wanted).name or wanted in (".", ".."):
        raise ValueError(sentence("jaxnn", "--name", "a plain folder name", repr(wanted), "Say where it goes with --out."))
    missing = [path for path in (root, *root.parents) if not path.exists()]
    folder = _claim(root, wanted)
    try:
        yield folder
    finally:
        if not any(folder.iterdir()):
            for made in (folder, *missing):
                made.rmdir()


def _claim(root: Path, name: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        folder = root / (name if number == 1 else f"{name}-{number}")
        with suppress(FileExistsError):
            folder.mkdir()
            break
    return folder


def make_report(study: Study, sweep: Sweep, folder: Path, *, seconds: Mapping[str, float], ensemble: int) -> reports.Report:
    """The page's facts. The winner and the ensemble of the best are scored on the test rows here, once."""
    winner = sweep.winner
    return reports.Report(
        title=folder.name,
        created=time.strftime("%Y-%m-%d %H:%M:%S"),
        dataset=_dataset(study),
        metric=study.metric,
        trials=[_trial(study, trial) for trial in sweep.trials],
        space={name: _dimension(dimension) for name, dimension in sweep.space.items()},
        winner=winner.number if winner else None,
        test_scores=_test_scores(study, sweep, ensemble),
        baselines=baseline(study),
        seconds=dict(seconds),
        confusion=confusion(study, winner.runs[0]) if winner else (),
        predictions=pairs(study, winner.runs[0]) if winner else (),
        recipe=repr(winner.runs[0].recipe) if winner else "",
        versions={"python": platform.python_version(), "jax": jax.__version__, "optax": optax.__version__},
        model_path=str(folder / "model.safetensors"),
        notes=study.notes,
    )


def write_results(folder: Path, study: Study, sweep: Sweep, report: reports.Report) -> None:
    """Every file of the run folder, the model last: where it is, all is. A sweep without a winner has no recipe and no model."""
    write_at_once(folder / "trials.csv", _trials_csv(report).encode())
    write_at_once(folder / "sweep.json", json.dumps(_plain(dataclasses.asdict(report)), allow_nan=False).encode())
    write_at_once(folder / "report.html", reports.render(report).encode())
    if sweep.winner:
        run = sweep.winner.runs[0]
        write_at_once(folder / "recipe.json", to_json(run.recipe).encode())
        save_model(folder / "model.safetensors", run, extras={"preprocessing": study.preprocessing.to_dict()})


def read_report(folder: Path) -> reports.Report:
    """The report of an earlier run. Raises ValueError where the folder has none that can be read."""
    try:
        values = json.loads((folder / "sweep.json").read_bytes())
        values["dataset"] = reports.Dataset(**values["dataset"])
        values["trials"] = [reports.Trial(**_with_nan(trial)) for trial in values["trials"]]
        values["space"] = {name: reports.Dimension(**dimension) for name, dimension in values["space"].items()}
        return reports.Report(**values)
    except FileNotFoundError:
        raise ValueError(f"{folder} is not a run folder: it has no sweep.json. Give a folder that jaxnn sweep or fit wrote.") from None
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{folder / 'sweep.json'} is damaged or of another version: {error}.") from error


def _test_scores(study: Study, sweep: Sweep, ensemble: int) -> dict[str, float]:
    if sweep.winner is None:
        return {}
    size = min(ensemble, sum(math.isfinite(trial.score) for trial in sweep.trials))
    together = {f"ensemble of {size}": test_score(study, sweep.ensemble(size))} if size > 1 else {}
    return {"winner": test_score(study, sweep.winner.runs[0]), **together}


def _dataset(study: Study) -> reports.Dataset:
    dataset, names = study.dataset, study.preprocessing.class_names
    return reports.Dataset(dataset.name, dataset.rows, len(dataset.columns), study.kind, study.splits, names)


def _trial(study: Study, trial: Trial) -> reports.Trial:
    history = {name: values.tolist() for name, values in trial.history.items()}
    return reports.Trial(
        number=trial.number,
        status=trial.outcome,
        hyperparameters=trial.hyperparameters,
        score=study.score(trial.score),
        loss=trial.validation_loss,
        epochs=trial.epochs,
        best_epoch=trial.best_epoch,
        seconds=trial.seconds,
        history=history,
    )


def _dimension(dimension: Dimension) -> reports.Dimension:
    if isinstance(dimension, Choice):
        return reports.Dimension("choice", options=dimension.options)
    kind = "log" if isinstance(dimension, LogUniform) else "integer" if isinstance(dimension, Integer) else "uniform"
    return reports.Dimension(kind, dimension.low, dimension.high)


def _trials_csv(report: reports.Report) -> str:
    text = io.StringIO()
    names = list(report.trials[0].hyperparameters)
    writer = csv.writer(text)
    writer.writerow(
        ["rank", "trial", f"validation_{report.metric}", "validation_loss", "outcome", "epochs", "best_epoch", "seconds", *names]
    )
    for rank, trial in enumerate(report.trials, start=1):
        values = [rank, trial.number, trial.score, trial.loss, trial.status, trial.epochs, trial.best_epoch, f"{trial.seconds:.4f}"]
        writer.writerow([*values, *(trial.hyperparameters[name] for name in names)])
    return text.getvalue()


def _plain(value: Any) -> Any:
    """JSON has no NaN; null stands for it, so that any reader can read the file."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_nan(trial: dict[str, Any]) -> dict[str, Any]:
    """The reverse of ``_plain`` where a trial has numbers."""
    history = {name: [math.nan if value is None else value for value in values] for name, values in trial["history"].items()}
    return {**trial, **{name: math.nan for name in ("score", "loss", "seconds") if trial[name] is None}, "history": history}
