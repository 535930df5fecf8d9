"""Benchmarks: they run, their programs by hand compute the right gradients, and a new figure leaves the others alone."""

import json
from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.benchmarks import __main__ as command
from experiments.benchmarks import callbacks, contest, kinds, mnist, mnist_cnn, mnist_mlp, series_lstm, streaming, whole_run
from jaxnn.compiling import RUNS_ONCE
from jaxnn.loop import start
from jaxnn.training import as_data, key_data
from tests.programs import quick_jit
from tests.tolerances import assert_close

SHAPES = {mnist_mlp: (784,), mnist_cnn: (28, 28, 1), series_lstm: (40, 1)}
by_hand = pytest.mark.parametrize("workload", SHAPES, ids=lambda module: module.__name__.rsplit(".", 1)[-1])


@pytest.fixture
def mnist_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    np.savez(tmp_path / "mnist.npz", x_train=random.integers(0, 256, (200, 784), dtype=np.uint8), y_train=np.arange(200) % 10)
    monkeypatch.setenv("JAXNN_DATA", str(tmp_path))


@by_hand
def test_gradients_by_hand_are_those_of_autodiff(workload: ModuleType) -> None:
    x_key, key = jax.random.split(jax.random.key(0))
    x, share = jax.random.normal(x_key, (3, *SHAPES[workload])), jnp.array([0.2, 0.8, 0.0])
    y = jnp.array([0, 1, 1], jnp.int32)

    def both(params: whole_run.Params) -> tuple[whole_run.Params, whole_run.Params]:
        return workload.gradients(params, x, y, share)[1], jax.grad(lambda params: workload.gradients(params, x, y, share)[0])(params)

    mine, oracle = quick_jit(both)(workload.init(key))
    assert_close(mine, oracle, "float32")


@by_hand
@pytest.mark.usefixtures("mnist_rows")
def test_the_program_by_hand_counts_every_row(workload: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_run, "TRAINING", RUNS_ONCE)
    work = workload.workload(smoke=True)
    work = work._replace(x=work.x[:20], y=work.y[:20], epochs=2, batch=8)
    params, losses = workload.by_hand(work)(0)
    assert losses.shape == (2, 3) and np.isfinite(losses).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))


def test_a_contest_without_other_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest, "installed", lambda work: {})
    monkeypatch.setattr(whole_run, "TRAINING", RUNS_ONCE)
    figures = series_lstm.measure(smoke=True)
    assert len(figures) == 7 and all(value > 0 for value in figures.values())


def test_looking_on_and_streaming_are_measured() -> None:
    assert all(np.isfinite(value) for value in callbacks.measure(smoke=True).values())
    figures = streaming.measure(smoke=True)
    assert len(figures) == 5 and all(value > 0 for value in figures.values())


def test_without_data_mnist_is_left_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("JAXNN_DATA", raising=False)
    assert mnist.mnist(10) is None and mnist_mlp.measure(smoke=True) == {} == mnist_cnn.measure(smoke=True)
    assert "JAXNN_DATA" in capsys.readouterr().out


@pytest.mark.parametrize("engine", kinds.ENGINES)
@pytest.mark.parametrize("name", kinds.kinds())
def test_every_kind_fits_its_rows(name: str, engine: str) -> None:
    kind = kinds.kinds()[name]._replace(rows=8)
    data = as_data("benchmark", kinds.rows(kind), None, key_data(0))
    jax.eval_shape(start, kinds.recipe(kind, engine), data, key_data(0), np.int32(0))


def test_a_benchmark_renews_its_own_entry_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("fake")
    fake.measure = lambda *, smoke: {"answer": 42.0}
    monkeypatch.setattr(command, "BENCHMARKS", {"old": fake, "new": fake, "empty": mnist_mlp})
    monkeypatch.delenv("JAXNN_DATA", raising=False)
    (tmp_path / "benchmarks.json").write_text(json.dumps({"old": {"results": {"answer": 1.0}}}))
    command.main(["new", "empty"], tmp_path, smoke=False)
    kept = json.loads((tmp_path / "benchmarks.json").read_text())
    assert list(kept) == ["old", "new"] and kept["old"] == {"results": {"answer": 1.0}}
    assert kept["new"]["results"] == {"answer": 42.0} and {"hardware", "versions"} <= set(kept["new"])
