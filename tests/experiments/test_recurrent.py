"""The experiment about sequences at smoke size, and the tasks that it makes up."""

from pathlib import Path

import numpy as np
import pytest

from experiments import recurrent
from experiments.support import grammar, sequences, traffic
from jaxnn.data import windows
from tests.experiments.smoke import smoke


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
