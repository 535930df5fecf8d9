"""Ways round: a linear part that needs no hidden layer, errors that reach the first of many blocks, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import models
from jaxnn.layers import Chain, Dense, Identity, LayerNorm, Residual, Tanh
from tests.programs import quick_jit
from tests.tolerances import assert_close, draw, precision


def test_the_wide_way_and_the_deep_one_are_added():
    with precision("float64"):
        model, x = models.wide_deep((3,), 2, activation="tanh"), draw((5, 4), "float64")
        params = quick_jit(model.init)(jax.random.key(0), x)
        (_, (hidden, _)), last = params[0], params[-1]
        deep = jnp.tanh(x @ hidden["kernel"] + hidden["bias"])
        assert_close(model.apply(params, x), x @ last["kernel"][:4] + deep @ last["kernel"][4:] + last["bias"])
        assert isinstance(model.layers[0].layers[0], Identity)


def test_the_residual_network_is_its_blocks_one_after_the_other():
    with precision("float64"):
        model, x = models.residual_mlp(3, 4, 2, activation="tanh"), draw((5, 4), "float64")
        params = quick_jit(model.init)(jax.random.key(0), x)
        block = Residual(Chain((LayerNorm(), Dense(3), Tanh(), Dense(3))))
        y = x @ params[0]["kernel"] + params[0]["bias"]
        for number in range(4):
            y = block.apply(jax.tree.map(lambda leaf, number=number: leaf[number], params[1]), y)
        y = LayerNorm().apply(params[2], y) @ params[3]["kernel"] + params[3]["bias"]
        assert_close(model.apply(params, x), y)


def test_errors_reach_the_first_layer_of_a_deep_residual_network_and_not_of_a_plain_one():
    def reached(model):
        x = draw((16, 4))
        params = quick_jit(model.init)(jax.random.key(0), x)
        slopes = quick_jit(jax.grad(lambda params: jnp.square(model.apply(params, x)).mean()))(params)
        return float(np.linalg.norm(slopes[0]["kernel"]) / np.linalg.norm(slopes[-1]["kernel"]))

    assert reached(models.mlp((8,) * 30, 1, activation="sigmoid")) < 1e-6
    assert reached(models.residual_mlp(8, 30, 1, activation="sigmoid")) > 1e-2


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: models.wide_deep((), 1), ValueError, r"wide_deep: hidden must be a sequence of at least one width, got \(\)"),
        (lambda: models.wide_deep(8, 1), TypeError, r"wide_deep: hidden must be a sequence of widths, got 8\. Write \(8,\)"),
        (lambda: models.residual_mlp(0, 2, 1), ValueError, "residual_mlp: width must be a whole number >= 1, got 0"),
        (lambda: models.residual_mlp(8, 0, 1), ValueError, "residual_mlp: depth must be a whole number >= 1, got 0"),
    ],
)
def test_mistakes(make, error, match):
    with pytest.raises(error, match=match):
        make()
