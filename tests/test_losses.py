"""Losses against optax, SciPy and scikit-learn, their gradients against JAX's, at the ends of the scale, and what is refused."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.stats
from jax.test_util import check_grads
from sklearn.metrics import hinge_loss, log_loss, mean_absolute_error, mean_squared_error

from jaxnn import losses
from jaxnn.losses import AbsoluteError, BinaryCrossEntropy, Hinge, Huber, KLDivergence, SoftmaxCrossEntropy, SquaredError
from tests.catalogue_of_tasks import LOSSES, shares
from tests.programs import quick_jit
from tests.tolerances import DTYPES, assert_close, assert_finite, assert_same_bits, draw, precision

ROWS = 7

every_loss = pytest.mark.parametrize("example", LOSSES.values(), ids=LOSSES.keys())


def prepared(example, dtype, scale=1.0):
    targets = example.targets(np.random.default_rng(0), ROWS)
    y = jnp.asarray(targets, dtype if targets.dtype.kind == "f" else jnp.int32)
    return example.make(), scale * draw((ROWS, *example.shape), dtype, seed=1), y


@functools.cache
def all_of(loss):
    """Value, gradient by hand and gradient by JAX, in one program."""
    return quick_jit(
        lambda outputs, y: (loss.value(outputs, y), loss.gradient(outputs, y), jax.grad(lambda o: loss.value(o, y).sum())(outputs))
    )


@every_loss
@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_is_jaxs(example, dtype):
    with precision(dtype):
        loss, outputs, y = prepared(example, dtype)

        value, by_hand, by_jax = all_of(loss)(outputs, y)
        assert by_hand.dtype == value.dtype == outputs.dtype and value.shape == (ROWS,)
        assert_close(by_hand, by_jax, dtype)


@every_loss
def test_finite_at_the_ends_of_the_scale(example):
    for sign in (1, -1):
        loss, outputs, y = prepared(example, "float32")
        outputs = jnp.full_like(outputs, sign * 1e4).at[:, -1].multiply(-1)  # one unit against all others, right and wrong
        value, by_hand, by_jax = all_of(loss)(outputs, y)
        assert_finite((value, by_hand, by_jax))
        assert_close(by_hand, by_jax, "float32")


@every_loss
def test_examples_do_not_know_of_each_other(example):
    loss, outputs, y = prepared(example, "float32")
    alone = np.concatenate([all_of(loss)(outputs[row : row + 1], y[row : row + 1])[0] for row in range(ROWS)])
    assert_close(alone, all_of(loss)(outputs, y)[0], "float32")


@every_loss
def test_gradients_of_gradients_by_hand_are_jaxs(example):
    """Hypergradients and penalties on gradients go through the rules by hand."""
    with precision("float64"):
        loss, outputs, y = prepared(example, "float64")
        check_grads(jax.jit(lambda o: loss.gradient(o, y)), (outputs,), 1, modes=["fwd", "rev"])
        by_rule = quick_jit(jax.grad(lambda loss: loss.gradient(outputs, y)[..., 0].sum()))(loss)
        by_jax = quick_jit(jax.grad(lambda loss: jax.grad(lambda o: loss.value(o, y).sum())(outputs)[..., 0].sum()))(loss)
        assert_close(by_rule, by_jax)


@pytest.mark.parametrize("loss", [AbsoluteError(), Huber(0.7), SquaredError(), BinaryCrossEntropy()], ids=repr)
def test_more_axes_are_more_numbers_of_a_row(loss):
    with precision("float64"):
        outputs, y = draw((ROWS, 3, 2, 2), "float64"), jax.nn.sigmoid(draw((ROWS, 3, 2, 2), "float64", seed=1))
        flat = outputs.reshape(ROWS, -1), y.reshape(ROWS, -1)
        assert_close(loss.value(outputs, y), loss.value(*flat))
        assert_close(loss.gradient(outputs, y), loss.gradient(*flat).reshape(outputs.shape))
        alone = [loss.value(outputs[..., a, b, c, None], y[..., a, b, c]) for a in range(3) for b in range(2) for c in range(2)]
        assert_close(loss.value(outputs, y), np.mean(alone, axis=0))


def test_squared_error_is_scikit_learns():
    with precision("float64"):
        outputs, y = draw((ROWS, 3), "float64"), draw((ROWS, 3), "float64", seed=1)
        assert float(SquaredError().value(outputs, y).mean()) == pytest.approx(mean_squared_error(y, outputs), rel=1e-14)
        assert_close(SquaredError().value(outputs[:, :1], y[:, 0]), optax.losses.squared_error(outputs[:, 0], y[:, 0]))


def test_binary_cross_entropy_is_optaxs_and_scikit_learns():
    with precision("float64"):
        outputs, y = draw((ROWS, 1), "float64"), jnp.arange(ROWS) % 2
        value = BinaryCrossEntropy().value(outputs, y)
        assert_close(value, optax.losses.sigmoid_binary_cross_entropy(outputs[:, 0], y.astype("float64")))
        assert float(value.mean()) == pytest.approx(log_loss(y, jax.nn.sigmoid(outputs[:, 0])), rel=1e-13)


def test_softmax_cross_entropy_is_optaxs_and_scikit_learns():
    with precision("float64"):
        outputs, y = draw((ROWS, 4), "float64"), jnp.arange(ROWS) % 4
        value = SoftmaxCrossEntropy().value(outputs, y)
        assert_close(value, optax.losses.softmax_cross_entropy_with_integer_labels(outputs, y))
        assert float(value.mean()) == pytest.approx(log_loss(y, jax.nn.softmax(outputs)), rel=1e-13)


def test_absolute_error_is_scikit_learns():
    with precision("float64"):
        outputs, y = draw((ROWS, 3), "float64"), draw((ROWS, 3), "float64", seed=1)
        assert float(AbsoluteError().value(outputs, y).mean()) == pytest.approx(mean_absolute_error(y, outputs), rel=1e-14)


@pytest.mark.parametrize("delta", [0.1, 1.0, 30.0])
def test_huber_is_optaxs(delta):
    with precision("float64"):
        outputs, y = draw((ROWS, 3), "float64"), 10 * draw((ROWS, 3), "float64", seed=1)
        assert_close(Huber(delta).value(outputs, y), optax.losses.huber_loss(outputs, y, delta=delta).mean(axis=-1))


def test_huber_is_half_the_squared_error_near_and_delta_times_the_absolute_far():
    outputs, y = draw((ROWS, 3)), draw((ROWS, 3), seed=1)
    assert_close(2 * Huber(1e3).value(outputs, y), SquaredError().value(outputs, y), "float32")
    assert_close(Huber(1e-6).value(outputs, y) / 1e-6, AbsoluteError().value(outputs, y), "float32")


@pytest.mark.parametrize("units", [1, 3, 5])
def test_hinge_is_scikit_learns(units):
    with precision("float64"):
        outputs, y = 2 * draw((60, units), "float64"), jnp.arange(60) % max(units, 2)
        value = Hinge().value(outputs, y)
        assert float(value.mean()) == pytest.approx(hinge_loss(y, outputs[:, 0] if units == 1 else outputs), rel=1e-14)
        assert 0 < int((value == 0).sum()) < 60


def test_absolute_error_of_a_hit_has_no_gradient():
    y = jnp.array([1.0, -2.0])
    value, by_hand, by_jax = all_of(AbsoluteError())(y[:, None], y)
    assert not value.any() and not by_hand.any() and not by_jax.any()


def test_hinge_of_equal_rivals_shares_the_blame():
    outputs, y = jnp.array([[0.0, 2.0, 2.0], [5.0, 2.0, 2.0]]), jnp.array([0, 0])
    assert Hinge().gradient(outputs, y).tolist() == [[-1, 0.5, 0.5], [0, 0, 0]]


def test_kl_divergence_is_scipys_and_optaxs():
    with precision("float64"):
        outputs, y = 3 * draw((ROWS, 4), "float64"), jnp.asarray(shares(4)(np.random.default_rng(0), ROWS))
        value = KLDivergence().value(outputs, y)
        assert_close(value, scipy.stats.entropy(y, jax.nn.softmax(outputs), axis=1))
        assert_close(value, optax.losses.kl_divergence(jax.nn.log_softmax(outputs), y))
        assert np.allclose(KLDivergence().value(jnp.log(jax.nn.softmax(outputs)) + 7, jax.nn.softmax(outputs)), 0, atol=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_label_smoothing_is_optaxs(smoothing):
    with precision("float64"):
        outputs, y = draw((ROWS, 4), "float64"), jnp.arange(ROWS) % 4
        smooth = optax.losses.smooth_labels(jax.nn.one_hot(y, 4, dtype="float64"), smoothing)
        wanted = optax.losses.softmax_cross_entropy(outputs, smooth)
        assert_close(SoftmaxCrossEntropy(label_smoothing=smoothing).value(outputs, y), wanted)
        two = jnp.stack([jnp.zeros(ROWS), outputs[:, 0]], axis=1)  # the log odds of class 1 are softmax's outputs beside 0
        assert_close(
            BinaryCrossEntropy(smoothing).value(outputs[:, :1], y % 2), SoftmaxCrossEntropy(label_smoothing=smoothing).value(two, y % 2)
        )


@pytest.mark.parametrize("loss", [BinaryCrossEntropy, SoftmaxCrossEntropy])
def test_no_label_smoothing_costs_nothing(loss):
    outputs, y = jax.ShapeDtypeStruct((ROWS, 1 if loss is BinaryCrossEntropy else 4), jnp.float32), jax.ShapeDtypeStruct((ROWS,), jnp.int32)

    def operations(loss):
        return sum(len(jax.make_jaxpr(rule)(outputs, y).eqns) for rule in (loss.value, loss.gradient))

    assert operations(loss()) < operations(loss(label_smoothing=0.0))
    assert not jax.tree.leaves(loss()) and jax.tree.structure(loss()) != jax.tree.structure(loss(0.0))


def test_steps_of_a_sequence_are_examples_too():
    outputs, y = draw((ROWS, 5, 4)), jnp.arange(ROWS * 5).reshape(ROWS, 5) % 4
    loss, flat = SoftmaxCrossEntropy(), (outputs.reshape(-1, 4), y.reshape(-1))
    assert_same_bits(loss.value(outputs, y), loss.value(*flat).reshape(ROWS, 5))
    assert_same_bits(loss.gradient(outputs, y), loss.gradient(*flat).reshape(outputs.shape))


def test_hinge_of_steps_is_that_of_rows():
    outputs, y = draw((2, 4, 4)), jnp.arange(8).reshape(2, 4) % 4
    flat = Hinge().gradient(outputs.reshape(8, 4), y.reshape(8))
    assert_same_bits(Hinge().gradient(outputs, y), flat.reshape(outputs.shape))


@pytest.mark.parametrize("loss", [AbsoluteError(), Huber(), SquaredError(), KLDivergence()], ids=repr)
def test_the_dtype_is_that_of_the_outputs_whatever_that_of_the_truth(loss):
    outputs, y = jnp.ones((2, 3), "bfloat16"), jnp.ones((2, 3), "float32")
    with jax.numpy_dtype_promotion("strict"):
        assert loss.value(outputs, y).dtype == loss.gradient(outputs, y).dtype == "bfloat16"


def test_exact_values_far_out():
    assert BinaryCrossEntropy().value(jnp.array([[1e4], [-1e4], [1e4]]), jnp.array([0, 1, 1])).tolist() == [1e4, 1e4, 0.0]
    assert SoftmaxCrossEntropy().value(jnp.array([[1e4, -1e4]] * 2), jnp.array([0, 1])).tolist() == [0.0, 2e4]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint32"])
def test_classes_of_any_whole_dtype_are_the_same_classes(dtype):
    outputs, y = draw((3, 300)), jnp.array([0, 44, 100])  # 300 units are more than eight bits can number

    @quick_jit
    def both(y):
        return SoftmaxCrossEntropy().value(outputs, y), SoftmaxCrossEntropy().gradient(outputs, y)

    assert_same_bits(both(y.astype(dtype)), both(y))


FLOATS, WHOLE = jnp.ones(2), jnp.ones(2, jnp.int32)
REFUSED = {
    "SquaredError of another shape": (
        SquaredError(),
        (2, 3),
        FLOATS,
        r"SquaredError: y must be of shape \(2, 3\), as the outputs are, got",
    ),
    "SquaredError, transposed": (SquaredError(), (2, 3), jnp.ones((3, 2)), r"SquaredError: y must be .*, got shape \(3, 2\)"),
    "AbsoluteError of classes": (
        AbsoluteError(),
        (2, 1),
        WHOLE,
        "AbsoluteError: y must be floating point, got int32. Where y numbers classes",
    ),
    "Huber of classes": (Huber(), (2, 1), WHOLE, "Huber: y must be floating point"),
    "BinaryCrossEntropy of more outputs": (BinaryCrossEntropy(), (2, 3), WHOLE, r"BinaryCrossEntropy: y must be of shape \(2, 3\)"),
    "SoftmaxCrossEntropy of one output": (
        SoftmaxCrossEntropy(),
        (2, 1),
        WHOLE,
        r"SoftmaxCrossEntropy: y must be .* \(batch, classes >= 2\)",
    ),
    "SoftmaxCrossEntropy of numbers": (
        SoftmaxCrossEntropy(),
        (2, 3),
        FLOATS,
        "SoftmaxCrossEntropy: y must be whole numbers, the classes, got",
    ),
    "SoftmaxCrossEntropy of codes": (SoftmaxCrossEntropy(), (2, 3), jnp.ones((2, 3)), "SoftmaxCrossEntropy: y must be of shape"),
    "Hinge of numbers": (Hinge(), (2, 1), FLOATS, "Hinge: y must be whole numbers, the classes, got float32"),
    "Hinge of rows of rows": (Hinge(), (2, 3, 4), WHOLE, r"Hinge: y must be of shape \(batch,\) beside outputs"),
    "KLDivergence of classes": (KLDivergence(), (2, 3), WHOLE, r"KLDivergence: y must be of shape \(batch, classes\)"),
    "KLDivergence of counts": (KLDivergence(), (2, 3), jnp.ones((2, 3), jnp.int32), "KLDivergence: y must be floating point"),
}


@pytest.mark.parametrize(("loss", "shape", "y", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_targets_that_do_not_fit_the_outputs_are_refused(loss, shape, y, match):
    for rule in (loss.value, loss.gradient):
        with pytest.raises((TypeError, ValueError), match=match):
            jax.eval_shape(rule, jax.ShapeDtypeStruct(shape, jnp.float32), y)


def test_every_loss_is_tested_for_what_it_refuses():
    assert {type(loss).__name__ for loss, *_ in REFUSED.values()} == set(losses.__all__) - {"Loss"}
