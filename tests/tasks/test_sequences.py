"""Next token: what is seen, wanted and counted, by a Python loop and optax; generation token by token; what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import NextToken, Recipe, fit, generate, models, optimizer
from jaxnn.layers import GRU, Chain, Dense, Embedding, Recurrent, Timewise
from jaxnn.typing import Batch, Sequences
from tests.programs import quick_jit
from tests.tolerances import assert_close, assert_same_bits, precision

TOKENS, ROWS, TIME = 4, 5, 6

both_engines = pytest.mark.parametrize("engine", ["autodiff", "backprop"])


def pairs(tokens=TOKENS):
    """Looks at one token only."""
    return NextToken(Timewise(Chain((Embedding(tokens, 3), Dense(tokens)))))


def recurrent():
    return NextToken(Chain((Embedding(TOKENS, 3), Recurrent(GRU(3), returns="all"), Dense(TOKENS))))


def drawn(*shape, low=0):
    return jnp.asarray(np.random.default_rng(1).integers(low, TOKENS, shape), jnp.int32)


def init(task, batch):
    return quick_jit(task.init)(jax.random.key(0), batch)


def counted_by_hand(task, params, batch):
    """(mean loss, accuracy, how much all tokens count) by a loop over rows and steps."""
    values, lengths = (batch.x.values, batch.x.lengths) if isinstance(batch.x, Sequences) else (batch.x, [TIME] * ROWS)
    logits = np.asarray(task.model.apply(params, values))
    sums = np.zeros(3)
    for row in range(ROWS):
        for at in range(TIME):
            beyond = at >= int(lengths[row]) - (batch.y is None)
            wanted = -1 if beyond else int(values[row, at + 1] if batch.y is None else batch.y[row, at])
            if wanted >= 0:
                loss = optax.softmax_cross_entropy_with_integer_labels(logits[row, at], np.int32(wanted))
                sums += float(batch.weight[row]) * np.array([loss, logits[row, at].argmax() == wanted, 1.0])
    return sums[0] / sums[2], sums[1] / sums[2], sums[2]


LENGTHS = jnp.array([6, 1, 4, 2, 6])

BATCHES = {
    "one step on": (drawn(ROWS, TIME), None),
    "one step on, within lengths": (Sequences(drawn(ROWS, TIME), LENGTHS), None),
    "targets": (drawn(ROWS, TIME), drawn(ROWS, TIME, low=-1)),
    "targets within lengths": (Sequences(drawn(ROWS, TIME), LENGTHS), drawn(ROWS, TIME, low=-1)),
    "all of them": (Sequences(drawn(ROWS, TIME)), None),
}


@both_engines
@pytest.mark.parametrize(("x", "y"), BATCHES.values(), ids=BATCHES.keys())
def test_means_are_over_the_tokens_that_count(x, y, engine):
    with precision("float64"):
        task, weight = pairs(), jnp.linspace(0.5, 2, ROWS)
        x = x._replace(lengths=LENGTHS) if isinstance(x, Sequences) and x.lengths is not None else x
        batch = Batch(x, y, weight)
        params = init(task, batch)
        lengths = x.lengths if isinstance(x, Sequences) and x.lengths is not None else [TIME] * ROWS
        loss, accuracy, total = counted_by_hand(task, params, batch._replace(x=Sequences(getattr(x, "values", x), lengths)))
        metrics, _ = quick_jit(task.gradients, static_argnums=(2, 3))(params, batch, None, engine)
        assert_close(metrics, {"loss": loss})
        assert_close(quick_jit(task.evaluate)(params, batch), {"loss": loss, "accuracy": accuracy})
        assert float(task.total(batch)) == pytest.approx(total, rel=1e-14)


@both_engines
def test_a_batch_in_which_no_token_counts_moves_nothing(engine):
    task, batch = pairs(), Batch(drawn(ROWS, TIME), jnp.full((ROWS, TIME), -1), jnp.ones(ROWS))
    params = init(task, batch)
    metrics, gradients = quick_jit(task.gradients, static_argnums=(2, 3))(params, batch, None, engine)
    assert float(metrics["loss"]) == float(task.total(batch)) == 0
    assert not any(leaf.any() for leaf in jax.tree.leaves(gradients))


@both_engines
def test_what_stands_beyond_an_end_may_be_anything(engine):
    task, lengths = pairs(), jnp.array([3, 1])
    good = Batch(Sequences(jnp.array([[1, 2, 3, 0], [2, 0, 0, 0]]), lengths), None, jnp.ones(2))
    bad = good._replace(x=good.x._replace(values=jnp.array([[1, 2, 3, 77], [2, 77, -5, 9]])))  # NaN to an Embedding
    params = init(task, good)
    step = quick_jit(lambda batch: (task.gradients(params, batch, None, engine)[0], task.evaluate(params, batch)))
    assert_close(step(bad), step(good), "float32")


def test_an_epoch_counts_each_token_once():
    x, y = drawn(ROWS, TIME), drawn(ROWS, TIME, low=-1)
    run = fit(Recipe(pairs(), optimizer(optax.sgd, learning_rate=0.0), epochs=1, batch_size=2), (x, y))
    assert float(run.history["loss"][0]) == pytest.approx(run.evaluate(x, y)["loss"], rel=1e-5)


def test_predictions_are_distributions_over_tokens():
    task, x = recurrent(), drawn(ROWS, TIME)
    params = init(task, Batch(x, None, jnp.ones(ROWS)))
    predictions = quick_jit(task.predict)(params, x)
    assert predictions.shape == (ROWS, TIME, TOKENS)
    assert np.allclose(predictions.sum(axis=-1), 1, atol=1e-5)
    assert_close(predictions[:, :3], quick_jit(task.predict)(params, x[:, :3]), "float32")


def test_generation_appends_tokens_one_after_the_other():
    task, prompt, key = recurrent(), drawn(2, 3), jax.random.key(4)
    params = init(task, Batch(prompt, None, jnp.ones(2)))
    run = quick_jit(lambda temperature: generate(task, params, prompt, steps=4, key=key, temperature=temperature))
    for temperature in (0.0, 0.7):
        tokens = np.asarray(prompt)
        for step_key in jax.random.split(key, 4):
            logits = task.model.apply(params, jnp.asarray(tokens))[:, -1]
            noise = jax.random.gumbel(step_key, logits.shape)
            tokens = np.concatenate([tokens, np.argmax(logits + temperature * noise, axis=-1)[:, None]], axis=1)
        got = run(temperature)
        assert got.dtype == prompt.dtype
        assert got.tolist() == tokens.tolist()
        if temperature == 0:
            assert_same_bits(generate(task, params, prompt, steps=4, key=jax.random.key(9), temperature=0), got)


def test_a_source_is_seen_and_the_target_goes_on():
    task, source, target = NextToken(models.seq2seq(TOKENS, TOKENS, (3,), embedding=2)), drawn(ROWS, 5), drawn(ROWS, TIME)
    batch = Batch((source, target), None, jnp.ones(ROWS))
    params = init(task, batch)
    logits = quick_jit(task.model.apply)(params, (source, target[:, :-1]))
    wanted = optax.softmax_cross_entropy_with_integer_labels(logits, target[:, 1:]).mean()
    assert float(quick_jit(task.evaluate)(params, batch)["loss"]) == pytest.approx(float(wanted), rel=1e-5)
    written = quick_jit(lambda: generate(task, params, (source, target[:, :1]), steps=2, key=jax.random.key(0), temperature=0.0))()
    first = quick_jit(task.model.apply)(params, (source, written[:, :2]))
    assert np.argmax(first, axis=-1).tolist() == written[:, 1:].tolist()


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_generated_tokens_follow_the_models_distribution(temperature):
    task, prompt = pairs(), jnp.full((4000, 1), 2, jnp.int32)
    params = init(task, Batch(drawn(2, 3), None, jnp.ones(2)))
    drawn_tokens = quick_jit(lambda: generate(task, params, prompt, steps=1, key=jax.random.key(0), temperature=temperature))()[:, 1]
    wanted = jax.nn.softmax(task.model.apply(params, jnp.array([[2]]))[0, 0] / temperature)
    assert np.bincount(drawn_tokens, minlength=TOKENS) / 4000 == pytest.approx(np.asarray(wanted), abs=0.03)


def test_a_rhyme_is_learned_and_recited():
    rhyme = np.array([[(start + at) % 3 for at in range(8)] for start in range(3)])
    run = fit(Recipe(pairs(3), optimizer(optax.adam, learning_rate=0.1), epochs=40, batch_size=3), (rhyme, None))
    assert run.evaluate(rhyme, None)["accuracy"] == 1
    recited = generate(run.recipe.task, run.params, jnp.array([[1]]), steps=7, key=jax.random.key(0), temperature=0)
    assert recited.tolist() == [[1, 2, 0, 1, 2, 0, 1, 2]]


X = np.asarray(drawn(4, TIME))


@pytest.mark.parametrize(
    ("task", "data", "error", "match"),
    [
        (
            pairs(),
            (X.astype(np.float32), None),
            TypeError,
            r"NextToken: x must be whole numbers, got dtype float32\. Number the tokens from 0",
        ),
        (pairs(), (X[:, :1], None), ValueError, r"NextToken: x must be of shape \(rows, time >= 2\), got shape \(1, 1\)"),
        (pairs(), (X, X[:, 1:]), ValueError, r"NextToken: y must be of the shape of x, \(1, 6\), or None, got shape \(1, 5\)"),
        (pairs(), (X, X + 1), ValueError, r"NextToken: y must be of shape \(rows, 6\), whole numbers from -1, .* to 3, got 1 to 4"),
        (pairs(), (X, X - 2), ValueError, r"NextToken: y must be of shape \(rows, 6\), whole numbers from -1, .* to 3, got -2 to 1"),
        (pairs(), (X, X.astype(np.float32)), ValueError, r"NextToken: y must be of shape .*, got float32 of shape \(4, 6\)"),
        (pairs(), (X, 0 * X - 1), ValueError, r"NextToken: y must be a token that counts at least, got -1 everywhere"),
        (
            NextToken(Chain((Embedding(4, 3), Recurrent(GRU(3)), Dense(4)))),
            (X, None),
            ValueError,
            r"NextToken: the model's output must be of shape \(batch, time, tokens >= 2\), .*, got shape \(1, 4\)\. Let it",
        ),
    ],
)
def test_mistakes(task, data, error, match):
    with pytest.raises(error, match=match):
        fit(Recipe(task, optimizer(optax.sgd, learning_rate=0.1)), data)


@pytest.mark.parametrize(
    ("prompt", "options", "error", "match"),
    [
        (X, {"steps": 0}, ValueError, "generate: steps must be a whole number >= 1, got 0"),
        (X, {"temperature": -1.0}, ValueError, "generate: temperature must be >= 0, got -1"),
        (X[0], {}, ValueError, r"generate: prompt must be of shape \(rows, time >= 1\), got shape \(6,\)"),
        (X[:, :0], {}, ValueError, r"generate: prompt must be of shape \(rows, time >= 1\), got shape \(4, 0\)"),
        (X.astype(np.float32), {}, TypeError, "generate: prompt must be an array of whole numbers, got float32"),
        ("once", {}, TypeError, "generate: prompt must be an array of whole numbers, got str"),
    ],
)
def test_prompts_that_can_not_be_gone_on_from(prompt, options, error, match):
    with pytest.raises(error, match=match):
        generate(pairs(), (), prompt, **({"steps": 1, "key": jax.random.key(0)} | options))


@pytest.mark.parametrize(("token", "got"), [(TOKENS, f"0 to {TOKENS}"), (-1, f"-1 to {TOKENS - 1}")])
def test_tokens_that_are_targets_too_must_have_an_output_each(token, got):
    recipe = Recipe(recurrent(), optimizer(optax.sgd, learning_rate=0.1), epochs=1)
    x = np.arange(ROWS * TIME, dtype=np.int32).reshape(ROWS, TIME) % TOKENS
    x[2, -1] = token
    with pytest.raises(ValueError, match=rf"NextToken: x must be whole numbers from 0 to {TOKENS - 1}, .* got {got}"):
        fit(recipe, (x, None))
    in_time = NextToken(Chain((Timewise(Embedding(TOKENS, 3)), Recurrent(GRU(3), returns="all"), Timewise(Dense(TOKENS)))))
    lengths = np.full(ROWS, TIME - 1, np.int32)  # what rows are filled up with is no token
    assert fit(recipe.replace(task=in_time), (Sequences(np.maximum(x, 0) % (TOKENS + 1), lengths), None)).outcome == "finished"


def test_a_prompt_of_narrow_numbers_is_gone_on_from_in_wide_ones():
    task = pairs(300)
    params = init(task, Batch(drawn(ROWS, TIME), None, jnp.ones(ROWS)))
    going_on = generate(task, params, np.zeros((1, 1), np.uint8), steps=3, key=jax.random.key(0))
    assert going_on.dtype == jnp.int32 and going_on.shape == (1, 4)
