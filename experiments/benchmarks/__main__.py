"""Runs every benchmark, prints its figures and keeps them with the hardware and versions they were measured on."""

import argparse
import json
from pathlib import Path

from experiments.benchmarks import first_fit, memory, shell_sweep, steady
from experiments.support.runner import hardware, versions

BENCHMARKS = {"first_fit": first_fit, "steady": steady, "shell_sweep": shell_sweep, "memory": memory}


def main(names: list[str], out: Path, *, smoke: bool) -> dict[str, dict[str, float]]:
    """Measures the named benchmarks in turn; writes benchmarks.json into `out` unless it is a smoke run."""
    results = {}
    for name in names:
        results[name] = BENCHMARKS[name].measure(smoke=smoke)
        print(f"{name}:")
        for figure, value in results[name].items():
            print(f"    {figure:60s} {value:10.4g}")
    if not smoke:
        out.mkdir(parents=True, exist_ok=True)
        facts = {"results": results, "hardware": hardware(), "versions": versions()}
        (out / "benchmarks.json").write_text(json.dumps(facts, indent=2) + "\n")
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(BENCHMARKS), help="which; all by default")
    parser.add_argument("--smoke", action="store_true", help="smallest sizes, to see that everything runs")
    parser.add_argument("--out", type=Path, default=Path("experiments/results"))
    options = parser.parse_args()
    main(options.names, options.out, smoke=options.smoke)
