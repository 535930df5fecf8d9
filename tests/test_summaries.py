"""What a summary says, against sums over parameters, formulas, XLA's own analysis and another library's table."""

from pathlib import Path
from typing import Any

import flax.linen as linen
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxnn
from jaxnn import Classification, Recipe, Regression, Run, Task, fit, models, optimizer, summary
from jaxnn.layers import BatchNorm, Chain, Dense, Dropout, Layer, ReLU, Tanh
from jaxnn.layers.buffers import without_buffers
from jaxnn.summaries import flops
from jaxnn.summaries.table import amount
from tests.catalogue import LAYERS, MODELS
from tests.programs import watched as programs
from tests.test_watching import NETWORK, Aside, Both, Loop
from tests.tolerances import draw

FLOAT = jnp.float32


class Row(Layer):
    """A row of a table for each whole number."""

    def init(self, key: Any, x: Any) -> Any:
        return {"table": jnp.zeros((11, 3))}

    def forward(self, params: Any, x: Any, key: Any = None) -> tuple[Any, Any]:
        return params["table"][x], x

    def backward(self, params: Any, residuals: Any, dy: Any) -> tuple[Any, Any]:
        raise NotImplementedError


def shapes(*sizes: tuple[int, ...]) -> list[jax.ShapeDtypeStruct]:
    return [jax.ShapeDtypeStruct(size, FLOAT) for size in sizes]


def by_xla(function: Any, *arguments: Any) -> float:
    """What XLA counts, arithmetic and transcendental functions, in the program before it is compiled."""
    counted = jax.jit(function).lower(*arguments).cost_analysis()
    return counted["flops"] + counted.get("transcendentals", 0.0)


@pytest.mark.parametrize("example", (LAYERS | MODELS).values(), ids=(LAYERS | MODELS).keys())
def test_every_layer_of_the_catalogue(example: Any) -> None:
    layer, x = example.make(), example.inputs(np.random.default_rng(0), 3)
    x = jax.tree.map(lambda leaf: jnp.asarray(leaf, FLOAT if leaf.dtype.kind == "f" else jnp.int32), x)
    params = jax.eval_shape(lambda: layer.init(jax.random.key(0), x))
    result = summary(layer, x)
    assert result.model.parameters == sum(leaf.size for leaf in jax.tree.leaves(without_buffers(params)))
    assert result.model.parameter_bytes == sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(params))
    assert result.model.output == jax.eval_shape(layer.apply, params, x)
    assert max(map(len, str(result).splitlines())) <= 100


def test_flops_of_dense_by_the_formula() -> None:
    assert summary(Dense(50), (32, 100)).model.flops == 2 * 32 * 100 * 50 + 32 * 50


def test_rows_are_those_of_the_layers_alone() -> None:
    rows = {row.path: row for row in summary(NETWORK, (3, 5)).rows}
    assert list(rows)[:4] == ["", "layers[0]", "layers[1]", "layers[1].first"] and len(rows) == 9
    for path in ("layers[0]", "layers[1]", "layers[1].others[1]", "layers[2]"):
        alone = summary(eval(f"NETWORK.{path}"), (3, 5 if path == "layers[0]" else 4)).model
        assert rows[path].__dict__ | {"path": ""} == alone.__dict__
    assert rows["layers[0]"].parameters + rows["layers[1]"].parameters + rows["layers[2]"].parameters == rows[""].parameters


def test_a_loop_counts_all_its_rounds_and_its_block_one() -> None:
    model, _, block = summary(Chain((Loop(Dense(6), 40),)), (2, 6)).rows
    assert model.flops == 40 * block.flops == 40 * (2 * 2 * 6 * 6 + 2 * 6)
    assert model.parameters == block.parameters == 42


def test_a_layer_used_twice_has_its_parameters_once() -> None:
    model, first, other = summary(Both(ReLU(), (Dense(6),), times=2), (2, 6)).rows
    assert (model.parameters, other.parameters, first.parameters) == (42, 42, 0)
    assert model.flops == first.flops + 2 * other.flops + 2 * 2 * 6


def test_a_layer_that_is_never_called_has_no_numbers() -> None:
    result = summary(Aside(Dense(6)), (2, 6))
    assert result.rows[1].flops is None and result.rows[1].output is None
    assert str(result).splitlines()[3].split() == ["held", "Dense(6)", *"–––––"]


def test_parameters_and_flops_as_flax_tabulates() -> None:
    class Net(linen.Module):
        @linen.compact
        def __call__(self, x: Any) -> Any:
            return linen.Dense(10)(linen.relu(linen.Dense(64)(linen.relu(linen.Dense(128)(x)))))

    table = linen.tabulate(Net(), jax.random.key(0), compute_flops=True, console_kwargs={"width": 200, "force_terminal": False})
    text = table(jnp.ones((32, 784)))
    result = summary(models.mlp((128, 64), 10), (32, 784)).model
    assert f"Total Parameters: {result.parameters:,}" in text
    (counted,) = {int(cell) for line in text.splitlines() if "Net" in line for cell in line.split("│") if cell.strip().isdigit()}
    assert result.flops == pytest.approx(counted, rel=0.01)


@pytest.mark.parametrize(
    "options",
    [
        {"window_strides": (1, 1), "padding": "SAME"},
        {"window_strides": (2, 3), "padding": "VALID"},
        {"window_strides": (2, 1), "padding": ((3, 1), (0, 2)), "rhs_dilation": (2, 1)},
        {"window_strides": (1, 1), "padding": ((1, 2), (2, 2)), "lhs_dilation": (2, 3)},
        {"window_strides": (1, 1), "padding": "SAME", "feature_group_count": 2},
    ],
)
def test_convolutions_as_xla_counts_them(options: dict[str, Any]) -> None:
    def convolve(x: Any, kernel: Any) -> Any:
        return jax.lax.conv_general_dilated(x, kernel, dimension_numbers=("NHWC", "HWIO", "NHWC"), **options)

    arguments = shapes((2, 9, 10, 4), (3, 2, 4 // options.get("feature_group_count", 1), 6))
    assert flops(convolve, *arguments) == by_xla(convolve, *arguments)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: jnp.tanh(x @ w) * 2 - 1,
        lambda x, w: jax.nn.relu(x) @ w,
        lambda x, w: jnp.einsum("if,jf->ij", x, w.T).sum(axis=0),
        lambda x, w: jax.lax.reduce_window(x @ w, 0.0, jax.lax.add, (2, 2), (2, 2), "VALID"),
        lambda x, w: jax.nn.softmax(x @ w),
        lambda x, w: jax.checkpoint(lambda x: jnp.exp(x @ w))(x),
        lambda x, w: jax.vmap(lambda row: row @ w)(x).T.reshape(-1)[3:],
    ],
    ids=["tanh", "relu", "einsum", "window", "softmax", "checkpoint", "vmap"],
)
def test_programs_without_loops_as_xla_counts_them(function: Any) -> None:
    arguments = shapes((64, 32), (32, 48))
    assert flops(function, *arguments) == pytest.approx(by_xla(function, *arguments), rel=0.03)


def test_choices_loops_and_results_that_nobody_asked_for() -> None:
    x = shapes((8, 8))[0]
    choice = lambda x: jax.lax.cond(x[0, 0] > 0, lambda x: x @ x, lambda x: x + 1, x)  # noqa: E731
    assert flops(choice, x) == pytest.approx(2 * 8**3, abs=2)
    assert flops(lambda x: jax.lax.while_loop(lambda x: x[0, 0] < 3, lambda x: x @ x, x), x) == pytest.approx(2 * 8**3, abs=2)
    assert flops(lambda x: (x @ x, x + 1)[1], x) == 64
    assert flops(lambda x: x.astype(jnp.int32) * 3, x) == 0


def test_running_means_are_not_learned_but_take_room() -> None:
    row = summary(BatchNorm(), (2, 8)).model
    assert (row.parameters, row.parameter_bytes) == (2 * 8, 4 * 4 * 8)


def test_what_training_keeps_counts_each_array_once() -> None:
    assert summary(models.mlp((16,), 3), (32, 4)).residual_bytes == 4 * 32 * (4 + 16 + 16)  # x, b and sigma(b), which Dense keeps too
    assert summary(Chain((Dense(8), Dropout(0.5))), (32, 4)).residual_bytes == 4 * 32 * (4 + 8)  # x and the mask


def test_inputs_may_be_arrays_shapes_lists_and_trees_of_them() -> None:
    asked = summary(Dense(3), (2, 4))
    for x in (jnp.ones((2, 4)), np.ones((2, 4)), [[1.0, 2, 3, 4]] * 2, jax.ShapeDtypeStruct((2, 4), FLOAT)):
        assert summary(Dense(3), x) == asked
    with jax.enable_x64(True):
        assert summary(Dense(3), (2, 4)).model.parameter_bytes == 2 * asked.model.parameter_bytes

    class Sum(Layer):
        def forward(self, params: Any, x: Any, key: Any = None) -> tuple[Any, Any]:
            return {"sum": x["a"] + x["b"][0]}, None

        def backward(self, params: Any, residuals: Any, dy: Any) -> tuple[Any, Any]:
            raise NotImplementedError

    assert summary(Sum(), {"a": (2, 4), "b": (np.ones((2, 4), "float32"),)}).model.output["sum"].shape == (2, 4)


def test_whole_numbers_as_input() -> None:
    result = summary(Chain((Row(), Dense(2))), np.zeros((5, 7), "int64"))
    assert [row.parameters for row in result.rows] == [41, 33, 8]
    assert result.rows[1].flops == 0
    assert str(result).splitlines()[1].split() == ["x", "int32(5,", "7)", "140", "B"]


def test_a_task_a_recipe_and_a_run_are_summed_up_by_their_network() -> None:
    task = Regression(models.mlp((3,), 1))
    recipe = Recipe(task, optimizer(optax.sgd, learning_rate=0.1), epochs=1, batch_size=7)
    asked = summary(task.model, (7, 2))
    assert summary(task, (7, 2)) == summary(recipe, (7, 2)) == asked
    run = fit(recipe, (draw((9, 2)), draw((9,))))
    assert isinstance(run, Run) and summary(run) == asked
    assert summary(run, (1, 2)).model.output.shape == (1, 1)


def test_mistakes_are_sentences() -> None:
    class Two(Classification):
        other: Layer = Dense(3)

        def _check_outputs(self, outputs: Any, y: Any) -> None: ...

    with pytest.raises(TypeError, match=r"summary: model must be a layer, or a task, recipe or run of one, got 3\. Give an instance"):
        summary(3, (1, 2))
    with pytest.raises(TypeError, match=r"got <class 'jaxnn.layers.activation.ReLU'>\. Give an instance"):
        summary(ReLU, (1, 2))
    with pytest.raises(TypeError, match=r"got Two with model and other\. Ask for one at a time: summary\(task.model, x\)"):
        summary(Two(Dense(2)), (1, 2))
    with pytest.raises(TypeError, match=r"summary: x must be a batch or its shape, got None\. Only a run or a loaded model"):
        summary(Dense(2))
    with pytest.raises(TypeError, match=r"summary: x must be numbers, or shapes such as \(32, 784\), got dtype <U3"):
        summary(Dense(2), ["one"])
    with pytest.raises(ValueError, match=r"Dense: x must be of shape \(batch, ..., inputs\), got shape \(4,\)"):
        summary(Dense(2), (4,))


def test_nothing_is_compiled_and_large_is_no_slower() -> None:
    summary(models.mlp((3,), 3), (2, 3))
    with programs() as events:
        result = summary(models.mlp((10**6, 10**6), 3), (10**4, 10**6))
    assert not events.compiled
    assert result.model.parameter_bytes > 8 * 10**12


def test_long_and_deep_fits_100_columns_and_aligns() -> None:
    def an_initialiser_whose_name_is_as_long_as_half_of_the_line() -> Any:
        return jax.nn.initializers.zeros

    network: Layer = Dense(3, initializer=an_initialiser_whose_name_is_as_long_as_half_of_the_line)
    for _ in range(30):
        network = Chain((network, Tanh()))
    lines = str(summary(network, (3, 10**9))).splitlines()
    assert max(map(len, lines)) == 100 and any("…" in line for line in lines[3:])
    assert len({line.index("(3, 3)") for line in lines[2:-1]}) == 1
    wide = str(summary(Both(Dense(10**9), (Dense(10**9),) * 3), (10**9, 10**9)))
    assert max(map(len, wide.splitlines())) <= 100


def test_in_a_notebook_it_is_a_table_without_markup_of_its_own() -> None:
    text = summary(models.mlp((16,), 3), (32, 4))._repr_html_()
    assert text.count("<tr>") == 6 and text.count("<td") == 5 * 6 and text.count("<th") == 6
    assert "  0 Dense(16, initializer=he_normal)</td>" in text


def test_the_table_of_the_documentation_is_the_one_that_is_printed() -> None:
    page = (Path(__file__).parent.parent / "docs" / "how-to.md").read_text("utf-8")
    assert f"```text\n{summary(models.mlp((64, 64), 10, dropout=0.1), (32, 784))}\n```" in page


def test_amounts_have_four_digits() -> None:
    assert [amount(value) for value in (0, 999, 1000, 999_949, 999_950, 10**6)] == ["0", "999", "1 k", "999.9 k", "1 M", "1 M"]


def test_the_public_names() -> None:
    assert jaxnn.summary is summary and isinstance(summary(Dense(1), (1, 1)), jaxnn.Summary)
    assert issubclass(Classification, Task)
