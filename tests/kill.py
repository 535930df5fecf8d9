"""Kills a run with SIGKILL at random moments, again and again, and looks whether anything was lost: ``python -m tests.kill --kills 500``.

A child trains with a checkpoint after every step, two in an epoch, so that most kills hit a write. After each kill the newest
checkpoint must be whole, and no older than it was before. The next child goes on from it; one that comes to the end compares the whole
run, bit for bit, with the run that was never stopped. Children are forked from a parent that has imported everything and started
nothing, for importing takes longer than all the rest.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import orbax.checkpoint  # noqa: F401

from jaxnn import Checkpoints, EarlyStopping, Run, enable_compilation_cache, fit
from jaxnn.checkpoints import NAMED, UNFINISHED
from jaxnn.seals import check_files, read_seal
from tests.checkpointed import assert_same_run, examples, recipe

EPOCHS = 20
RUNNING = b"."


@dataclass
class Tally:
    """What was seen: kills, how many of them left a write half done, states lost, runs that came to their end."""

    kills: int = 0
    in_writes: int = 0
    lost: int = 0
    ended: int = 0


def run(**options) -> Run:
    patient = recipe().replace(epochs=EPOCHS, early_stopping=EarlyStopping(patience=EPOCHS))
    return fit(patient, examples(), validation=0.25, key=4, **options)


def train(folder: Path, ready: int) -> None:
    """What a child does: tells after each epoch that it runs, and at the end compares."""
    warnings.simplefilter("error", UserWarning)  # of a damaged checkpoint
    enable_compilation_cache()
    killed = run(checkpoints=Checkpoints(folder, steps=1, seconds=0), callback=lambda epoch, metrics: os.write(ready, RUNNING) and None)
    assert_same_run(killed, run())


def child_of(folder: Path) -> tuple[int, int]:
    """A child that trains, and a pipe that tells when it runs."""
    told, ready = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        status = 1
        try:
            train(folder, ready)
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)
    os.close(ready)
    return child, told


def newest(folder: Path) -> tuple[int, int, str]:
    """Epoch, step and name of the newest checkpoint, zeros without one."""
    found = filter(None, map(NAMED.fullmatch, os.listdir(folder)))
    return max(((int(match[1]), int(match[2] or 0), match[0]) for match in found), default=(0, 0, ""))


def kill_once(folder: Path, chance: random.Random, tally: Tally) -> None:
    """One child, killed after a while unless it ends before."""
    child, told = child_of(folder)
    if chance.random() < 0.9:
        os.read(told, 1)  # the others may be killed while they start
    time.sleep(chance.uniform(0, 0.3))
    before = newest(folder)
    os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(told)
    if status > 0:
        raise SystemExit("A run that was killed and carried on is not the run that was never stopped, or could not be carried on.")
    look(folder, before, tally)
    tally.kills += status < 0
    if status == 0:
        tally.ended += 1
        shutil.rmtree(folder)
        folder.mkdir()


def look(folder: Path, before: tuple[int, int, str], tally: Tally) -> None:
    """Whether the newest checkpoint is whole and none is missing."""
    tally.in_writes += any(UNFINISHED in name for name in os.listdir(folder))
    now = newest(folder)
    tally.lost += now < before
    if now > (0, 0, ""):
        check_files(folder / now[2], read_seal(folder / now[2]))


def main(kills: int, seed: int) -> Tally:
    """Kills so often, then lets the last run end."""
    chance, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory(prefix="jaxnn-kill-") as name:
        folder = Path(name) / "run"
        folder.mkdir()
        os.environ.setdefault("JAXNN_CACHE_DIR", f"{name}/cache")
        while tally.kills < kills:
            kill_once(folder, chance, tally)
        child, _ = child_of(folder)
        if os.waitpid(child, 0)[1]:
            raise SystemExit("The run that was killed does not end where the run ends that was never stopped.")
        tally.ended += 1
    return tally


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    tally = main(**vars(parser.parse_args()))
    told = f"{tally.kills} kills, {tally.in_writes} of them during a write; {tally.lost} states lost"
    sys.stdout.write(f"{told}; {tally.ended} runs carried on to their end, equal bit for bit.\n")
    sys.exit(tally.lost > 0)
