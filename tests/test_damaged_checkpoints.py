"""Checkpoints that are damaged are never loaded without a word, and one that can't be written harms none that were."""

import errno
import itertools
import json
import os
import resource
import shutil
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxnn import checkpoints, seals
from jaxnn.pieces import Standing
from tests.checkpointed import EPOCHS, assert_same_run, cut_after, keeping, run_in, saved, straight_run, there_and_back
from tests.tolerances import assert_same_bits

FLIPS = int(os.environ.get("JAXNN_FLIPS", "300"))
"""Bits that are flipped one after the other; JAXNN_FLIPS=10000 is the thorough test."""
CUTS = max(100, FLIPS // 10)
STATE = {"params": np.arange(12, dtype=np.float32).reshape(3, 4), "count": np.array(7, np.int32)}
NOW = Standing(STATE, {"loss": np.array([0.5], np.float32)})
LIKE = jax.eval_shape(lambda: STATE)


@pytest.fixture(scope="module")
def keeper(tmp_path_factory):
    with keeping(tmp_path_factory.mktemp("checkpoints")) as keeper:
        there_and_back(keeper, NOW)
        yield keeper


@pytest.fixture(scope="module")
def folder(keeper):
    return keeper.folder / "epoch-1"


@pytest.fixture(scope="module")
def believed(folder):
    """The files on which the state depends: those that are sealed, and the seal."""
    return [folder / name for name in sorted(json.loads((folder / seals.NAME).read_text())["files"])] + [folder / seals.NAME]


@contextmanager
def changed(path: Path, content: bytes) -> Iterator[None]:
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def assert_refused(keeper, told: str = "") -> None:
    with pytest.raises(ValueError, match=rf"fit: no checkpoint in .* can be used \(epoch-1: .*{told}.*\). Delete the folder to begin anew"):
        keeper.latest(LIKE, 10)


def test_no_flipped_bit_is_loaded(keeper, believed):
    random = np.random.default_rng(0)
    sizes = np.array([path.stat().st_size for path in believed])
    for _ in range(FLIPS):
        path = believed[random.choice(len(believed), p=sizes / sizes.sum())]
        content = bytearray(path.read_bytes())
        content[random.integers(len(content))] ^= 1 << random.integers(8)
        with changed(path, bytes(content)):
            assert_refused(keeper)
    assert_same_bits(keeper.latest(LIKE, 10), NOW)


def test_no_truncated_file_is_loaded(keeper, believed):
    random = np.random.default_rng(1)
    for _ in range(CUTS):
        path = believed[random.integers(len(believed))]
        content = path.read_bytes()
        with changed(path, content[: random.integers(len(content))]):
            assert_refused(keeper)


def test_files_that_are_missing_or_swapped_are_not_loaded(keeper, believed):
    for path in believed:
        moved = path.rename(path.with_name("elsewhere"))
        assert_refused(keeper, f"{path.name}")
        moved.rename(path)
    for one, other in itertools.combinations(believed, 2):
        first, second = one.read_bytes(), other.read_bytes()
        if first != second:
            with changed(one, second), changed(other, first):
                assert_refused(keeper)


def test_what_orbax_writes_for_itself_has_no_say(keeper, folder, believed):
    others = [path for path in folder.rglob("*") if path.is_file() and path not in believed]
    assert {path.name for path in others} == {"commit_success.txt"}
    for path in others:
        with changed(path, b"{"):
            assert_same_bits(keeper.latest(LIKE, 10), NOW)


def test_checkpoints_do_not_pass_for_one_another(tmp_path):
    with keeping(tmp_path) as keeper:
        for epoch in (1, 2):
            there_and_back(keeper, Standing(STATE, {"loss": np.ones(epoch)}))
        shutil.rmtree(tmp_path / "epoch-1")
        (tmp_path / "epoch-2").rename(tmp_path / "epoch-1")
        assert_refused(keeper, "it was written as epoch-2")


# Sizes ----------------------------------------------------------------------------------------------------------------------


def test_sizes_are_checked_before_memory_is_taken(keeper, believed):
    for path in believed:
        size = path.stat().st_size
        os.truncate(path, 1 << 35)
        tracemalloc.start()
        assert_refused(keeper)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        os.truncate(path, size)
        assert most < 1 << 20


def sealed_anew(folder: Path, **changes) -> None:
    """Another seal, that holds in itself."""
    fields = json.loads((folder / seals.NAME).read_text()) | changes
    del fields["sha256"]
    (folder / seals.NAME).write_text(seals._text(fields | {"sha256": seals._own(fields)}))


def test_a_seal_that_asks_for_other_arrays_is_refused(keeper, folder):
    arrays = json.loads((folder / seals.NAME).read_text())["arrays"]
    for name, spec in (("state['params']", [[1 << 40, 4], "float32"]), ("history.loss", [[1 << 40], "float32"]), ("more", [[1], "int8"])):
        with changed(folder / seals.NAME, (folder / seals.NAME).read_bytes()):
            sealed_anew(folder, arrays=arrays | {name: spec})
            with pytest.raises(
                ValueError, match=r"fit: the arrays of .*epoch-1 are not those of this run's state: .*\. Use another folder"
            ):
                keeper.latest(LIKE, 10)


def test_files_with_larger_arrays_than_their_seal_says_are_refused(tmp_path):
    with keeping(tmp_path) as keeper:
        there_and_back(keeper, NOW._replace(state=STATE | {"params": np.zeros((3, 1 << 20), np.float32)}))
        honest = seals.described(checkpoints.named("state", STATE)) | seals.described({"history.loss": NOW.history["loss"]})
        sealed_anew(tmp_path / "epoch-1", arrays=honest)
        assert_refused(keeper, "Orbax can't read it .the sizes of arrays in its files are not those that were written")


def test_other_numbers_than_their_seal_says_are_refused(tmp_path):
    with keeping(tmp_path) as keeper:
        there_and_back(keeper, NOW)
        sealed_anew(tmp_path / "epoch-1", content="0" * 64)
        assert_refused(keeper, "the SHA-256 of its arrays does not match")


def test_seals_of_later_versions_and_of_other_things(tmp_path):
    with keeping(tmp_path) as keeper:
        there_and_back(keeper, NOW)
        sealed_anew(tmp_path / "epoch-1", format="another")
        assert_refused(keeper, "its jaxnn.json is not what was written")
        sealed_anew(tmp_path / "epoch-1", format=seals.FORMAT, version=seals.VERSION + 1)
        with pytest.raises(ValueError, match=r"epoch-1 is of format version 2, this jaxnn reads up to 1. Update jaxnn"):
            keeper.latest(LIKE, 10)
        for text in ("[]", "null", "[" * 100_000, "{}", ""):
            (tmp_path / "epoch-1" / seals.NAME).write_text(text)
            assert_refused(keeper, "its jaxnn.json is not what was written")


# The one before -------------------------------------------------------------------------------------------------------------


def spoil(folder: Path) -> None:
    file = next(path for path in sorted(folder.rglob("*")) if path.parent.name == "d")
    file.write_bytes(file.read_bytes()[:-1])


def test_if_the_newest_is_damaged_the_one_before_is_used(tmp_path):
    cut_after(tmp_path, 4)
    spoil(tmp_path / "epoch-4")
    told = r"fit: going on from .*epoch-3, for .*epoch-4 is damaged: its file .* is missing or not .* long. It is now epoch-4.damaged"
    with pytest.warns(UserWarning, match=told):
        run = run_in(tmp_path)
    assert_same_run(run, straight_run())
    assert saved(tmp_path) == ["epoch-4.damaged", f"epoch-{EPOCHS - 1}", f"epoch-{EPOCHS}"]


def test_if_all_are_damaged_nothing_is_begun_and_nothing_removed(tmp_path):
    cut_after(tmp_path, 4)
    for folder in tmp_path.iterdir():
        spoil(folder)
    with pytest.raises(ValueError, match=r"fit: no checkpoint in .* can be used \(epoch-4: .*; epoch-3: .*\)"):
        run_in(tmp_path)
    assert saved(tmp_path) == ["epoch-3", "epoch-4"]


def test_what_was_cut_short_is_cleared_away_and_what_is_not_ours_stays(tmp_path):
    for name in ("epoch-3.orbax-checkpoint-tmp", "notes", "7"):
        (tmp_path / name).mkdir()
    cut_after(tmp_path, 1)
    assert saved(tmp_path) == ["7", "epoch-1", "notes"]


# Writing --------------------------------------------------------------------------------------------------------------------


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


CANNOT = (
    r"fit: the checkpoint .*epoch-3 can't be written: .*{reason}.* Those before it are whole: epoch-1, epoch-2. Make room, then call fit"
)


def test_where_files_can_grow_no_further(tmp_path):
    with keeping(tmp_path) as keeper:
        there_and_back(keeper, NOW)
        written = [path.stat().st_size for path in (tmp_path / "epoch-1").rglob("*") if path.is_file() and path.name != seals.NAME]
        told = (
            r"fit: the checkpoint .*epoch-2 can't be written: .*File too large\. Those before it are whole: epoch-1\. Make room, then call"
        )
        with files_of_at_most(max(written) + 100), pytest.raises(OSError, match=told):  # the seal is larger
            there_and_back(keeper, Standing(STATE, {"loss": np.ones(2)}))
        assert_same_bits(keeper.latest(LIKE, 10), NOW)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_is_full_or_broken(tmp_path, monkeypatch, number):
    cut_after(tmp_path, 2)
    error = OSError(number, os.strerror(number))
    with monkeypatch.context() as broken:
        broken.setattr(seals.os, "fsync", lambda file: (_ for _ in ()).throw(error))
        with pytest.raises(
            OSError, match=rf"epoch-3 can't be written: .*{os.strerror(number)}\. Those before it are whole: epoch-1, epoch-2\."
        ):
            run_in(tmp_path)
    assert saved(tmp_path) == ["epoch-1", "epoch-2"]
    assert_same_run(run_in(tmp_path), straight_run())


def test_a_folder_that_is_read_only(tmp_path, monkeypatch):
    def refuse(**options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    cut_after(tmp_path, 2)
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(OSError, match=r"fit: checkpoints must be a folder to write into, got .* \(\[Errno 30\] Read-only file system\)"):
        run_in(tmp_path)
    assert saved(tmp_path) == ["epoch-1", "epoch-2"]


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(OSError, match=r"fit: checkpoints must be a folder to write into, got .*runs \(.*File exists"):
        run_in(tmp_path / "runs")
