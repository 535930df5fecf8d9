"""fit_stream: bit for bit the run that fit makes of the same rows in memory, on CPU; mistakes in a file are told with the step."""

import sys

import numpy as np
import optax
import pytest

from jaxnn import Classification, EarlyStopping, Recipe, fit, fit_stream, optimizer, predict_stream
from jaxnn.data import split_rows, streaming
from jaxnn.data.streaming import Source
from jaxnn.data.streaming.source import Rows
from jaxnn.layers import Chain, Dense, Recurrent, SimpleRNN
from jaxnn.typing import Sequences
from tests.programs import watched
from tests.samples import WIDTH, blobs, classification, regression
from tests.tolerances import assert_same_bits

ROWS = 43
"""Five steps of 8 rows and one of 3."""
ROW_BYTES = 4 * (WIDTH + 1)
BLOCKS = {"a step": 1, "two steps": 16 * ROW_BYTES, "four steps and two": 32 * ROW_BYTES, "the epoch": 1 << 20}


@pytest.fixture(scope="module")
def xy() -> tuple[np.ndarray, np.ndarray]:
    return blobs(ROWS)


@pytest.fixture(scope="module")
def held() -> tuple[np.ndarray, np.ndarray]:
    return blobs(20, seed=1)


def stopping() -> Recipe:
    """With all that carries something from step to step, or from epoch to epoch; stops before its last epoch on ``blobs``."""
    adam = optimizer(optax.adam, learning_rate=0.3)
    return classification(dropout=0.2, optimizer=adam, l2=1e-4, epochs=12, early_stopping=EarlyStopping(patience=2))


def assert_same_run(run, other) -> None:
    assert_same_bits((run.params, run.history, run.state), (other.params, other.history, other.state))
    assert (run.outcome, run.epochs, run.best_epoch, run.member) == (other.outcome, other.epochs, other.best_epoch, other.member)


@pytest.mark.parametrize("blocks", BLOCKS)
def test_a_stream_is_the_run_in_memory_bit_for_bit(blocks, xy, held):
    whole = fit(stopping(), xy, validation=held, key=5, member=2)
    streamed = fit_stream(stopping(), streaming.arrays(*xy), validation=held, key=5, member=2, block_bytes=BLOCKS[blocks])
    assert whole.outcome == "stopped early"
    assert_same_run(streamed, whole)


def test_files_weights_and_a_source_to_validate_on(xy, tmp_path):
    x, y = xy
    weight = np.random.default_rng(0).uniform(0.5, 2, ROWS)
    np.savez(tmp_path / "rows.npz", x=x.astype(np.float64), y=y.astype(np.int64), weight=weight)
    source = streaming.npz(tmp_path / "rows.npz", weight="weight")
    train, held = split_rows(ROWS, 0.3, seed=0)
    streamed = fit_stream(stopping(), source.take(train), validation=source.take(held), block_bytes=16 * ROW_BYTES)
    whole = fit(stopping(), (x[train], y[train], weight[train]), validation=(x[held], y[held], weight[held]))
    assert_same_run(streamed, whole)


def test_the_order_follows_the_key(xy):
    source = streaming.arrays(*xy)
    first, again, other = (fit_stream(classification(), source, key=key).params for key in (0, 0, 1))
    assert_same_bits(first, again)
    assert not np.array_equal(first[0]["kernel"], other[0]["kernel"])


def test_a_second_stream_compiles_nothing(xy):
    recipe, source = classification(width=6), streaming.arrays(*xy)
    fit_stream(recipe, source, block_bytes=16 * ROW_BYTES)
    with watched() as events:
        fit_stream(recipe.replace(optimizer=optimizer(optax.sgd, learning_rate=0.5)), source, key=3, block_bytes=16 * ROW_BYTES)
    assert not any("steps" in name or "finish" in name or "start" in name for name in events.compiled)


def test_a_run_that_diverges_is_frozen_as_in_memory(xy):
    recipe = regression(learning_rate=1e30)
    x, y = xy[0], xy[0][:, 0]
    whole, streamed = fit(recipe, (x, y)), fit_stream(recipe, streaming.arrays(x, y), block_bytes=16 * ROW_BYTES)
    assert streamed.outcome == "diverged" and streamed.diverged_step == whole.diverged_step
    assert_same_run(streamed, whole)


def test_a_callback_sees_every_epoch(xy):
    seen = []
    run = fit_stream(classification(), streaming.arrays(*xy), callback=lambda epoch, metrics: seen.append((epoch, metrics["loss"])))
    assert seen == list(enumerate(run.history["loss"].tolist(), start=1))


def test_blocks_are_read_on_demand(xy):
    x, y = xy
    rows_at_once = []

    def read(rows: np.ndarray) -> Rows:
        rows_at_once.append(len(rows))
        return Rows(x[rows], y[rows])

    fit_stream(classification(epochs=1), Source("counted", ROWS, read), block_bytes=16 * ROW_BYTES)
    assert rows_at_once == [ROWS, 16, 16, 16]  # the first to know their shapes; the last is filled up


def test_predictions_of_a_source(xy):
    run = fit(classification(), xy)
    np.testing.assert_array_equal(predict_stream(run, streaming.arrays(xy[0]), rows=10), run.predict(xy[0]))


# Mistakes -------------------------------------------------------------------------------------------------------------------


def spoilt(values: np.ndarray, value: float, row: int = 300) -> np.ndarray:
    values = values.copy()
    values[row] = value
    return values


@pytest.fixture(scope="module")
def many() -> tuple[np.ndarray, np.ndarray]:
    """More than are looked at before the run."""
    return blobs(400)


def test_nan_is_told_with_its_row_and_step(many):
    x, y = many
    with pytest.raises(
        ValueError, match=r"fit_stream: x must be finite numbers, got NaN or infinity in row 300 of arrays, which step \d+ of"
    ):
        fit_stream(classification(), streaming.arrays(spoilt(x, np.nan), y), block_bytes=1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda x, y: streaming.arrays(x, spoilt(y, 7)),
            r"y must be .* 0 to 2, got 0 to 7\. .* It is in the block of arrays that begins with",
        ),
        (
            lambda x, y: streaming.arrays(x, y, spoilt(np.ones(400), -1)),
            r"weight in the block .* must be one number >= 0 for each row, got",
        ),
        (
            lambda x, y: streaming.arrays(x, y).map(lambda x, y: (x if len(x) == 256 else x[:, :2], y)),
            r"the block of arrays that begins with step \d+ must be of rows like the first, .*float32 \(4,\).*, got",
        ),
        (
            lambda x, y: streaming.arrays(x, spoilt(y.astype(np.int64), 2**32 + 1)),
            r"fit_stream: y must be from -2147483648 to 2147483647, as int32 is, got 0 to 4294967297",
        ),
    ],
    ids=["class", "weight", "shape", "too large"],
)
def test_other_mistakes_in_a_block(make, words, many):
    with pytest.raises(ValueError, match=words):
        fit_stream(classification(), make(*many))


def test_lengths_that_sequences_can_not_have_are_told_with_their_block():
    lengths = spoilt(np.full(400, 3), 6)
    source = streaming.arrays(lengths).map(lambda x, y: (Sequences(np.ones((len(x), 5, 2), np.float32), x), np.zeros(len(x), int)))
    recipe = classification().replace(task=Classification(Chain((Recurrent(SimpleRNN(2)), Dense(2)))))
    words = r"fit_stream: lengths must be from 1 to the 5 steps of x, got 3 to 6\. It is in the block of arrays that begins with step \d+"
    with pytest.raises(ValueError, match=words):
        fit_stream(recipe, source)


def test_mistakes_before_the_run(xy):
    source = streaming.arrays(*xy)
    with pytest.raises(TypeError, match=r"fit_stream: source must be a Source, for instance .*, got tuple"):
        fit_stream(classification(), xy)
    with pytest.raises(TypeError, match=r"validation must be examples, a Source or None, got 0\.2\. Cut the source in two by split_rows"):
        fit_stream(classification(), source, validation=0.2)
    with pytest.raises(ValueError, match="fit_stream: validation must be given, for early_stopping"):
        fit_stream(stopping(), source)
    with pytest.raises(ValueError, match="block_bytes must be a whole number >= 1, got 0"):
        fit_stream(classification(), source, block_bytes=0)
    with pytest.raises(ValueError, match=f"rows must be row numbers from 0 to {ROWS - 1}"):
        source.take(np.array([ROWS]))


def test_without_grain_the_extra_is_named(xy, monkeypatch):
    monkeypatch.setitem(sys.modules, "grain", None)
    with pytest.raises(ImportError, match=r'Streaming needs grain: pip install "jaxnn-toolkit\[stream\]"\.'):
        fit_stream(classification(), streaming.arrays(*xy))
