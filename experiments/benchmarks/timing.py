"""Turn by turn: contenders run one after the other in every round, so that a drift of the machine hits all of them."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def rounds(contenders: Mapping[str, Callable[[int], Any]], count: int) -> dict[str, list[float]]:
    """Seconds of each contender in each of `count` rounds, after one that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(count + 1):
        for name, run in contenders.items():
            began = time.perf_counter()
            run(number)
            if number > 0:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(seconds: Mapping[str, Sequence[float]], one: str, other: str) -> float:
    """Median over rounds of one's seconds divided by the other's in the same round."""
    return statistics.median(a / b for a, b in zip(seconds[one], seconds[other], strict=True))


def printed_seconds(code: str, environment: Mapping[str, str]) -> float:
    """What a fresh Python process prints last, as seconds."""
    done = subprocess.run([sys.executable, "-c", code], env=dict(environment), capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def process_seconds(command: Sequence[str], environment: Mapping[str, str], folder: str) -> float:
    """Wall time of a whole process. Raises CalledProcessError with its output where it fails."""
    began = time.perf_counter()
    subprocess.run(command, env=dict(environment), cwd=folder, capture_output=True, text=True, check=True)
    return time.perf_counter() - began
