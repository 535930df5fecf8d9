"""From one sequence to another: what it holds, lengths, the state handed over, translation step by step, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import NextToken, Recipe, fit, load_model, models, optimizer, save_model, translate
from jaxnn.layers import GRU, LSTM, Dropout, EncoderDecoder, Parallel, Recurrent, Timewise
from jaxnn.typing import Batch, Sequences
from tests.programs import quick_jit
from tests.tolerances import assert_close, assert_same_bits, draw

TOKENS, START = 5, 0


def words(*shape):
    return jnp.asarray(np.random.default_rng(0).integers(1, TOKENS, shape), jnp.int32)


def prepared(**options):
    task = NextToken(models.seq2seq(TOKENS, TOKENS, (4, 3), embedding=3, **options))
    source, target = words(3, 5), words(3, 4)
    return task, quick_jit(task.model.init)(jax.random.key(0), (source, target)), source, target


def test_one_level_hands_its_state_to_the_next_sequence():
    layer, source, target = EncoderDecoder(LSTM(3)), draw((2, 5, 2)), draw((2, 4, 1))
    params = layer.init(jax.random.key(0), (source, target))
    read = Recurrent(LSTM(3), returns="all and state").apply(params["encoder"], source)
    written = Recurrent(LSTM(3), returns="all").apply(params["decoder"], Sequences(target, state=read.state))
    assert_same_bits(layer.apply(params, (source, target)), (read.values, written))
    assert_same_bits(layer.replace(returns="target").apply(params, (source, target)), written)


def test_parameters_are_as_many_as_counted_by_hand():
    model = models.seq2seq(50, 20, (8,), embedding=6)
    x = jnp.ones((1, 5), jnp.int32), jnp.ones((1, 4), jnp.int32)
    counted = sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(model.init, jax.random.key(0), x)))
    assert counted == (50 + 20) * 6 + 2 * 4 * 8 * (6 + 8 + 1) + (8 + 1) * 20


def test_each_level_has_dropout_before_it_and_the_last_behind_it():
    thinned = Timewise(Dropout(0.2))
    layers = models.seq2seq(9, 9, (4, 3), cell="gru", dropout=0.2, reverse=True).layers
    levels = EncoderDecoder(GRU(4), reverse=True), EncoderDecoder(GRU(3), "target", reverse=True)
    assert layers[1:-1] == (Parallel((thinned, thinned)), levels[0], Parallel((thinned, thinned)), levels[1], thinned)


@pytest.mark.parametrize("reverse", [False, True])
def test_steps_beyond_the_lengths_are_not_there(reverse):
    task, params, source, target = prepared(reverse=reverse)
    lengths, written, apply = jnp.array([5, 1, 3]), jnp.array([4, 2, 2]), quick_jit(task.model.apply)
    y = apply(params, (Sequences(source, lengths), Sequences(target, written)))
    assert y.lengths.tolist() == written.tolist()
    for row, (length, until) in enumerate(zip(lengths.tolist(), written.tolist(), strict=True)):
        alone = apply(params, (source[row : row + 1, :length], target[row : row + 1, :until]))
        assert_close(y.values[row : row + 1, :until], alone, "float32")


@pytest.mark.parametrize("given", [lambda source: source, lambda source: Sequences(source, jnp.array([5, 1, 3]))], ids=["array", "lengths"])
def test_what_is_written_is_the_likeliest_step_after_step(given):
    task, params, source, _ = prepared(dropout=0.5)
    params = jax.tree.map(lambda leaf: 3 * leaf, params)  # far from even, so that not all is one token
    written, apply = np.zeros((3, 5), np.int32) + START, quick_jit(task.model.apply)
    for at in range(4):
        written[:, at + 1] = np.asarray(apply(params, (given(source), written)))[:, at].argmax(axis=-1)
    got = quick_jit(translate, static_argnames=("start", "steps"))(task, params, given(source), start=START, steps=4)
    assert_same_bits(got, written[:, 1:])
    assert len(np.unique(got)) > 1


def test_behind_the_end_is_nothing_else():
    task, params, source, _ = prepared()
    free = np.asarray(translate(task, params, source, start=START, steps=5))
    end = int(free[0, 1])
    for row, ended in zip(free, np.asarray(translate(task, params, source, start=START, steps=5, end=end)), strict=True):
        until = list(row).index(end) if end in row else len(row)
        assert ended.tolist() == [*row[:until].tolist(), *[end] * (5 - until)]


def test_it_learns_to_turn_words_round(tmp_path):
    """Sources of one to three tokens, backwards, then the end; from whole-number data to translation, with masks."""
    random, rows = np.random.default_rng(1), 64
    lengths = random.integers(1, 4, rows)
    source, target = np.zeros((2, rows, 5), np.int32)
    for row, length in enumerate(lengths):
        source[row, :length] = random.integers(2, TOKENS, length)
        target[row, 1 : length + 1] = source[row, :length][::-1]
        target[row, length + 1] = 1  # the end; 0 is the start, and pads
    x = Sequences(source, lengths), Sequences(target, lengths + 2)
    task = NextToken(models.seq2seq(TOKENS, TOKENS, (16,), cell="gru", embedding=8))
    recipe = Recipe(task, optimizer(optax.adam, learning_rate=0.02), epochs=60, batch_size=32, gradients="backprop")
    run = fit(recipe, (x, None))
    written = np.asarray(translate(task, run.params, x[0], start=0, steps=4, end=1))
    meant = np.arange(4) < lengths[:, None] + 1
    model = load_model(save_model(tmp_path / "turn.safetensors", run))
    assert_same_bits(translate(model.recipe.task, model.params, x[0], start=0, steps=4, end=1), written)
    assert run.history["loss"][-1] < 0.1 and (written == target[:, 1:])[meant].mean() > 0.95


def test_tokens_beyond_the_target_do_not_count():
    task, params, source, target = prepared()
    gradients = quick_jit(lambda x, y: task.gradients(params, Batch(x, y, jnp.ones(3)), None, "backprop"))
    y = jnp.where(jnp.arange(4) < jnp.array([4, 2, 3])[:, None], target, -1)
    padded = jnp.where(y < 0, 0, target)
    assert_close(gradients((source, target), y), gradients((source, jnp.where(jnp.arange(4) < 3, target, padded)), y), "float32")


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: models.seq2seq(9, 9, 64), TypeError, r"seq2seq: units must be a sequence of sizes, got 64\. Write \(64,\)"),
        (lambda: models.seq2seq(9, 9, (8,), cell="grut"), ValueError, r"seq2seq: no cell is called 'grut'\. Did you mean gru\?"),
        (lambda: models.seq2seq(0, 9, (8,)), ValueError, "Embedding: tokens must be a whole number >= 1, got 0"),
        (lambda: EncoderDecoder(GRU(3), "all"), ValueError, "EncoderDecoder: returns must be one of 'both', 'target', got 'all'"),
        (
            lambda: EncoderDecoder(GRU(3)).init(jax.random.key(0), jnp.ones((2, 5, 2))),
            TypeError,
            r"EncoderDecoder: x must be the two \(source, target\), got",
        ),
        (
            lambda: EncoderDecoder(GRU(3)).init(
                jax.random.key(0), (jnp.ones((2, 5, 2)), Sequences(jnp.ones((2, 5, 2)), None, jnp.ones((2, 3))))
            ),
            TypeError,
            "EncoderDecoder: the target must be without a state, for it begins with the source's, got one",
        ),
        (
            lambda: translate(NextToken(models.rnn((3,), 3, tokens=3)), (), words(2, 3), start=0, steps=2),
            TypeError,
            r"translate: task must be a NextToken with a model made as in seq2seq\(\.\.\.\), got one of Chain",
        ),
        (lambda: translate(*prepared()[:3], start=0, steps=0), ValueError, "translate: steps must be a whole number >= 1, got 0"),
    ],
)
def test_what_is_refused(make, error, match):
    with pytest.raises(error, match=match):
        make()
