"""The commands. Exit codes: 0 done, 2 the user's mistake, 1 ours, 130 interrupted (what had finished is kept and reported)."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import click

from jaxnn.cli import show
from jaxnn.cli.options import TUNABLES

INTERRUPTED = 130


def run() -> NoReturn:
    """Runs the command line and exits: mistakes of the user are one sentence, never a traceback."""
    try:
        leave_now(main.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        leave_now(2)
    except (click.Abort, KeyboardInterrupt):
        show.console(stderr=True).print("Interrupted before anything had finished; nothing was written.")
        leave_now(INTERRUPTED)
    except BrokenPipeError:
        os._exit(0)  # the reader, for instance head, has seen enough
    except (ValueError, OSError, ImportError) as error:
        show.console(stderr=True).print(f"Error: {_sentence(error)}", markup=False, highlight=False, soft_wrap=True)
        leave_now(2)
    # anything else is our mistake: Python prints its traceback, which we want to be sent, and exits with 1


def leave_now(code: int) -> NoReturn:
    """Exits at once: taking JAX apart costs 0.2 s, and members of an interrupted sweep may still be training in other threads."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="jaxnn-toolkit", prog_name="jaxnn")
def main() -> None:
    """Trains and tunes neural networks on tables: real data in, a chosen, saved and usable model out."""


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """DATA and what to make of it, the same for every command that trains."""
    options = [
        click.argument("data"),
        click.option("--target", help="Column to learn; for an NPZ file the name of the label array."),
        click.option("--task", "kind", type=click.Choice(["auto", "classification", "regression"]), default="auto", show_default=True),
        click.option("--impute", is_flag=True, help="Fill missing values: numbers by their median, text by its most frequent value."),
        click.option("--epochs", type=click.IntRange(1), default=100, show_default=True, help="At most so many epochs."),
        click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True, help="Rows of a step."),
        click.option("--patience", type=click.IntRange(0), default=10, show_default=True, help="Early stopping after so many; 0: never."),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Fixes the splits and all that is drawn."),
        click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where run folders go."),
        click.option("--name", help="Name of the run folder.  [default: that of the data]"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def tunable_options(which: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--learning-rate and its like: ranges by default where they are swept, single values where a run stands alone."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for name, tunable in reversed(TUNABLES.items()):
            option = f"--{name.replace('_', '-')}"
            command = click.option(option, default=getattr(tunable, which), show_default=True, help=f"{tunable.help}.")(command)
        return command

    return add


@main.command()
@data_options
@click.option("--trials", type=click.IntRange(1), default=64, show_default=True, help="Trials of a random search.")
@click.option("--grid", type=click.IntRange(1), help="Grid search in place of it, with so many points of each range.")
@click.option("--ensemble", type=click.IntRange(1), default=5, show_default=True, help="Size of the ensemble of the best.")
@tunable_options("swept")
def sweep(**options: Any) -> int:
    """Tunes a network on DATA: a bundled set (see: jaxnn datasets) or a CSV, Parquet or NPZ file.

    A hyperparameter is a value, a range low:high or a choice a,b,c: --learning-rate 1e-4:1e-1 --width 32,64 --l2 0
    """
    from jaxnn.cli.tune import run_sweep

    return INTERRUPTED if run_sweep(show.console(), **options) else 0


@main.command()
@data_options
@click.option("--member", type=click.IntRange(0), default=0, show_default=True, help="Number of a sweep's trial, to train it again alone.")
@tunable_options("alone")
def fit(**options: Any) -> int:
    """Trains one network on DATA, and saves and scores it as a sweep does."""
    from jaxnn.cli.tune import run_fit

    return INTERRUPTED if run_fit(show.console(), **options) else 0


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@click.option("--output", type=click.Path(path_type=Path), help="CSV file to write.  [default: standard output]")
def predict(model: Path, data: str, output: Path | None) -> None:
    """Predicts the rows of DATA by the MODEL file of a run: class names and probabilities, or numbers, as CSV."""
    from jaxnn.cli.predictions import write_predictions

    write_predictions(model, data, output, show.console(stderr=True))


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
def report(run: Path) -> None:
    """Prints the leaderboard of a RUN folder and writes its report.html again."""
    from jaxnn import reports
    from jaxnn.cli.results import read_report
    from jaxnn.model_files import write_at_once

    found = replace(read_report(run), model_path=str(run / "model.safetensors"))  # the folder may have moved since
    page = write_at_once(run / "report.html", reports.render(found).encode())
    screen = show.console()
    show.leaderboard(screen, found)
    show.summary(screen, found, page.parent)


@main.command()
def datasets() -> None:
    """Lists the bundled data sets."""
    from jaxnn.data import bundled

    show.datasets(show.console(), bundled())


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}."
    return str(error)
