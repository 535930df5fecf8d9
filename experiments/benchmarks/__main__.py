"""Runs benchmarks, prints their figures and keeps them with the hardware and versions they were measured on."""

import argparse
import importlib.metadata
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

from experiments.benchmarks import (
    callbacks,
    features,
    first_fit,
    kinds,
    memory,
    mnist_cnn,
    mnist_mlp,
    series_lstm,
    shell_sweep,
    steady,
    streaming,
)
from experiments.support.runner import hardware, versions

BENCHMARKS = {
    "first_fit": first_fit,
    "steady": steady,
    "mnist_mlp": mnist_mlp,
    "mnist_cnn": mnist_cnn,
    "series_lstm": series_lstm,
    "kinds": kinds,
    "features": features,
    "shell_sweep": shell_sweep,
    "memory": memory,
    "callbacks": callbacks,
    "streaming": streaming,
}
PEERS = ("equinox", "keras", "torch")


def main(names: list[str], out: Path, *, smoke: bool) -> dict[str, dict[str, float]]:
    """Measures the named benchmarks in turn; each renews its entry of benchmarks.json in `out` unless it is a smoke run."""
    results = {}
    for name in names:
        print(f"{name}:")
        results[name] = BENCHMARKS[name].measure(smoke=smoke)
        for figure, value in results[name].items():
            print(f"    {figure:60s} {value:10.4g}", flush=True)
        if results[name] and not smoke:
            keep(out / "benchmarks.json", name, results[name])
    return results


def keep(path: Path, name: str, figures: dict[str, float]) -> None:
    """Writes one benchmark's figures, and leaves those of the others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    kept[name] = {"results": figures, "hardware": hardware(), "versions": versions() | _peers()}
    ordered = {name: kept[name] for name in BENCHMARKS if name in kept}
    path.write_text(json.dumps(ordered, indent=2) + "\n")


def _peers() -> dict[str, str]:
    found = {package for package in PEERS if importlib.util.find_spec(package)}
    return {package: importlib.metadata.version(package) for package in sorted(found)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--smoke", action="store_true", help="smallest sizes, to see that everything runs; nothing is written")
    parser.add_argument("--data", help="folder with mnist.npz (default: $JAXNN_DATA); without it what needs it is left out")
    parser.add_argument("--out", type=Path, default=Path("experiments/results"))
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    if options.data:
        os.environ["JAXNN_DATA"] = options.data
    main(options.names or list(BENCHMARKS), options.out, smoke=options.smoke)
