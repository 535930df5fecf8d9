"""Every experiment at smoke size: what the syllabus says must come out, and that kept results belong to the code as it is."""

import dataclasses
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image

from experiments import (
    activation_functions,
    autoencoder,
    backpropagation,
    batch_sizes,
    bypass,
    classification,
    depth,
    feature_maps,
    gan,
    gradient_descent,
    initialisation,
    learning_rates,
    logistic_neuron,
    mnist,
    optimizers,
    orientation,
    overfitting,
    recurrent,
    regression,
    threshold_units,
    universal_approximator,
    vanishing_gradient,
)
from experiments.support import grammar, hand_computed, oriented, sampled, sequences, traffic
from experiments.support.components import Components
from experiments.support.digits import Digits, read_digits
from experiments.support.film import Film, save_film
from experiments.support.runner import command_line, plain
from jaxnn.data import windows

FOLDER = Path(__file__).parent.parent / "experiments"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
RESULTS = FOLDER / "results"
each = pytest.mark.parametrize("name", NAMES)


def smoke(module: Any, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    figures: dict[str, Any] = {}
    return module.main(dataclasses.replace(module.Config.smoke(), **changes), figures.__setitem__), figures


@pytest.fixture
def no_data_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("JAXNN_DATA", raising=False)
    yield


def test_threshold_units_are_exact() -> None:
    results, figures = smoke(threshold_units)
    assert all(net["exact"] for net in results["nets"].values()) and results["memory"]["exact"]
    assert {name: net["layers"] for name, net in results["nets"].items() if "XOR" in name} == {"XOR, two layers": 2, "XOR, weighted": 2}
    counts = results["functions of one unit"]
    assert [counts[n]["proper"] for n in "1234"] == [counts[n]["proper, by formula"] for n in "1234"] == [4, 11, 36, 125]
    assert [counts[n]["weighted"] for n in "1234"] == [4, 14, 104, 1882]
    assert all(row["found and refuted are all"] for row in counts.values())
    beyond = results["functions of two inputs beyond one unit"]
    assert sorted(beyond["proper"]) == ["NAND", "XNOR", "XOR", "x1 implies x2", "x2 implies x1"]
    assert sorted(beyond["weighted"]) == ["XNOR", "XOR"]
    assert set(figures) == {"threshold_units_nets", "threshold_units_counts"}


def test_hand_set_params_have_the_shape_that_init_would_give() -> None:
    net, _ = threshold_units.NETS["XOR, two layers"]
    layer, params = threshold_units.build(net)
    drawn = layer.init(jax.random.key(0), np.zeros((1, 2), np.float32))
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, drawn)


def test_a_sigmoid_neuron_is_logistic_regression() -> None:
    results, _ = smoke(logistic_neuron)
    for row in results.values():
        assert row["max |difference|, float32"]["worst"] < 1e-3
        assert row["max |difference|, float64"] < 1e-6
        assert row["training accuracy"]["neuron"] == pytest.approx(row["training accuracy"]["scikit-learn"], abs=1e-6)


def test_derivatives_by_hand_are_those_of_autodiff() -> None:
    results, _ = smoke(activation_functions)
    for row in results.values():
        assert row["max |by hand - autodiff|, float64"] < 1e-14
        assert row["max |by hand - autodiff|, float32"] < 1e-6
        assert row["max |by hand - central difference|, float64"] < 1e-9
    assert sum(row["in the lecture"] for row in results.values()) == 5
    assert (results["sigmoid"]["steepest"], results["step"]["steepest"]) == (0.25, 0.0)


def test_accuracy_rises_with_depth_on_spirals() -> None:
    results, _ = smoke(depth)
    assert results["accuracy rises with depth on spirals"]
    assert results["circles"]["logistic"]["test accuracy"]["mean"] < 0.65 < results["circles"]["1 hidden layer"]["test accuracy"]["mean"]


def test_the_wide_layer_has_as_many_parameters_as_five() -> None:
    config = depth.Config()
    assert config.wide is not None
    counts = [sum((a + 1) * b for a, b in zip((2, *hidden), (*hidden, 1), strict=True)) for hidden in depth.shapes(config).values()]
    assert counts[-1] == counts[-2]


@pytest.mark.usefixtures("no_data_folder")
def test_classifiers_are_at_the_level_of_scikit_learn() -> None:
    results, figures = smoke(classification)
    assert "JAXNN_DATA" in results["mnist"]["left out"]
    for name in ("breast cancer", "digits"):
        accuracy = results[name]["test accuracy"]
        assert accuracy["jaxnn"]["mean"] > max(0.9, accuracy["scikit-learn"]["mean"] - 0.03)
    assert set(figures) == {"classification", "classification_digits"}


def test_mnist_is_read_where_its_file_is(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {name: random.integers(0, 256, (rows, 784), dtype=np.uint8) for name, rows in (("x_train", 60), ("x_test", 20))}
    np.savez(tmp_path / "mnist.npz", **arrays, y_train=np.arange(60) % 10, y_test=np.arange(20) % 10)
    config = dataclasses.replace(classification.Config.smoke(), data=str(tmp_path), mnist_rows=40)
    (split,) = classification.read_splits("mnist", config)
    assert (split.x.shape, split.x_test.shape, float(split.x.max())) == ((40, 784), (20, 784), 1.0)
    problem = classification.PROBLEMS["mnist"]._replace(hidden=(8,), epochs=1, batch_size=16)
    outcomes = classification.run_all(problem, [split], config)
    assert [len(group) for group in outcomes.values()] == [1, 1, 1]


def test_hand_set_networks_meet_their_bounds() -> None:
    results, figures = smoke(universal_approximator)
    assert (results["max |f'|"], results["max |f''|"]) == (pytest.approx(6.996, abs=1e-3), pytest.approx(170.5, abs=0.1))
    for kind, rate in (("steps", 2), ("bumps", 2), ("ReLUs", 4)):
        rows = results["by hand"][kind]
        assert all(row["met"] for row in rows["neurons"].values())
        assert rows["the last doubling divides the error by"] == pytest.approx(rate, rel=0.1)
    assert results["trained"]["relu"]["32"]["error"]["mean"] < 0.2
    assert set(figures) == {"universal_approximator", "universal_approximator_weights"}


def test_bumps_are_steps_of_half_as_many_cells() -> None:
    x = np.linspace(0, 1, 999)
    staircases = [universal_approximator.evaluate(net, x) for net in (universal_approximator.bumps(32), universal_approximator.steps(16))]
    np.testing.assert_allclose(*staircases, rtol=0, atol=1e-14)


def test_relus_meet_the_function_at_their_bends() -> None:
    bends = np.arange(17) / 16
    np.testing.assert_allclose(
        universal_approximator.evaluate(universal_approximator.relus(16), bends), universal_approximator.f(bends), rtol=0, atol=1e-13
    )


def test_slopes_are_derivatives_of_the_function() -> None:
    x = np.linspace(0, 1, 101)
    for function, derivative in (
        (universal_approximator.f, universal_approximator.slope),
        (universal_approximator.slope, universal_approximator.curvature),
    ):
        np.testing.assert_allclose((function(x + 1e-6) - function(x - 1e-6)) / 2e-6, derivative(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_backpropagation_by_hand_is_autodiff(kind: str) -> None:
    results, figures = smoke(backpropagation)
    for differences in (results[kind]["largest differences"], results[kind]["largest differences, random nets"]):
        assert differences.pop("mean gradient, central differences") < 1e-8
        assert len(differences) >= 4 and max(differences.values()) < 1e-12
    assert results[kind]["one update"]["loss after"] < results[kind]["one update"]["loss before"]
    steps = results[kind]["steps"]
    assert list(steps) == ["sample 1", "sample 2", "sample 3", "all samples"]
    assert steps["sample 1"][0] == "b1[1] = 0.1 + 0.8·1 + 0.4·0.5 = 1.1; x1[1] = sigma(b) = 0.7503"
    assert sum(line.startswith("delta") for line in steps["sample 2"]) == 4 + len(backpropagation.LAST[kind][0])
    assert set(figures) == {"backpropagation", "backpropagation_mean"}


def test_the_last_layer_by_hand() -> None:
    # y = 1, y_hat = 0.2 + 1.5 x1 - 1.1 x2 with x = (0.6, 0.5): delta = -2 (1 - 0.55)
    passed = hand_computed.one_sample([backpropagation.LAST["regression"]], np.array([0.6, 0.5]), 1.0, "regression")
    assert passed.delta == [[pytest.approx(-0.9)]] and passed.loss == pytest.approx(0.45**2)
    np.testing.assert_allclose(passed.gradient[0][:, 0], [-0.9, -0.54, -0.45])


def test_gradients_vanish_through_sigmoid_layers_only() -> None:
    results, figures = smoke(vanishing_gradient)
    rates = {name: rows["12 hidden layers"] for name, rows in results["factor a layer"].items()}
    assert rates["sigmoid"]["mean"] == pytest.approx(results["factor a layer"]["sigmoid"]["theory"], abs=0.02)
    assert rates["sigmoid"]["share of variance explained"] > 0.99
    for name in ("tanh", "relu"):
        assert rates[name]["mean"] == pytest.approx(1, abs=0.15)
        assert results["factor a layer"][name]["theory"] == pytest.approx(1, abs=1e-3)
    accuracy = results["training accuracy"]["gradient descent"]
    assert accuracy["sigmoid"]["6"]["mean"] < 0.7 < 0.9 < accuracy["relu"]["6"]["mean"]
    assert set(figures) == {"vanishing_gradient"}


def test_fitted_lines_find_slopes() -> None:
    assert vanishing_gradient.fit_line(np.array([1.0, 3.0, 5.0, 7.0])) == (pytest.approx(2), pytest.approx(1))


def test_variance_is_kept_where_theory_says() -> None:
    results, figures = smoke(initialisation)
    for by_name in results["by layer"].values():
        for row in by_name.values():
            for part in row.values():
                assert part["factor"]["mean"] == pytest.approx(part["by theory"], abs=0.08)
    for function, name in (("relu", "He"), ("selu", "LeCun"), ("selu", "orthogonal")):
        assert results["by layer"][function][name]["outputs"]["kept by theory"]
    for function, name in (("relu", "Glorot"), ("tanh", "small"), ("selu", "He"), ("tanh", "zeros")):
        assert not results["by layer"][function][name]["outputs"]["kept"]
    assert set(figures) == {"initialisation", "initialisation_symmetry"}
    for rows in results["neurons that begin equal"].values():
        assert rows["zeros"]["largest difference between two neurons"] == rows["constant"]["largest difference between two neurons"] == 0
        assert rows["library"]["largest difference between two neurons"] > 0.1
    assert results["neurons that begin equal"]["relu"]["zeros"]["largest weight of a neuron"] == 0


def test_theory_of_layers_is_exact_for_relu() -> None:
    he, glorot = (initialisation.theory("relu", name, initialisation.Config.smoke()) for name in ("He", "Glorot"))
    np.testing.assert_allclose(he.outputs, 1, rtol=1e-6)
    np.testing.assert_allclose(he.errors, 0.5, rtol=1e-6)
    np.testing.assert_allclose(glorot.outputs, 0.5 ** np.arange(1, 11), rtol=1e-5)


@pytest.mark.usefixtures("no_data_folder")
def test_recurrent_networks_learn_from_sequences() -> None:
    results, figures = smoke(recurrent)
    one_step = {name: row["steps ahead: RMSE"]["1"]["mean"] for name, row in results["sines"].items()}
    assert one_step["LSTM"] < 0.6 * one_step["persistence"]
    flows = results["traffic"]
    assert flows["LSTM"]["mean of the seeds"]["MSE"] < flows["baselines"]["persistence"]["MSE"]
    assert results["text"]["entropy of the sentences held out"] < results["text"]["LSTM"]["mean"] < results["text"]["n-grams"]["3"]
    assert results["adding"]["LSTM"]["MSE"]["mean"] < 0.02 < 0.15 < results["adding"]["always 1"]
    assert set(figures) == {"recurrent_sines", "recurrent_traffic", "recurrent_text", "recurrent_adding"}


def test_a_flow_is_read_from_the_steps_before_it() -> None:
    values = np.arange(20.0).reshape(10, 2)
    read = traffic.pieces(values, 3, known=8)
    np.testing.assert_allclose(read.forecast(read.y), values, rtol=0, atol=1e-5)
    row = read.x[2 * 6 + 1]  # flow 1 at step 6: its steps 3, 4, 5
    np.testing.assert_allclose(row[:, 0] * read.scale + read.level[1], values[3:6, 1], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(row[:, 1:], [[0, 1]] * 3)


def test_linear_forecasts_find_a_linear_rule() -> None:
    errors = traffic.baselines(traffic.made_up(200), 150)
    assert errors["AR(4) on the flow itself"] < errors["persistence"] < errors["mean of the flow"]
    waves = sequences.mixture((7.3, 19.1), 300, noise=0.0)
    x, truth = windows(waves, 8, horizon=20)
    np.testing.assert_allclose(sequences.linear(windows(waves, 8), x, 6, 20), truth, rtol=0, atol=1e-2)


def test_traffic_is_read_where_its_file_is(tmp_path: Path) -> None:
    np.savez(tmp_path / "traffic.npz", bell_labs_flows=np.full((40, 3), np.e - 1))
    name, split = traffic.read(tmp_path, 10)
    assert (name, split.values.shape, split.validation, split.test) == ("Bell Labs", (40, 3), 22, 30)
    np.testing.assert_allclose(split.values, 1)


def test_sentences_are_worth_the_bits_of_their_choices() -> None:
    # which sentence 1/2, no adjective 0.7, no clause 0.6, of 4 nouns, no object 0.6, of 3 verbs
    assert grammar.bits("the host waits. ") == pytest.approx(-np.log2(0.5 * 0.7 * 0.6 / 4 * 0.6 / 3))
    assert grammar.bits("the host wait. ") == np.inf
    assert all(np.isfinite(grammar.bits(sentence)) for sentence in grammar.sentences(300, seed=3))
    assert all(sum(probability for probability, _ in choices) == pytest.approx(1) for choices in grammar.GRAMMAR.values())


def test_n_grams_are_mixed_as_by_hand() -> None:
    model = grammar.NGram(2, "aab", "ab")
    first = (np.array([2, 1]) + 2 * 0.5) / (3 + 2)
    np.testing.assert_allclose(model.probabilities(""), first)
    np.testing.assert_allclose(model.probabilities("a"), (np.array([1, 1]) + 2 * first) / (2 + 2))
    assert model.bits_per_character("a") == pytest.approx(-np.log2(first[0]))


def test_two_numbers_are_marked_and_added() -> None:
    x, y = sequences.marked(50, 7, seed=0)
    np.testing.assert_array_equal(x[:, :3, 1].sum(axis=1), np.ones(50))
    np.testing.assert_array_equal(x[..., 1].sum(axis=1), np.full(50, 2))
    np.testing.assert_allclose((x[..., 0] * x[..., 1]).sum(axis=1), y, rtol=1e-6)


@pytest.mark.usefixtures("no_data_folder")
def test_very_deep_networks_train_with_ways_round_their_blocks() -> None:
    results, figures = smoke(bypass)
    wide = results["wide and deep"]
    assert wide["data"] == "diabetes, 442 rows"
    assert wide["wide"]["test R2"]["mean"] == pytest.approx(wide["least squares"]["test R2"]["mean"], abs=0.1)
    residual, blocks, dense = results["very deep"]["26"].values()
    assert residual["training loss"]["mean"] < 0.3 < 0.9 < min(row["training loss"]["mean"] for row in (blocks, dense))
    assert set(figures) == {"bypass", "bypass_wide"}


def test_blocks_with_and_without_a_way_round_have_equal_parameters() -> None:
    x = jax.ShapeDtypeStruct((1, 6), np.dtype(np.float32))
    residual, blocks, dense = (layer.init(jax.random.key(0), x) for layer in bypass.networks_of(4, 3, 2).values())
    assert [leaf.shape for leaf in jax.tree.leaves(residual)] == [leaf.shape for leaf in jax.tree.leaves(blocks)]
    kernels = [leaf for leaf in jax.tree.leaves(dense) if leaf.ndim > 1 and leaf.shape[-2:] == (4, 4)]
    assert sum(len(leaf) for leaf in kernels) == 2 * 3


def test_housing_is_read_where_its_file_is(tmp_path: Path) -> None:
    lines = [
        "rooms,place,median_house_value",
        *(f"{'' if i == 3 else i % 7},{'INLAND' if i % 2 else 'ISLAND'},{100 * i}.0" for i in range(60)),
    ]
    (tmp_path / "housing.csv").write_text("\n".join(lines), encoding="utf-8")
    config = dataclasses.replace(bypass.Config.smoke(), data=str(tmp_path), seeds=1)
    dataset = bypass.read(config)
    assert (dataset.rows, dataset.target_name) == (60, "median_house_value")
    assert bypass.score(None, dataset, 0, config).r2 < 1


@pytest.mark.usefixtures("no_data_folder")
def test_each_kind_of_network_reads_digits() -> None:
    results, figures = smoke(mnist)
    assert results["data"]["name"] == "digits"
    for name in (mnist.MLP, mnist.CNN, mnist.LSTM):
        assert results[name]["test accuracy"]["mean"] > 0.8
        assert "reached" not in results[name]
    assert results[mnist.SHORT]["parameters"] == results[mnist.CNN]["parameters"]
    assert set(figures) == {"mnist", "mnist_confusion", "mnist_misread"}


def test_mnist_is_read_in_three_parts(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = {"train": 30, "val": 7, "test": 5}
    x = {f"x_{part}": random.integers(0, 256, (count, 784), dtype=np.uint8) for part, count in rows.items()}
    np.savez(tmp_path / "mnist.npz", **x, **{f"y_{part}": np.arange(count, dtype=np.uint8) % 10 for part, count in rows.items()})
    digits = read_digits(str(tmp_path), 20)
    assert [part[0].shape for part in digits[1:]] == [(20, 28, 28, 1), (7, 28, 28, 1), (5, 28, 28, 1)]
    np.testing.assert_array_equal(digits.train[0][3, 1, 2, 0], x["x_train"][3, 30] / np.float32(255))
    assert (digits.name, digits.train[0].dtype, digits.train[1].dtype) == ("MNIST", np.float32, np.int32)


@pytest.mark.usefixtures("no_data_folder")
def test_maps_share_their_weights() -> None:
    results, figures = smoke(feature_maps)
    assert results["largest |map - product of patches and kernel|"] < 1e-5
    assert max(results["largest |maps of the shifted image - shifted maps|"].values()) < 1e-6
    assert all(row["side"] == row["by formula"] for row in results["sizes of maps"])
    assert results["weights of a convolution"]["8 × 8 × 1 to 8 × 8 × 4"] == {
        "shared": 40,
        "a kernel for each place": 40 * 64,
        "dense": 65 * 256,
        "dense / shared": 416,
    }
    assert results["test accuracy, all test rows"][feature_maps.LENET]["mean"] > 0.7
    assert set(figures) == {"feature_maps", "feature_maps_filters", "feature_maps_shift"}


def test_global_pooling_takes_as_many_parameters_as_flattening() -> None:
    x, y = np.zeros((1, 28, 28, 1), np.float32), np.zeros(1, np.int32)
    digits = Digits("MNIST", (x, y), (x, y), (x, y))
    counts = {
        name: sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(network.init, jax.random.key(0), x)))
        for name, network in feature_maps.networks(digits, feature_maps.Config()).items()
    }
    assert counts[feature_maps.LENET] == counts[feature_maps.GLOBAL] == 61_706
    assert counts[feature_maps.MLP] == pytest.approx(61_706, rel=0.01)


@pytest.mark.usefixtures("no_data_folder")
def test_units_answer_best_to_bars_of_their_own_orientation() -> None:
    results, figures = smoke(orientation)
    for rows in results["hand-set"].values():
        assert rows["all peaks at their own angle"]
        np.testing.assert_array_equal(rows["peaks of complex cells"], rows["own angles"])
        assert rows["response at right angles, share of the peak"] < 0.1
        assert rows["share of the way at which more than half is answered"]["simple"] < 0.2
        assert rows["share of the way at which more than half is answered"]["complex"] > 0.8
    assert set(results["first layer"]) == {"drawn", "learned"}
    assert set(figures) == {"orientation", "orientation_learned"}


def test_a_bar_lies_where_its_angle_says() -> None:
    flat, upright, rising = (oriented.bar(9, angle, 1.0) for angle in (0, 90, 45))
    np.testing.assert_allclose(flat, np.eye(9)[4][:, None] * np.ones(9))
    np.testing.assert_allclose(upright, flat.T)
    assert rising[8, 0] == rising[0, 8] > 0 == rising[0, 0]
    np.testing.assert_allclose(oriented.bar(9, 0, 1.0, position=2.0), np.roll(flat, -2, axis=0))  # across is up


@pytest.mark.parametrize("angle", [0, 30, 90])
@pytest.mark.parametrize("make", oriented.FILTERS.values(), ids=oriented.FILTERS)
def test_filters_say_nothing_of_even_light(make: Any, angle: int) -> None:
    weights = make(11, angle)
    assert weights.sum() == pytest.approx(0, abs=1e-12) and np.square(weights).sum() == pytest.approx(1)


def test_selectivity_and_width_of_a_known_tuning_curve() -> None:
    angles = np.arange(0, 180, 10)
    curve = np.maximum(0, 1 - np.abs(angles - 90) / 40)  # falls to one half 20 degrees from its peak
    assert orientation.half_width(curve, angles) == pytest.approx(20)
    assert orientation.half_width(np.roll(curve, 9), angles) == pytest.approx(20)
    np.testing.assert_allclose(orientation.selectivity((1 + np.cos(2 * np.deg2rad(angles)))[:, None], angles), 0.5)


@pytest.mark.usefixtures("no_data_folder")
def test_networks_predict_numbers_and_scikit_learns_too() -> None:
    results, figures = smoke(regression)
    assert "JAXNN_DATA" in results["housing"]["left out"]
    rows = results["diabetes"]["on held-out rows"]
    assert rows[regression.LINEAR]["R2"]["mean"] == pytest.approx(0.53, abs=0.05)
    assert rows[regression.LIKE]["R2"]["mean"] > rows[regression.OTHER]["R2"]["mean"] - 0.06
    assert set(figures) == {"regression", "regression_residuals"}


@pytest.mark.usefixtures("no_data_folder")
def test_a_network_beats_linear_regression_where_its_file_is(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    columns = random.uniform(-1, 1, (400, 2)).round(4)
    prices = 200_000 + 100_000 * np.sign(columns[:, 0]) * columns[:, 1] ** 2
    rows = [f"{a},{b},{'INLAND' if a > 0 else ''},{price:.2f}" for (a, b), price in zip(columns, prices, strict=True)]
    (tmp_path / "housing.csv").write_text("\n".join(["longitude,latitude,ocean_proximity,median_house_value", *rows]))
    config = dataclasses.replace(regression.Config.smoke(), data=str(tmp_path), learning_rate=0.01)
    dataset = regression.read("housing", config)
    assert dataset is not None
    split, problem = regression.split_of(dataset, 0), regression.PROBLEMS["housing"]._replace(hidden=(16,), epochs=30, batch_size=16)
    errors = [
        np.abs(regression.restored(split, train(problem, split, 0, config)) - split.truth).mean()
        for train in (regression.network, regression.linear, regression.squashed)
    ]
    assert errors[0] < errors[1]
    assert np.abs(regression.squashed(problem, split, 0, config)).max() <= 1


@pytest.mark.usefixtures("no_data_folder")
def test_remedies_make_the_test_error_fall() -> None:
    results, figures = smoke(overfitting)
    without = results[overfitting.NONE]
    assert without["train error"]["mean"] < 0.02 < 0.15 < without["test error"]["mean"]
    for remedy in (overfitting.STOPPING, overfitting.ALL):
        assert results[remedy]["test error"]["mean"] < without["test error"]["mean"] - 0.04
        assert results[remedy]["train loss"]["mean"] > without["train loss"]["mean"]
    assert results[overfitting.STOPPING]["epoch of the parameters"]["mean"] < 40
    assert set(figures) == {"overfitting", "overfitting_errors"}


def test_of_the_training_labels_a_share_is_wrong() -> None:
    config = overfitting.Config(rows=600)
    clean, noisy = (overfitting.split_of(0, dataclasses.replace(config, wrong=wrong)) for wrong in (0.0, 0.2))
    np.testing.assert_array_equal(clean.train[0], noisy.train[0])
    assert np.mean(clean.train[1] != noisy.train[1]) == pytest.approx(0.2, abs=0.04)
    np.testing.assert_array_equal(clean.test[1], noisy.test[1])
    together = np.concatenate([part[0] for part in noisy])
    assert len(together) == 1797 == len(np.unique(together, axis=0))


@pytest.mark.usefixtures("no_data_folder")
def test_autoencoders_reconstruct_better_than_principal_components() -> None:
    results, figures = smoke(autoencoder)
    row = results["digits"]
    assert row["test error over PCA's"]["dense"][4] < 1 < row["test error over PCA's"]["linear"][4] < 1.5
    assert row["test error over PCA's"]["convolutional"][4] < 1.05
    assert row["test error, PCA"][4] < row["test error, each pixel its mean"]
    cleaned = results["digits, noise of 0.5, code of 4"]
    assert cleaned["with noise"]["mean"] == pytest.approx(0.25, rel=0.05)
    assert cleaned["denoising autoencoder"]["mean"] < cleaned["autoencoder of clean images"]["mean"]
    assert results["digits, variational, code of 8"]["KL, nats"]["mean"] > 0.5
    assert "JAXNN_DATA" in results["MNIST"]["left out"]
    names = ("", "_images", "_codes", "_noise", "_samples")
    assert set(figures) == {f"autoencoder{name}" for name in names}


def test_components_are_the_best_linear_code_and_the_best_linear_denoiser() -> None:
    random = np.random.default_rng(0)
    x = (random.normal(size=(4000, 6)) * np.array([3, 2, 1, 0.5, 0.2, 0.1])).reshape(4000, 3, 2)
    first = Components(x, 2)
    left_out = np.sort(np.linalg.eigvalsh(np.cov(x.reshape(-1, 6).T)))[:4].sum() / 6
    assert np.mean(np.square(first.predict(x) - x)) == pytest.approx(left_out, rel=1e-3)
    noisy = x + random.normal(size=x.shape)
    design = np.c_[noisy.reshape(-1, 6), np.ones(len(x))]
    fitted = design @ np.linalg.lstsq(design, x.reshape(-1, 6), rcond=None)[0]
    found = Components(x).predict(noisy, 1.0)
    assert np.mean(np.square(found - x)) == pytest.approx(np.mean(np.square(fitted - x.reshape(-1, 6))), rel=0.01)


@pytest.mark.usefixtures("no_data_folder")
def test_a_gan_draws_digits() -> None:
    results, figures = smoke(gan)
    assert results["judge's test accuracy"] > 0.9
    assert results[gan.REAL]["digits covered"]["mean"] == 10 and results[gan.UNTRAINED]["digits covered"]["mean"] < 5
    for name in (gan.SATURATING, gan.WASSERSTEIN):
        assert results[name]["digits covered"]["mean"] > 5
        for part in ("discrepancy", "discrepancy of pixels", "distance from the nearest training image"):
            assert results[gan.REAL][part]["mean"] < results[name][part]["mean"] < results[gan.UNTRAINED][part]["mean"]
    assert set(figures) == {"gan", "gan_scores", "gan_training"}


def test_discrepancy_by_its_sums_and_where_it_is_known() -> None:
    a, b = np.array([[0.0], [1.0]]), np.array([[2.0], [4.0]])
    kernel = sampled.Kernel(1.5)
    k = lambda u, v: float(np.exp(-((u - v) ** 2) / (2 * 1.5**2)))  # noqa: E731
    by_hand = k(0, 1) + k(2, 4) - (k(0, 2) + k(0, 4) + k(1, 2) + k(1, 4)) / 2
    assert sampled.discrepancy(kernel, a, b) == pytest.approx(by_hand)
    # of N(0, 1) and N(2, 1) with scale 1 it is 2 (1 - exp(-2²/6)) / sqrt(3)
    random = np.random.default_rng(0)
    drawn = [random.normal(mean, 1, (1500, 1)) for mean in (0, 2, 0)]
    kernel = sampled.Kernel(1.0)
    assert sampled.discrepancy(kernel, drawn[0], drawn[1]) == pytest.approx(2 * (1 - np.exp(-4 / 6)) / np.sqrt(3), abs=0.05)
    assert abs(sampled.discrepancy(kernel, drawn[0], drawn[2])) < 0.005


def test_digits_count_where_the_judge_is_sure() -> None:
    said = sampled.seen(np.array([[0.95, 0.05], [0.4, 0.6], [0.0, 1.0], [0.2, 0.8]]), 0.9)
    assert said["shares"].tolist() == [0.25, 0.25] and said["confidence"] == pytest.approx((0.95 + 0.6 + 1 + 0.8) / 4)
    assert said["effective classes"] == pytest.approx(np.exp(-0.25 * np.log(0.25) - 0.75 * np.log(0.75)))
    assert sampled.nearest(np.array([[0.0], [5.0]]), np.array([[1.0], [2.0]])).tolist() == [1.0, 3.0]


def test_learning_rates_are_too_small_and_too_large() -> None:
    results, figures = smoke(learning_rates)
    constant, schedules = results["constant"], results["schedules"]
    assert (constant["too small"], constant["best"], constant["too large"]) == ([0.0003], 0.1, [30.0])
    assert set(schedules) == set(learning_rates.Config.smoke().kinds) < set(learning_rates.SCHEDULES)
    assert all(row["diverged"] == 0 and row["test accuracy"]["mean"] > 0.7 for row in schedules.values())
    assert set(figures) == {"learning_rates", "learning_rates_schedules"}


def test_optimizers_find_their_way_down(tmp_path: Path) -> None:
    results, figures = smoke(optimizers)
    ways, ranking = results["on the surface"], results["on the network, best first"]
    assert set(ways) == set(optimizers.ON_SURFACE)
    started = float(optimizers.beale(np.float32(optimizers.START)))
    assert all(way["height at the end"] < started / 10 for way in ways.values())
    losses = [row["training loss"] for row in ranking.values()]
    assert set(ranking) == {"SGD", "Adam"} and losses == sorted(losses)
    assert set(figures) == {"optimizers", "optimizers_descent", "optimizers_surface"}
    film = figures["optimizers_descent"]
    assert isinstance(film, Film)
    save_film(tmp_path / "film.gif", film)
    with Image.open(tmp_path / "film.gif") as image:
        assert (image.format, getattr(image, "n_frames", 1)) == ("GIF", film.frames)


def test_beale_has_its_minimum_where_it_is_said_to_be() -> None:
    assert float(optimizers.beale(np.float32(optimizers.END))) == 0
    assert float(optimizers.beale(np.float32([1.0, 1.0]))) == pytest.approx(1.5**2 + 2.25**2 + 2.625**2)


def test_updates_of_an_epoch_are_counted() -> None:
    results, figures = smoke(gradient_descent)
    assert {way: results[way]["updates of an epoch, counted"] for way in ("full", "stochastic", "mini-batch")} == {
        "full": 1,
        "stochastic": 100,
        "mini-batch": 4,
    }
    assert all(row["updates of an epoch, counted"] == row["updates of an epoch, ceil(M / B)"] for row in list(results.values())[1:])
    assert set(figures) == {"gradient_descent"}


def test_batch_sizes_at_equal_epochs_and_equal_time() -> None:
    results, figures = smoke(batch_sizes)
    rows = results["by batch size"]
    assert {size: row["updates of an epoch"] for size, row in rows.items()} == {"32": 5, "128": 2}
    assert all(row["equal epochs"]["epochs"] == 4 and row["equal time"]["epochs"] >= 1 for row in rows.values())
    assert rows["32"]["equal time"]["epochs"] == 4
    assert set(figures) == {"batch_sizes"}


def test_command_line_writes_results_and_figures_but_no_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command_line(activation_functions.main, activation_functions.Config, ["--smoke", "--out", str(tmp_path)])
    record = json.loads((tmp_path / "activation_functions.json").read_text(encoding="utf-8"))
    assert set(record) == {"question", "config", "results", "seconds", "versions", "hardware"}
    assert (tmp_path / "activation_functions.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path) not in json.dumps(record) and "written to" in capsys.readouterr().out


@each
def test_form(name: str) -> None:
    module = importlib.import_module(f"experiments.{name}")
    assert str(module.__doc__).splitlines()[0].endswith("?")
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(module.Config(), dataclasses.fields(module.Config)[0].name, None)
    assert f"experiments.{name}" in (FOLDER / "README.md").read_text(encoding="utf-8")


@each
def test_kept_results_are_of_a_full_run_of_the_config_as_it_is(name: str) -> None:
    config = plain(dataclasses.asdict(importlib.import_module(f"experiments.{name}").Config()))
    config.pop("data", None)
    assert json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["config"] == config


def test_figures_are_small_enough_to_be_kept() -> None:
    for kind, most in (("*.png", 300_000), ("*.gif", 1_000_000)):
        sizes = {path.name: path.stat().st_size for path in RESULTS.glob(kind)}
        assert sizes and max(sizes.values()) < most
