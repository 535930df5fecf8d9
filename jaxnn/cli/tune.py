"""The two commands that train, sweep and fit: prepare, train, choose, score once, save."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from jaxnn.cli import show
from jaxnn.cli.options import TUNABLES, builder, read_space
from jaxnn.cli.progress import Watch, compile_seconds, keep_programs
from jaxnn.cli.results import make_report, run_folder, write_results
from jaxnn.cli.study import Study, prepare
from jaxnn.recipes import Recipe
from jaxnn.search import Grid, Random, Space
from jaxnn.sweeps import Sweep, Trial, make_trial, sweep
from jaxnn.training import fit


@dataclass(frozen=True)
class Job:
    """What both commands have in common: data made ready, what is tuned, and how a recipe is built."""

    study: Study
    space: Space
    build: Callable[..., Recipe]
    seed: int

    @property
    def metric(self) -> str:
        """The name in the history that trials are ranked by."""
        return "validation_accuracy" if self.study.kind == "classification" else "validation_loss"


def run_sweep(console: Console, *, trials: int, grid: int | None, ensemble: int, out: Path, name: str | None, **options: Any) -> bool:
    """Sweeps, shows and saves; True if it was interrupted. Raises ValueError for the user's mistakes, before anything is written."""
    job = _prepare(console, options)
    search = Grid(grid) if grid else Random(trials)
    planned = len(search.propose(job.space, seed=job.seed))
    with run_folder(out, name, job.study.dataset.name) as folder, _timing() as seconds:
        with Watch(console, "sweep", planned) as watch:

            def arrived(trial: Trial, _: int) -> None:
                score = job.study.score(trial.score)
                watch.step(score, show.describe(trial.number, score, job.study.metric))

            result = sweep(
                job.build, job.space, job.study.data, search=search, key=job.seed, metric=job.metric, keep=ensemble, on_trial=arrived
            )
        interrupted = len(result.trials) < planned
        if interrupted and result.trials:
            console.print(f"Interrupted: {len(result.trials)} of {planned} trials had finished; the others are dropped.", highlight=False)
        _finish(console, job, result, folder, seconds, ensemble)
    return interrupted


def run_fit(console: Console, *, member: int, out: Path, name: str | None, **options: Any) -> bool:
    """Trains one recipe with its epochs shown as they pass; saved and scored as a sweep of one trial.

    member: with the number and hyperparameters of a sweep's trial, and its other options, the run is that trial again, bit for bit.
    """
    job = _prepare(console, options)
    if job.space:
        raise ValueError(f"jaxnn fit trains one network, but {', '.join(job.space)} has several values. Use jaxnn sweep for that.")
    recipe = job.build()
    with run_folder(out, name, job.study.dataset.name) as folder, _timing() as seconds:
        with Watch(console, "epochs", recipe.epochs) as watch:

            def passed(_: int, metrics: Mapping[str, float]) -> None:
                score = job.study.score(metrics[job.metric])
                watch.step(score, f"{job.study.metric} {score:.4g}")

            run = fit(recipe, job.study.data, key=job.seed, member=member, callback=passed)
        result = Sweep([make_trial(member, {}, [run], job.metric)], job.metric, {})
        _finish(console, job, result, folder, seconds, 1)
    return False


def _prepare(console: Console, options: dict[str, Any]) -> Job:
    keep_programs(console)
    space, fixed = read_space({name: options.pop(name) for name in TUNABLES})
    sizes = {name: options.pop(name) for name in ("epochs", "batch_size", "patience")}
    study = prepare(options["data"], options["target"], kind=options["kind"], impute=options["impute"], seed=options["seed"])
    for note in study.notes:
        console.print(f"Note: {note}", highlight=False, soft_wrap=True, markup=False)
    console.print(study.describe(), highlight=False, soft_wrap=True, markup=False)
    return Job(study, space, partial(builder(study.kind, study.outputs, **sizes), **fixed), options["seed"])


def _finish(console: Console, job: Job, result: Sweep, folder: Path, seconds: "Seconds", ensemble: int) -> None:
    """Scores on the test rows, writes the run folder and shows both. Raises KeyboardInterrupt if no trial has finished."""
    if not result.trials:
        raise KeyboardInterrupt
    run_seconds = sum(trial.seconds for trial in result.trials) - sum(seconds.compiling)
    spent = {"compile": sum(seconds.compiling), "run": run_seconds, "total": time.perf_counter() - seconds.began}
    report = make_report(job.study, result, folder, seconds=spent, ensemble=ensemble)
    write_results(folder, job.study, result, report)
    show.leaderboard(console, report)
    show.summary(console, report, folder)


@dataclass(frozen=True)
class Seconds:
    """When the work began and what each compiled program has taken."""

    began: float
    compiling: list[float]


@contextmanager
def _timing() -> Iterator[Seconds]:
    began = time.perf_counter()
    with compile_seconds() as compiling:
        yield Seconds(began, compiling)
