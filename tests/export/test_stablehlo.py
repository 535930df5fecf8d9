"""Programs of StableHLO predict what the model does, for any number of rows, and without jaxnn."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from jaxnn import Classification, models
from jaxnn.export import save_stablehlo
from jaxnn.layers import BatchNorm
from jaxnn.typing import Sequences
from tests.catalogue import MODELS, normal
from tests.catalogue_of_tasks import TASKS, TaskExample, classes
from tests.export.samples import ROWS, cast, drawn, model_of
from tests.programs import quick_jit
from tests.samples import blobs, classification
from tests.tolerances import assert_close, precision

EXAMPLES = {
    "cnn": TaskExample(lambda: Classification(models.cnn((2,), 3, hidden=(), norm=BatchNorm())), classes(3), normal(4, 4, 1)),
    "NextToken of lengths": TASKS["NextToken of lengths"],
}


def plain(x):
    """x as the file takes it: Sequences as tuples."""
    if isinstance(x, Sequences | tuple):
        return tuple(map(plain, x))
    return x


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_program_predicts_what_its_model_does(tmp_path, name):
    example, random = EXAMPLES[name], np.random.default_rng(0)
    x = cast(example.inputs(random, max(ROWS)))
    model = drawn(example.make(), x, None if example.targets is None else cast(example.targets(random, max(ROWS))))
    program = jax.export.deserialize(save_stablehlo(tmp_path / "model", model).read_bytes())
    for rows in ROWS:
        some = jax.tree.map(lambda leaf, rows=rows: leaf[:rows], x)
        assert_close(np.asarray(program.call(plain(some))), model.predict(some), "float32")


ELSEWHERE = """
import sys, pathlib, jax, jax.export, numpy
for path in pathlib.Path().glob("*.stablehlo"):
    program = jax.export.deserialize(path.read_bytes())
    assert str(program.out_avals[0].shape).startswith("(rows,"), program.out_avals
    x = numpy.load(path.with_suffix(".npz"))
    args, _ = jax.tree.unflatten(program.in_tree, [x[str(number)] for number in range(len(x))])
    numpy.save(path.with_suffix(".npy"), program.call(*args))
assert "jaxnn" not in sys.modules
"""
"""A program that knows JAX alone."""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Every task and model of the catalogue with its x, and a folder in which another process has left what it predicted."""
    folder, known = tmp_path_factory.mktemp("elsewhere"), {}
    for number, (name, example) in enumerate((TASKS | MODELS).items()):
        x, targets = cast(example.inputs(np.random.default_rng(0), 3)), getattr(example, "targets", None)
        y = None if targets is None else cast(targets(np.random.default_rng(0), 3))
        known[name] = folder / str(number), drawn(example.make(), x, y) if name in TASKS else model_of(example.make(), x), x
        save_stablehlo(folder / f"{number}.stablehlo", known[name][1], platforms=("cpu",))
        np.savez(folder / f"{number}.npz", **{str(place): leaf for place, leaf in enumerate(jax.tree.leaves(x))})
    quick = os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}  # most of what it costs is compiling
    subprocess.run([sys.executable, "-c", ELSEWHERE], cwd=folder, check=True, env=quick)
    return known


@pytest.mark.parametrize("name", TASKS | MODELS)
def test_every_task_and_model_of_the_catalogue_runs_without_jaxnn(elsewhere, name):
    path, model, x = elsewhere[name]
    assert_close(np.load(path.with_suffix(".npy")), np.asarray(quick_jit(model.recipe.task.predict)(model.params, x)), "float32")


def classifier(dtype="float32"):
    x, y = blobs(5, dtype=dtype)
    return drawn(classification(dropout=0.2).task, x, y), x


def test_a_file_is_for_all_platforms_that_it_is_asked_for(tmp_path):
    program = jax.export.deserialize(save_stablehlo(tmp_path / "model", classifier()[0]).read_bytes())
    assert program.platforms == ("cpu", "cuda", "tpu")
    assert [str(leaf.shape) for leaf in (*program.in_avals, *program.out_avals)] == ["(rows, 4)", "(rows, 3)"]


def test_float64_stays_float64_on_the_platform_that_is_asked_for(tmp_path):
    with precision("float64"):
        model, x = classifier("float64")
        program = jax.export.deserialize(save_stablehlo(tmp_path / "model", model, platforms=["cpu"]).read_bytes())
        assert program.platforms == ("cpu",)
        assert_close(np.asarray(program.call(x)), model.predict(x))


@pytest.mark.parametrize("platforms", ["cpu", (), ("cpu", "abacus")])
def test_unknown_platforms_are_refused(tmp_path, platforms):
    with pytest.raises(ValueError, match=r"save_stablehlo: platforms must be some of cpu, cuda, rocm, tpu, got .*\. Write \(\"cpu\",\)"):
        save_stablehlo(tmp_path / "model", None, platforms=platforms)
