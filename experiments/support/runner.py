"""The form of an experiment: a module with a question for its docstring, a frozen ``Config`` and ``main(config, show)``.

``main`` returns its numbers as a dictionary and hands each figure to ``show(name, figure)``; it knows nothing of files. This
module gives it a command line, ``python -m experiments.NAME [--smoke] [--seeds N] [--data FOLDER] [--out FOLDER]``, and writes
NAME.json (question, config, results, seconds, versions, hardware) and the figures.
"""

import argparse
import dataclasses
import importlib.metadata
import io
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from experiments.support.film import Film, save_film

Results = dict[str, Any]
Show = Callable[[str, Figure | Film], None]

RESULTS = Path(__file__).parent.parent / "results"
SMOKE_RESULTS = Path("runs/smoke")
"""A smoke run must not overwrite the numbers of a full one."""
PACKAGES = ("jax", "jaxlib", "optax", "flax", "numpy", "scikit-learn", "matplotlib")


class Config(Protocol):
    """The numbers of an experiment: a frozen dataclass whose defaults are the full size, with a size for CI besides."""

    @classmethod
    def smoke(cls) -> "Config":
        """Seconds instead of minutes; every line still runs."""


def ignore(name: str, figure: Figure | Film) -> None:
    """A ``show`` for who wants the numbers only."""


def mean_sd(values: Iterable[float]) -> dict[str, float]:
    """Mean and sample standard deviation (divided by n - 1; 0 for a single value) of one number over repetitions.

    >>> mean_sd([1.0, 3.0])
    {'mean': 2.0, 'sd': 1.4142135623730951, 'n': 2}
    """
    array = np.asarray(list(values), float)
    return {"mean": float(array.mean()), "sd": float(array.std(ddof=1)) if len(array) > 1 else 0.0, "n": len(array)}


def data_folder(given: str | None) -> Path | None:
    """The folder given, or $JAXNN_DATA, or None: experiments never know a fixed path."""
    folder = given or os.environ.get("JAXNN_DATA")
    return Path(folder) if folder else None


def command_line(main: Callable[..., Results], config_class: type[Any], arguments: list[str] | None = None) -> None:
    """Parses the command line, runs the experiment and writes what came out."""
    module = sys.modules[main.__module__]
    name, question = Path(str(module.__file__)).stem, str(module.__doc__)
    options = _parse(name, question, config_class, arguments)
    config = config_class.smoke() if options.smoke else config_class()
    given = {key: getattr(options, key, None) for key in ("seeds", "data")}
    config = dataclasses.replace(config, **{key: value for key, value in given.items() if value is not None})
    out = options.out or (SMOKE_RESULTS if options.smoke else RESULTS)
    out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    results = main(config, lambda title, figure: _save(out / title, figure))
    record = {
        "question": question.splitlines()[0],
        "config": _config(config),
        "results": results,
        "seconds": time.perf_counter() - started,
        "versions": versions(),
        "hardware": hardware(),
    }
    text = json.dumps(plain(record), indent=1, ensure_ascii=False) + "\n"
    (out / f"{name}.json").write_text(text, encoding="utf-8")
    print(f"{json.dumps(plain(results), indent=1, ensure_ascii=False)}\n{record['seconds']:.1f} s; written to {out / name}.json")


def plain(value: Any) -> Any:
    """The value in JSON's own types, numbers to six digits so that files stay readable and differences mean something."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.6g}")
    return value.item() if isinstance(value, np.generic) else value


def versions() -> dict[str, str]:
    """Versions of Python and of the packages whose numbers these are."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}


def hardware() -> dict[str, Any]:
    """The processor, the cores that this process may use, and what JAX computes on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"processor": _processor(), "cores": cores, "device": jax.devices()[0].device_kind}


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _parse(name: str, question: str, config_class: type[Any], arguments: list[str] | None) -> argparse.Namespace:
    fields = {field.name for field in dataclasses.fields(config_class)}
    parser = argparse.ArgumentParser(f"python -m experiments.{name}", description=question.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help=f"a size that takes seconds; written to {SMOKE_RESULTS} by default")
    parser.add_argument("--out", type=Path, help="folder for the JSON and the figures (default: experiments/results)")
    if "seeds" in fields:
        parser.add_argument("--seeds", type=int, help="repetitions behind each mean and standard deviation")
    if "data" in fields:
        parser.add_argument("--data", help="folder with data files (default: $JAXNN_DATA); without it what needs them is left out")
    return parser.parse_args(arguments)


def _config(config: Any) -> dict[str, Any]:
    """The config without the data folder: where files lie on one machine is no result."""
    return {key: value for key, value in dataclasses.asdict(config).items() if key != "data"}


def _save(path: Path, figure: Figure | Film) -> None:
    """A GIF of a film, else a PNG of 256 colours: a third of the bytes, for figures are kept with the code."""
    if isinstance(figure, Film):
        save_film(path.with_suffix(".gif"), figure)
        return
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=90, facecolor="white")
    Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path.with_suffix(".png"), optimize=True)
