"""Settings for every test, doctest and documentation block of the project."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

HERE = Path(__file__).parent
CACHE_VARIABLE = "JAXNN_CACHE_DIR"


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled programs out of the user's own cache, and mixed dtypes out of the code."""
    if CACHE_VARIABLE not in os.environ:
        folder = tempfile.mkdtemp(prefix="jaxnn-tests-")
        os.environ[CACHE_VARIABLE] = folder  # workers inherit it, so only the process that made it removes it
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))

    import jax

    jax.config.update("jax_numpy_dtype_promotion", "strict")


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
