"""Seeds and keys: what stands for the same randomness, and what is refused wherever a key is asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import Adversarial, NextToken, Random, Variational, diagnostics, fit, fit_many, generate, hypergradient, sweep
from jaxnn.keys import key_data, typed_key
from jaxnn.layers import Chain, Dense, Embedding, VariationalAutoencoder
from jaxnn.typing import Batch
from tests.programs import quick_jit
from tests.samples import blobs, classification
from tests.tolerances import assert_same_bits, draw


def test_seeds_are_jaxs_keys():
    for seed in (0, 7, 2**32 - 1):
        assert key_data(seed).tolist() == jax.random.key_data(jax.random.key(seed)).tolist()
        assert key_data(np.int64(seed)).tolist() == key_data(jax.random.PRNGKey(seed)).tolist() == key_data(seed).tolist()


@pytest.mark.parametrize("same", [7, np.int64(7), jax.random.PRNGKey, jax.random.key])
def test_keys_of_jax_are_made_of_all_that_stand_for_them(same):
    key = typed_key(same(7) if callable(same) else same, "sample")
    assert key == jax.random.key(7) and key.dtype == jax.random.key(0).dtype


def test_what_is_traced_and_keys_of_other_generators_pass():
    assert quick_jit(lambda key: jax.random.key_data(typed_key(key, "sample")))(jax.random.key(3)).tolist() == [0, 3]
    other = jax.random.key(3, impl="rbg")
    assert typed_key(other, "sample") is other


def drawn_by(task, key, x):
    params = quick_jit(task.init)(jax.random.key(0), Batch(x, None, jnp.ones(len(x))))
    if isinstance(task, NextToken):
        return generate(task, params, x, steps=5, key=key)
    return task.sample(params, key, 3)


TASKS = {
    "generate": (NextToken(Chain((Embedding(4, 3), Dense(4)))), jnp.array([[1, 2], [3, 0]])),
    "sample of a variational autoencoder": (Variational(VariationalAutoencoder(Dense(4), Dense(3), latent=2)), draw((2, 3))),
    "sample of an adversarial pair": (Adversarial(Dense(2), Dense(1), latent=3), draw((2, 2))),
}
every_drawing = pytest.mark.parametrize("name", TASKS)


@every_drawing
def test_a_seed_draws_what_its_key_draws(name):
    task, x = TASKS[name]
    wanted = drawn_by(task, jax.random.key(4), x)
    assert_same_bits(drawn_by(task, 4, x), wanted)
    assert_same_bits(drawn_by(task, np.int64(4), x), wanted)
    assert not np.array_equal(drawn_by(task, 5, x), wanted)


@every_drawing
@pytest.mark.parametrize("key", ["0", 0.5, True, None, jax.random.PRNGKey(0)[:1]], ids=str)
def test_what_is_no_key_is_refused_as_fit_does(name, key):
    task, x = TASKS[name]
    match = f"{name.split()[0]}: key must be a whole number or one JAX random key .*Write key=0 or key=jax.random.key"
    with pytest.raises(TypeError, match=match):
        drawn_by(task, key, x)


@pytest.mark.parametrize(
    ("where", "run"),
    [
        ("fit", lambda key: fit(classification(), blobs(), key=key)),
        ("fit_many", lambda key: fit_many([classification()], blobs(), key=key)),
        ("sweep", lambda key: sweep(lambda: classification(), {}, blobs(), search=Random(1), key=key)),
        ("hypergradient", lambda key: hypergradient(classification(), blobs(), key=key, validation=0.25)),
        ("range_test", lambda key: diagnostics.range_test(classification(), blobs(), key=key)),
        ("first_not_finite", lambda key: diagnostics.first_not_finite(classification(), blobs(), key=key)),
    ],
)
def test_whoever_asks_for_a_key_says_so(where, run):
    with pytest.raises(TypeError, match=f"^{where}: key must be a whole number or one JAX random key"):
        run("0")
