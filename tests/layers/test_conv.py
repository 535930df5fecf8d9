"""Convolutions against SciPy, Flax and sums written out, at shapes, strides and paddings that hypothesis draws."""

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from scipy.signal import correlate

from jaxnn.layers import Conv, ConvTranspose
from tests.programs import quick_jit
from tests.tolerances import assert_close, draw, precision

few = settings(max_examples=12, deadline=None, derandomize=True)


def by_groups(convolve, x, kernel, groups):
    """Groups as convolutions side by side, each of its own channels."""
    parts = zip(jnp.split(x, groups, axis=-1), jnp.split(kernel, groups, axis=-1), strict=True)
    return jnp.concatenate([convolve(*part) for part in parts], axis=-1)


def scipys(x, kernel, stride, dilation, pads):
    """The same by ``scipy.signal.correlate``, channel by channel, every position computed and then some left out."""
    spatial = range(x.ndim - 2)
    padded = np.pad(np.asarray(x, np.float64), [(0, 0), *pads, (0, 0)])
    spread = np.zeros([(kernel.shape[axis] - 1) * dilation[axis] + 1 for axis in spatial] + list(kernel.shape[-2:]))
    spread[tuple(slice(None, None, dilation[axis]) for axis in spatial)] = kernel
    rows = [
        np.stack(
            [
                sum(correlate(row[..., channel], spread[..., channel, feature], "valid") for channel in range(x.shape[-1]))
                for feature in range(kernel.shape[-1])
            ],
            axis=-1,
        )
        for row in padded
    ]
    return np.stack(rows)[(slice(None), *(slice(None, None, stride[axis]) for axis in spatial))]


@st.composite
def convolutions(draw_from, kind):
    """A convolution, and an x that its window fits into."""
    rank = draw_from(st.integers(1, 2))
    axes = lambda low, high: st.tuples(*[st.integers(low, high)] * rank)  # noqa: E731
    window, stride, dilation = draw_from(axes(1, 3)), draw_from(axes(1, 3)), draw_from(axes(1, 2))
    padding = draw_from(st.sampled_from(["SAME", "VALID", 1, ((0, 2), (1, 0))[:rank]]))
    groups, inputs, features = (draw_from(st.integers(1, 2)) for _ in range(3))
    shape = (2, *draw_from(axes(5, 7)), groups * inputs)
    return kind(groups * features, window, stride, padding, dilation, groups), shape


def assert_backward_is_the_vjp(layer, params, x, reference):
    """Also: y is the reference's. Returns y."""
    dy = draw(jax.eval_shape(layer.apply, params, x).shape, "float64", seed=1)

    @quick_jit
    def both(params, x, dy):
        y, residuals = layer.forward(params, x)
        expected, pull = jax.vjp(reference, params, x)
        return (y, layer.backward(params, residuals, dy)), (expected, pull(dy))

    by_hand, by_jax = both(params, x, dy)
    assert_close(by_hand, by_jax)
    return by_hand[0]


@few
@given(convolutions(Conv))
def test_output_is_scipys_and_backward_the_vjp(case):
    layer, shape = case
    pads = layer.geometry(shape).pads

    def reference(params, x):
        """A plain sum over the positions of the window, for JAX to differentiate."""
        return by_groups(one_group, x, params["kernel"], layer.groups) + params["bias"]

    def one_group(x, kernel):
        padded, y = jnp.pad(x, ((0, 0), *pads, (0, 0))), 0.0
        over = list(zip(padded.shape[1:], layer.window, layer.dilation, layer.stride, strict=False))
        for position in np.ndindex(*layer.window):
            cuts = [slice(p * d, n - (k - 1 - p) * d, s) for p, (n, k, d, s) in zip(position, over, strict=True)]
            y += padded[(slice(None), *cuts)] @ kernel[position]
        return y

    with precision("float64"):
        x = draw(shape, "float64")
        params = layer.init(jax.random.key(0), x)
        y = assert_backward_is_the_vjp(layer, params, x, reference)
        kernel = np.asarray(params["kernel"])
        expected = by_groups(lambda x, w: scipys(x, w, layer.stride, layer.dilation, pads), np.asarray(x), kernel, layer.groups)
        assert_close(y, expected)


@few
@given(convolutions(ConvTranspose))
def test_transposed_convolution_is_jaxs(case):
    """With padding in numbers: the whole of it, of which as much is cut off."""
    layer, shape = case
    rank = len(layer.window)
    cut = ((layer.padding,) * 2,) * rank if layer.padding == 1 else layer.padding

    def one_group(x, kernel):
        if isinstance(cut, str):
            return lax.conv_transpose(x, kernel, layer.stride, cut, layer.dilation)
        whole = [((k - 1) * d,) * 2 for k, d in zip(layer.window, layer.dilation, strict=True)]
        y = lax.conv_transpose(x, kernel, layer.stride, whole, layer.dilation)
        return y[(slice(None), *(slice(before, m - after) for (before, after), m in zip(cut, y.shape[1:], strict=False)))]

    def reference(params, x):
        return by_groups(one_group, x, params["kernel"], layer.groups) + params["bias"]

    with precision("float64"):
        x = draw(shape, "float64")
        assert_backward_is_the_vjp(layer, layer.init(jax.random.key(0), x), x, reference)


def test_a_transposed_convolution_is_the_way_back_of_the_convolution_of_its_padding():
    """Of equal window, stride, padding and dilation, with the kernel turned round and its channels' axes changed: the cotangent of x."""
    options = {"window": (3, 2), "stride": (2, 1), "padding": ((1, 0), (2, 1)), "dilation": (1, 2)}
    there, back, x = Conv(4, **options), ConvTranspose(3, **options), draw((2, 6, 5, 3))
    params = there.init(jax.random.key(0), x)
    dy = draw(jax.eval_shape(there.apply, params, x).shape, seed=1)
    turned = {"kernel": jnp.flip(params["kernel"], (0, 1)).swapaxes(-1, -2), "bias": jnp.zeros(3)}
    assert_close(back.apply(turned, dy), there.backward(params, x, dy)[1], "float32")


def test_channels_of_different_groups_do_not_see_each_other():
    x, layer = draw((2, 5, 5, 4)), Conv(8, groups=4)
    params = layer.init(jax.random.key(0), x)
    theirs = flax.linen.Conv(8, (3, 3), feature_group_count=4)
    assert_close(layer.apply(params, x), theirs.apply({"params": params}, x), "float32")


def test_a_depthwise_convolution_is_one_for_each_channel():
    x, layer, one = draw((2, 5, 5, 3)), Conv(3, groups=3), Conv(1)
    params = layer.init(jax.random.key(0), x)
    alone = [
        one.apply(
            {"kernel": params["kernel"][..., channel : channel + 1], "bias": params["bias"][channel : channel + 1]},
            x[..., channel : channel + 1],
        )
        for channel in range(3)
    ]
    assert_close(layer.apply(params, x), np.concatenate(alone, axis=-1), "float32")


def test_a_member_axis_changes_nothing():
    """Stacked kernels become a convolution in groups inside of JAX; the numbers must be those of one after the other."""
    layer, x, dy = Conv(3), draw((2, 5, 5, 2)), draw((2, 5, 5, 3), seed=1)
    members = [layer.init(jax.random.key(seed), x) for seed in range(3)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)

    def cotangents(params):
        return layer.backward(params, layer.forward(params, x)[1], dy)

    together = quick_jit(jax.vmap(cotangents))(stacked)
    alone = [quick_jit(cotangents)(params) for params in members]
    assert_close(together, jax.tree.map(lambda *leaves: jnp.stack(leaves), *alone), "float32")


def test_what_does_not_fit_is_refused():
    key, images = jax.random.key(0), jnp.ones((2, 5, 5, 3))
    for layer, x, sentence in [
        (
            Conv(4),
            jnp.ones((2, 5, 5)),
            r"Conv: x must be of shape \(batch, height, width, channels\), got shape \(2, 5, 5\)\. .*x\[\.\.\., None\]",
        ),
        (Conv(4, (3,)), images, r"Conv: x must be of shape \(batch, time, channels\), got shape \(2, 5, 5, 3\)"),
        (Conv(4, groups=2), images, r"Conv: groups must be a divisor of the 3 channels of x, got 2"),
        (Conv(4, (7, 7), padding="VALID"), images, r"Conv: window must be within x of sizes \(5, 5\) and its padding, got"),
        (ConvTranspose(4, groups=2), images, r"ConvTranspose: groups must be a divisor of the 3 channels of x, got 2"),
        (
            ConvTranspose(4, padding=6),
            images,
            r"ConvTranspose: padding must be less than the \(11, 11\) numbers that it is cut off from, got 6",
        ),
        (ConvTranspose(4), jnp.ones((2, 5, 3)), r"ConvTranspose: x must be of shape \(batch, height, width, channels\)"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            layer.init(key, x)
    with pytest.raises(TypeError, match="Conv: x must be a floating-point array, got dtype uint8"):
        Conv(4).init(key, images.astype("uint8"))
    with pytest.raises(ValueError, match=r"Conv: x must be of 3 channels, as its parameters are, got shape \(2, 5, 5, 2\)"):
        Conv(4).apply(Conv(4).init(key, images), images[..., :2])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Conv(0), "Conv: features must be a whole number >= 1"),
        (lambda: Conv(4, 3), r"Conv: window must be a tuple of 1 to 3 whole numbers >= 1, got 3\. Write \(3, 3\)"),
        (lambda: Conv(4, stride=0), "Conv: stride must be a whole number >= 1, or 2 of them, got 0"),
        (lambda: Conv(4, dilation=(1, 2, 3)), r"Conv: dilation must be a whole number >= 1, or 2 of them, got \(1, 2, 3\)"),
        (lambda: Conv(4, padding="FULL"), "Conv: padding must be 'SAME', 'VALID', a whole number >= 0, or 2 pairs"),
        (lambda: Conv(4, groups=3), r"Conv: features must be a multiple of groups \(3\), got 4"),
        (lambda: ConvTranspose(4, padding=-1), "ConvTranspose: padding must be 'SAME', 'VALID', a whole number >= 0, or 2 pairs"),
        (lambda: ConvTranspose(4, groups=3), r"ConvTranspose: features must be a multiple of groups \(3\), got 4"),
    ],
)
def test_bad_arguments_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
