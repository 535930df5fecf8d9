"""Checkpoints: the state of a run on disk, to go on from. The only file that knows Orbax.

Orbax writes in the background, into a temporary folder that takes its name ``epoch-12`` in one step. Just before, the folder is sealed
(``seals``): with the recipe, key, member, a fingerprint of the data, and all arrays of the state and of the history so far. What is read
is compared in this order: the seal with itself, the run with this one, names, shapes and dtypes with those of the state, the files
with the seal, the sizes in them with the seal, and at last the arrays with the seal. Memory is taken only for what fits so far.
"""

import logging
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import check_whole, sentence
from jaxnn.identity import check_same_run
from jaxnn.loop import State
from jaxnn.pieces import Inside, Standing
from jaxnn.seals import DamageError, check_files, described, digest, named, read_seal, write_seal

NAMED = re.compile(r"epoch-([0-9]{1,9})(?:\.step-([0-9]{1,9}))?")
UNFINISHED = ".orbax-checkpoint-tmp"
A_MINUTE, A_WHILE = 60.0, 1.0
"""Seconds: the pause between two saves where none is named, and one that pieces of several epochs could make noticeably longer."""


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often ``fit`` or ``fit_stream`` saves the state of a run; the same call then goes on from there.

    folder: for this run alone, made if it is not there. every: epochs between two saves. seconds: time between two saves, looked at
    after each epoch, or where epochs are quick some ten times a second; 0 saves after each. With both, what comes first; with neither,
    a minute. The end of the run is saved in any case. steps: for epochs that take long, the clock is looked at after every so many
    steps, and a state inside of an epoch is saved; ``fit_stream`` looks at it after every block in any case. keep: how many of the
    newest stay. names: for functions of your own in the recipe (see ``to_json``).

    Raises TypeError for a folder that is no path, ValueError for numbers that are too small.

    >>> Checkpoints("runs/digits", every=5).keep
    2
    """

    folder: str | Path
    every: int | None = None
    seconds: float | None = None
    steps: int | None = None
    keep: int = 2
    names: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.folder, str | Path):
            raise TypeError(sentence("Checkpoints", "folder", "a path", repr(self.folder)[:60]))
        check_whole("Checkpoints", "keep", self.keep, low=1)
        for name in ("every", "steps"):
            if getattr(self, name) is not None:
                check_whole("Checkpoints", name, getattr(self, name), low=1)
        if self.seconds is not None and not (isinstance(self.seconds, int | float) and self.seconds >= 0):
            raise ValueError(sentence("Checkpoints", "seconds", "a number >= 0", repr(self.seconds)))

    def ahead(self, epoch: int) -> int:
        """How many epochs may run in one piece after so many: to the next save, one where the clock counts by less than A_WHILE."""
        if self.seconds is not None and self.seconds < A_WHILE:
            return 1
        return sys.maxsize if self.every is None else self.every - epoch % self.every

    def due(self, epochs: int, steps: int, waited: float) -> bool:
        """Whether to save after so many epochs and steps of the next, and so many seconds after the save before."""
        if self.every is not None and epochs % self.every == 0 and steps == 0:
            return True
        pause = A_MINUTE if self.every is None and self.seconds is None else self.seconds
        return pause is not None and waited >= pause


def check_plan(where: str, plan: Any) -> None:
    """Refuses what is neither None nor Checkpoints. Raises TypeError."""
    if not isinstance(plan, Checkpoints | None):
        raise TypeError(sentence(where, "checkpoints", "made as in Checkpoints('runs/digits')", repr(plan)[:60]))


class Keeper:
    """The checkpoints of one run: finds the newest that is whole, writes new ones, removes those that are too old.

    where: what the user called, for messages. Raises ImportError without Orbax, OSError where the folder can't be made or written into.
    """

    def __init__(self, plan: Checkpoints, run: dict[str, Any], where: str = "fit") -> None:
        self.plan, self.run, self.where = plan, run, where
        self.folder = Path(plan.folder).expanduser().absolute()
        self._orbax = _orbax()
        _make(where, self.folder)
        self._handler = self._orbax.PyTreeCheckpointHandler()
        self._handler.finalize = self._sealing(self._handler.finalize)
        self._writer = self._orbax.AsyncCheckpointer(
            self._handler,
            async_options=self._orbax.options.AsyncOptions(create_directories_asynchronously=False),
            checkpoint_metadata_store=self._orbax.metadata.metadata_store(enable_write=False),  # times, after the seal: not for us
        )
        logging.getLogger("absl").addFilter(_is_not_orbax)
        self._writing: Path | None = None
        self._meaning: dict[str, Any] = {}

    def latest(self, like: State, epochs: int) -> Standing | None:
        """Where the newest checkpoint that is whole stands, or None where there is no checkpoint at all.

        like: shapes and dtypes of the state. Damaged ones are named in a warning and set aside. Raises ValueError for checkpoints of
        another run or of more than `epochs` epochs, and where all are damaged.
        """
        damaged: dict[Path, Exception] = {}
        for path in reversed(self._found()):
            try:
                found = self._read(path, like, epochs)
            except (DamageError, OSError) as error:
                damaged[path] = error
                continue
            for bad, reason in damaged.items():
                aside = _set_aside(bad)
                warnings.warn(f"{self.where}: going on from {path}, for {bad} is damaged: {reason}. It is now {aside.name}.", stacklevel=2)
            return found
        if damaged:
            told = "; ".join(f"{path.name}: {reason}" for path, reason in damaged.items())
            raise ValueError(f"{self.where}: no checkpoint in {self.folder} can be used ({told}). Delete the folder to begin anew.")
        return None

    def save(self, now: Standing) -> None:
        """Writes where the run stands in the background. Raises OSError where that, or the one before it, can't be written."""
        self.wait()
        arrays = named("state", now.state) | {f"history.{name}": values for name, values in now.history.items()}
        if now.inside is not None:
            sums, totals = now.inside.measured
            arrays |= named("inside", now.inside.state) | {f"step.{name}": values for name, values in sums.items()} | {"step": totals}
        arrays = jax.device_get(arrays)
        self._meaning = {"arrays": arrays, "run": self.run, "epochs": now.epochs, "steps": now.steps}
        self._writing = self.folder / _name(now.epochs, now.steps)
        with self._told():
            stored = {str(index): arrays[name] for index, name in enumerate(_with_values(described(arrays)))}
            self._writer.save(self._writing, args=self._orbax.args.PyTreeSave(stored))

    def wait(self) -> None:
        """Returns when what is being written is there and what is too old is gone. Raises OSError where it can't be written."""
        if self._writing is not None:
            with self._told():
                self._writer.wait_until_finished()
            self._writing, self._meaning = None, {}
            for old in self._found()[: -self.plan.keep]:
                shutil.rmtree(old, ignore_errors=True)

    def close(self) -> None:
        """Waits for what is being written, then ends what wrote it."""
        try:
            self.wait()
        finally:
            self._writer.close()
            logging.getLogger("absl").removeFilter(_is_not_orbax)

    def _found(self) -> list[Path]:
        """Folders of finished checkpoints, the oldest first."""
        matches = filter(None, (NAMED.fullmatch(path.name) for path in self.folder.iterdir()))
        return [self.folder / match[0] for match in sorted(matches, key=lambda match: (int(match[1]), int(match[2] or 0)))]

    def _sealing(self, finalize: Callable[[Any], None]) -> Callable[[Any], None]:
        """Orbax calls ``finalize`` when all files are written, before the folder takes its name."""

        def finalize_and_seal(folder: Any) -> None:
            finalize(folder)
            write_seal(Path(folder), **self._meaning)

        return finalize_and_seal

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Any failure to write as an OSError that says what is left and how to go on."""
        try:
            yield
        except Exception as error:
            path, self._writing = self._writing, None
            shutil.rmtree(f"{path}{UNFINISHED}", ignore_errors=True)
            left = ", ".join(good.name for good in self._found()) or "none"
            advice = f"Make room, then call {self.where} with the same arguments to go on."
            raise OSError(
                f"{self.where}: the checkpoint {path} can't be written: {_reason(error)}. Those before it are whole: {left}. {advice}"
            ) from error

    def _read(self, path: Path, like: State, epochs: int) -> Standing:
        seal = read_seal(path)
        if path.name != _name(seal["epochs"], seal["steps"]):
            raise DamageError(f"it was written as {_name(seal['epochs'], seal['steps'])}")
        check_same_run(self.where, path, seal["run"], self.run)
        _check_arrays(self.where, path, seal, like)
        if seal["epochs"] + (seal["steps"] > 0) > epochs:
            advice = "Use another folder, or a recipe of more epochs."
            raise ValueError(sentence(self.where, "checkpoints", f"of no more than the recipe's {epochs} epochs", f"{path}", advice))
        check_files(path, seal)
        return _standing(like, self._arrays(path, seal))

    def _arrays(self, path: Path, seal: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The arrays in the files of a checkpoint, if they are those of its seal."""
        from etils import epath

        specs, names = seal["arrays"], _with_values(seal["arrays"])
        try:
            sizes = self._handler.metadata(epath.Path(path)).tree
            if described({names[int(index)]: leaf for index, leaf in sizes.items()}) != {name: specs[name] for name in names}:
                raise DamageError("the sizes of arrays in its files are not those that were written")
            as_numpy = {str(index): self._orbax.RestoreArgs(restore_type=np.ndarray) for index in range(len(names))}
            read = self._handler.restore(epath.Path(path), args=self._orbax.args.PyTreeRestore(restore_args=as_numpy))
        except Exception as error:
            raise DamageError(f"Orbax can't read it ({_reason(error)})") from error
        arrays = {name: np.zeros(shape, jnp.dtype(dtype)) for name, (shape, dtype) in specs.items() if name not in names}
        arrays |= {name: read[str(index)] for index, name in enumerate(names)}
        if digest(arrays) != seal["content"]:
            raise DamageError("the SHA-256 of its arrays does not match")
        return arrays


def _orbax() -> Any:
    try:
        import orbax.checkpoint as orbax
    except ImportError as error:
        raise ImportError('Checkpoints need orbax-checkpoint: pip install "jaxnn-toolkit[checkpoints]"') from error
    return orbax


def _make(where: str, folder: Path) -> None:
    """Makes the folder, tries to write into it, for an error now is better than one after an epoch, and drops what was cut short."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(sentence(where, "checkpoints", "a folder to write into", f"{folder} ({error})")) from error
    for unfinished in folder.glob(f"epoch-*{UNFINISHED}*"):
        shutil.rmtree(unfinished, ignore_errors=True)


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.damaged")
    shutil.rmtree(aside, ignore_errors=True)
    return path.rename(aside)


def _name(epochs: int, steps: int) -> str:
    return f"epoch-{epochs}.step-{steps}" if steps else f"epoch-{epochs}"


def _check_arrays(where: str, path: Path, seal: Mapping[str, Any], like: State) -> None:
    """Refuses arrays other than those of the state, and one number of each metric for each epoch or step."""
    expected, found, rows = described(named("state", like)), seal["arrays"], {"history": [seal["epochs"]], "step": [seal["steps"]]}
    if seal["steps"]:
        expected |= described(named("inside", like))
    odd = [name for name in expected if found.get(name) != expected[name]]
    odd += [name for name, (shape, _) in found.items() if name not in expected and shape != rows.get(name.partition(".")[0])]
    if odd:
        told = ", ".join(sorted(odd)[:3])
        raise ValueError(f"{where}: the arrays of {path} are not those of this run's state: {told}. Use another folder.")


def _standing(like: State, arrays: dict[str, np.ndarray]) -> Standing:
    history, sums = (
        {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)} for start in ("history.", "step.")
    )
    inside = Inside(_as_state("inside", like, arrays), len(arrays["step"]), ((sums, arrays["step"]),)) if "step" in arrays else None
    return Standing(_as_state("state", like, arrays), history, inside)


def _as_state(start: str, like: State, arrays: Mapping[str, np.ndarray]) -> State:
    def put(path: Any, spec: Any) -> jax.Array:
        array = jax.device_put(arrays[f"{start}{jax.tree_util.keystr(path)}"])
        return jax.random.wrap_key_data(array) if jnp.issubdtype(spec.dtype, jax.dtypes.prng_key) else array

    return jax.tree.map_with_path(put, like)


def _with_values(arrays: Mapping[str, Any]) -> list[str]:
    """Names, in order, of arrays that hold anything: Orbax takes no empty ones, and finds the others by their place in this list."""
    return sorted(name for name, (shape, _) in arrays.items() if 0 not in shape)


def _is_not_orbax(record: logging.LogRecord) -> bool:
    """Keeps Orbax from logging, in screens full of traceback, what is then raised as one sentence."""
    return "orbax" not in record.pathname


def _reason(error: Exception) -> str:
    """An error in a few words: TensorStore's fill a page, with the cause at the end of their first sentence."""
    told = str(error).partition("\n")[0].partition(" [")[0]
    return f"... {told[-160:]}" if len(told) > 160 else told or type(error).__name__
