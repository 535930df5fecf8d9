"""Settings for every test, doctest and documentation block of the project."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

HERE = Path(__file__).parent
CACHE_VARIABLE = "JAXNN_CACHE_DIR"
MOST_MAPS = 20_000
"""Pieces of memory after which a worker forgets its programs, between two files: what is left to the limit is for the next file."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled programs out of the user's own cache, and mixed dtypes out of the code."""
    if CACHE_VARIABLE not in os.environ:
        folder = tempfile.mkdtemp(prefix="jaxnn-tests-")
        os.environ[CACHE_VARIABLE] = folder  # workers inherit it, so only the process that made it removes it
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))

    import jax

    jax.config.update("jax_numpy_dtype_promotion", "strict")


@pytest.fixture(scope="module", autouse=True)
def room_for_programs() -> Iterator[None]:
    """Each compiled program maps some pieces of memory, and past some 65,000 of them Linux gives no more: the process dies compiling."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and len(maps.read_bytes().splitlines()) > MOST_MAPS:
        import jax

        jax.clear_caches()
        gc.collect()


def enter_empty_folder(namespace: dict) -> None:
    """Documents write models and tables; they do it in a folder that goes away."""
    namespace["_home"] = Path.cwd()
    namespace["_folder"] = tempfile.TemporaryDirectory(prefix="jaxnn-docs-")
    os.chdir(namespace["_folder"].name)


def leave_folder(namespace: dict) -> None:
    os.chdir(namespace["_home"])
    namespace["_folder"].cleanup()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    path=str(HERE),
    patterns=["README.md", "CONTRIBUTING.md", "docs/*.md", "docs/**/*.md"],
    setup=enter_empty_folder,
    teardown=leave_folder,
).pytest()
