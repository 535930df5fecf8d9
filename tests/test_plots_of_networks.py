"""Images, filters, maps and norms: the drawn numbers themselves, not pixels."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxnn.layers import Chain, Dense, Layer, ReLU, Tanh
from jaxnn.plots import attention_map, feature_maps, filters, gradient_norms, image_grid, reconstructions
from jaxnn.records import static
from tests.programs import quick_jit
from tests.tolerances import draw


class Correlation(Layer):
    """A convolution as a user might write it."""

    features: int = static()

    def init(self, key: Any, x: Any) -> Any:
        return {"kernel": jax.random.normal(key, (3, 3, x.shape[-1], self.features), x.dtype)}

    def forward(self, params: Any, x: Any, key: Any = None) -> tuple[Any, Any]:
        y = jax.lax.conv_general_dilated(x, params["kernel"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return y, x

    def backward(self, params: Any, residuals: Any, dy: Any) -> tuple[Any, Any]:
        raise NotImplementedError


NETWORK = Chain((Correlation(5), ReLU(), Chain((Correlation(9), Tanh()))))
IMAGES = np.arange(5 * 4 * 3, dtype="float32").reshape(5, 4, 3)


@pytest.fixture
def axes() -> Axes:
    return Figure().subplots()


def drawn(axes: Axes) -> np.ndarray:
    (image,) = axes.get_images()
    return np.ma.filled(np.ma.asarray(image.get_array(), float), np.nan)


def test_image_grid_puts_images_row_by_row_with_nothing_between(axes: Axes) -> None:
    image_grid(axes, IMAGES, columns=3)
    canvas = drawn(axes)
    assert canvas.shape == (2 * 4 + 1, 3 * 3 + 2)
    np.testing.assert_array_equal(canvas[:4, 8:], IMAGES[2])
    np.testing.assert_array_equal(canvas[5:, 4:7], IMAGES[4])
    assert np.isnan(canvas[4]).all() and np.isnan(canvas[:, 3]).all() and np.isnan(canvas[5:, 8:]).all()
    assert axes.get_images()[0].get_clim() == (0, 59)
    assert not len(axes.get_xticks()) and not axes.spines["left"].get_visible()


def test_image_grid_writes_titles_above_their_images(axes: Axes) -> None:
    image_grid(axes, IMAGES[..., None], titles=np.arange(5) + 10, columns=2)
    assert [text.get_text() for text in axes.texts] == ["10", "11", "12", "13", "14"]
    canvas = drawn(axes)
    across, up = axes.texts[3].get_position()
    assert not np.isnan(canvas[round(up) + 1, round(across)]) and np.isnan(canvas[round(up), round(across)])
    assert canvas[round(up) + 1, round(across)] == IMAGES[3, 0, 1]


@pytest.mark.parametrize(("images", "limits"), [(1.0, None), (255, None), (1.0, (-1, 1))], ids=["floats", "bytes", "limits"])
def test_image_grid_in_colour(axes: Axes, images: Any, limits: Any) -> None:
    image_grid(axes, np.full((2, 3, 3, 3), images), limits=limits)
    canvas = drawn(axes)
    assert canvas.shape == (3, 7, 4)
    assert canvas[0, 0].tolist() == [1, 1, 1, 1] and canvas[0, 3, 3] == 0


def test_one_image_and_equal_pixels_can_be_drawn(axes: Axes) -> None:
    image_grid(axes, np.zeros((1, 1, 1)))
    assert drawn(axes).tolist() == [[0]]
    axes.figure.canvas.draw()


def test_image_grid_refuses_what_is_not_images(axes: Axes) -> None:
    with pytest.raises(
        ValueError, match=r"image_grid: images must be of shape \(n, height, width\[, 1 or 3\]\), got shape \(5, 784\)\. Give flat"
    ):
        image_grid(axes, np.zeros((5, 784)))
    with pytest.raises(ValueError, match=r"got shape \(5, 4, 3, 2\)"):
        image_grid(axes, np.zeros((5, 4, 3, 2)))
    with pytest.raises(ValueError, match=r"image_grid: titles must be one for each of the 5 images, got 2 of them"):
        image_grid(axes, IMAGES, titles=["a", "b"])
    with pytest.raises(ValueError, match=r"reconstructions: columns must be a whole number >= 1, got 0"):
        reconstructions(axes, IMAGES, IMAGES, columns=0)


def test_reconstructions_stand_under_their_originals_with_the_error(axes: Axes) -> None:
    shifted = IMAGES + np.arange(5, dtype="float32")[:, None, None]
    reconstructions(axes, IMAGES, shifted, columns=3)
    canvas = drawn(axes)
    np.testing.assert_array_equal(canvas[:4, 4:7], IMAGES[1])
    np.testing.assert_array_equal(canvas[5:9, 4:7], shifted[1])
    np.testing.assert_array_equal(canvas[-4:, 4:7], shifted[4])
    assert [float(text.get_text()) for text in axes.texts] == [0, 1, 2, 3, 4]
    assert axes.get_images()[0].get_clim() == (0, 59)
    assert [label.get_text() for label in axes.get_yticklabels()] == 2 * ["original", "reconstructed\nand its error"]
    with pytest.raises(ValueError, match=r"reconstructed must be of shape \(5, 4, 3\), as originals, got \(4, 4, 3\)"):
        reconstructions(axes, IMAGES, shifted[:4])


def test_filters_are_drawn_around_0_inputs_down_and_outputs_across(axes: Axes) -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 2, 4, 5))
    filters(axes, kernel)
    canvas, limit = drawn(axes), np.abs(kernel).max()
    np.testing.assert_array_equal(canvas[4 * 2 : 4 * 2 + 3, 3 * 4 : 3 * 4 + 2], kernel[:, :, 2, 4])
    assert axes.get_images()[0].get_clim() == pytest.approx((-limit, limit))
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("4 inputs", "5 outputs")
    assert len(axes.figure.axes) == 2


def test_filters_of_one_input_fill_a_square(axes: Axes) -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 1, 7))
    filters(axes, kernel)
    canvas = drawn(axes)
    assert canvas.shape == (11, 11)
    np.testing.assert_array_equal(canvas[8:, :3], kernel[:, :, 0, 6])
    assert len(axes.patches) == 7
    with pytest.raises(ValueError, match=r"filters: kernel must be of shape \(height, width, inputs, outputs\), got shape \(3, 4\)"):
        filters(axes, np.zeros((3, 4)))


def maps_of(**options: Any) -> tuple[Any, Any, Figure]:
    x, figure = draw((8, 7, 1)), Figure()
    params = quick_jit(NETWORK.init)(jax.random.key(0), x[None])
    feature_maps(figure, NETWORK, params, x, **options)
    return params, x, figure


def test_feature_maps_are_the_outputs_of_each_convolution() -> None:
    params, x, figure = maps_of()
    image, first, second = figure.axes
    np.testing.assert_array_equal(drawn(image), x[..., 0])
    assert first.get_title("left") == "layers[0] Correlation(5): 5 maps of 6 × 5"
    assert second.get_title("left") == "layers[2].layers[0] Correlation(9): 9 maps of 4 × 3"
    outputs = NETWORK.layers[0].apply(params[0], x[None])
    np.testing.assert_allclose(drawn(first)[:, 6:11], outputs[0, :, :, 1], rtol=1e-6)
    low, high = first.get_images()[0].get_clim()
    assert low == -high == pytest.approx(-float(jnp.abs(outputs).max()))


def test_feature_maps_after_chosen_layers() -> None:
    params, x, figure = maps_of(after=[1, "layers[2].layers[1]"], most=2)
    _, first, second = figure.axes
    assert first.get_title("left") == "layers[1] ReLU(): 2 of 5 maps of 6 × 5"
    assert first.get_images()[0].get_clim()[0] == 0
    np.testing.assert_allclose(drawn(second)[:, :3], NETWORK.apply(params, x[None])[0, :, :, 0], rtol=1e-5)
    assert len(second.patches) == 2


def test_feature_maps_say_which_layers_there_are() -> None:
    with pytest.raises(ValueError, match=r"feature_maps: after must be layers that make maps, got 'layers\[7\]'\. Did you mean"):
        maps_of(after=[7])
    dense = Chain((Dense(3), ReLU()))
    x = jnp.ones((5, 4, 2))
    params = quick_jit(dense.init)(jax.random.key(0), x[None])
    with pytest.raises(ValueError, match=r"convolution of images, got Chain\(…\)\. Name them by after=: layers\[0\], layers\[1\]"):
        feature_maps(Figure(), dense, params, x)


def test_attention_map_has_queries_down(axes: Axes) -> None:
    weights = np.array([[0.1, 0.9, 0.0], [0.5, 0.2, 0.3]])
    attention_map(axes, weights, queries=["a", "b"], keys="xyz")
    np.testing.assert_array_equal(drawn(axes), weights)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "y", "z"]
    with pytest.raises(
        ValueError, match=r"weights must be of shape \(queries, keys\), got shape \(1, 2, 3\)\. Choose an example and a head"
    ):
        attention_map(axes, weights[None])


def test_gradient_norms_are_those_of_the_layers(axes: Axes) -> None:
    sizes = [(5, 4), (4, 3), (3, 2)]
    dense = [{"kernel": draw(size, seed=size[0]), "bias": draw(size[1:], seed=size[1])} for size in sizes]
    gradients = (dense[0], (), dense[1], (), dense[2])
    gradient_norms(axes, {"as it is": gradients, "none": jax.tree.map(jnp.zeros_like, gradients)})
    one, none = axes.get_lines()
    wanted = [float(optax.tree.norm(layer)) for layer in gradients if layer]
    np.testing.assert_allclose(np.asarray(one.get_ydata()), wanted, rtol=1e-5)
    assert np.isnan(np.asarray(none.get_ydata())).all()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "2", "4"]
    assert axes.get_yscale() == "log"
    gradient_norms(axes, {"as it is": gradients}, names=["first", "second", "third"])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["first", "second", "third"]
    with pytest.raises(ValueError, match="gradient_norms: names must be one for each of the 3 layers, got 2 of them"):
        gradient_norms(axes, {"as it is": gradients}, names=["first", "second"])
