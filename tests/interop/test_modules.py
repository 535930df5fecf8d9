"""Modules of other libraries as layers: the contract of layers, printing, files, and what is refused."""

import subprocess
import sys

import equinox as eqx
import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen

from jaxnn import Classification, Recipe, fit, from_json, load_model, optimizer, save_model, to_json
from jaxnn.interop import from_equinox, from_flax, from_haiku, from_nnx, from_pair
from jaxnn.layers import Chain, Dense, Repeat, Tanh
from jaxnn.layers.buffers import has_buffers, with_moved_buffers, without_buffers
from tests.interop.modules import NAMES, NOISY, PLAIN, STATEFUL, LinenNet, LinenPlain, equinox_net, pair_apply, pair_init
from tests.programs import quick_jit, watched
from tests.samples import CLASSES, WIDTH, blobs
from tests.tolerances import assert_close, assert_same_bits, draw, precision

KEY = jax.random.key(0)
ALL = {f"{name} {kind}": make for kind, part in (("plain", PLAIN), ("noisy", NOISY), ("stateful", STATEFUL)) for name, make in part.items()}


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_backward_is_the_vjp_of_apply(make, training):
    layer, x, dy = make(), draw((6, WIDTH)), draw((6, CLASSES), seed=1)
    params, key = quick_jit(layer.init)(KEY, x), jax.random.key(1) if training else None

    @quick_jit
    def both(params, x):
        y, residuals = layer.forward(params, x, key)
        plain, pull = jax.vjp(lambda params, x: layer.apply(params, x, key), params, x)
        return (y, layer.backward(params, residuals, dy)), (plain, pull(dy))

    by_hand, by_jax = both(params, x)
    assert_close(by_hand, by_jax, "float32")


@pytest.mark.parametrize("name", STATEFUL)
def test_evaluation_changes_no_state_and_training_does(name):
    layer, x = STATEFUL[name](), draw((6, WIDTH))
    params = quick_jit(layer.init)(KEY, x)

    @quick_jit
    def left(key):
        _, residuals = layer.forward(params, x, key)
        return layer.backward(params, residuals, jnp.ones((6, CLASSES)))[0].state

    before, after = jax.tree.leaves(params.state), jax.tree.leaves(left(KEY))
    assert has_buffers(params) and layer.draws
    assert any(not np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert_close(layer.run(*layer.variables(params), x, None)[1], layer.variables(params)[1], "float32")


@pytest.mark.parametrize("name", PLAIN)
def test_one_without_state_or_noise_is_a_plain_layer(name):
    layer, x = PLAIN[name](), draw((6, WIDTH))
    params = quick_jit(layer.init)(KEY, x)
    assert not has_buffers(params)
    if name != "equinox":  # whose MLP takes a key, whatever it does with it
        assert not layer.draws
    assert_same_bits(quick_jit(layer.apply)(params, x, KEY), quick_jit(layer.apply)(params, x))


@pytest.mark.parametrize("name", NOISY)
def test_noise_comes_from_the_key_in_training_alone(name):
    layer, x = NOISY[name](), draw((400, WIDTH))
    params, apply = quick_jit(layer.init)(KEY, x), quick_jit(layer.apply)
    first, again, other = (apply(params, x, jax.random.key(seed)) for seed in (1, 1, 2))
    assert_same_bits(first, again)
    assert not np.allclose(first, other)
    assert_same_bits(apply(params, x), apply(params, x))


@pytest.mark.parametrize("name", NOISY)
def test_both_engines_train_alike_with_noise(name):
    recipe = Recipe(Classification(NOISY[name]()), optimizer(optax.sgd, learning_rate=0.1), epochs=1, batch_size=8)
    by_jax, by_hand = (fit(recipe.replace(gradients=engine), blobs()).params for engine in ("autodiff", "backprop"))
    assert_close(by_hand, by_jax, "float32")


def test_layers_of_one_function_twice_over_have_noise_of_their_own():
    """Two dropouts of one module, in one batch: they don't drop the same units."""
    from flax import nnx

    class Twice(nnx.Module):
        def __init__(self, rngs):
            self.first, self.second = nnx.Dropout(0.5, rngs=rngs), nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, x):
            return self.second(self.first(x))

    y = from_nnx(Twice).apply({}, jnp.ones((4000, 1)), KEY)
    assert float((y > 0).mean()) == pytest.approx(0.25, abs=0.04)


def test_a_module_is_a_layer_among_layers():
    block = from_flax(linen.Dense(WIDTH))
    network, x = Chain((Repeat(block, 3), Tanh(), from_pair(*affine()))), draw((5, WIDTH))
    params = network.init(KEY, x)
    assert params[0]["kernel"].shape == (3, WIDTH, WIDTH)
    by_hand = x
    for number in range(3):
        by_hand = linen.Dense(WIDTH).apply({"params": jax.tree.map(lambda leaf, number=number: leaf[number], params[0])}, by_hand)
    assert_close(network.apply(params, x), 2 * jnp.tanh(by_hand), "float32")


def affine():
    return (lambda key, x: {"gain": jnp.full(x.shape[-1], 2.0)}), (lambda params, x: params["gain"] * x)


@pytest.mark.parametrize("engine", ["autodiff", "backprop"])
def test_a_state_keeps_its_dtype_whatever_the_data(engine):
    """Flax's running means are float32; those of float64 data are float64 when a step leaves them."""
    x, y = blobs(dtype="float64")
    with precision("float64"):
        network = Chain((from_flax(linen.BatchNorm(param_dtype=jnp.float64), train="use_running_average"), Dense(CLASSES)))
        recipe = Recipe(Classification(network), optimizer(optax.sgd, learning_rate=0.1), epochs=2, batch_size=22, gradients=engine)
        run = fit(recipe, (x, y))
        assert {str(leaf.dtype) for leaf in jax.tree.leaves(run.params[0].state)} == {"float32"}
        expected = (1 - 0.99**2) * x.mean(axis=0)
        assert_close(run.params[0].state.values["batch_stats"]["mean"], expected, "float32")


def test_a_recipe_in_float64_has_modules_of_float32_in_it():
    """Flax's parameters are float32 unless it is told otherwise; what is computed with them is float64 all the same."""
    (x, y), network = blobs(), Chain((from_flax(linen.Dense(CLASSES)),))
    made = Recipe(Classification(network), optimizer(optax.sgd, learning_rate=0.1), epochs=1, precision="float64")
    with jax.numpy_dtype_promotion("standard"):
        run = fit(made, (x, y))
        predicted = run.predict(x)
        with precision("float64"):
            other = fit(made.replace(precision=None), (x.astype("float64"), y))
            assert_same_bits((other.params, other.predict(x)), (run.params, predicted))
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(run.params)} == {"float32"}
    assert run.history["loss"].dtype == predicted.dtype == "float64"


# Programs, printing, files ----------------------------------------------------------------------------------------------------


def test_equal_modules_share_a_program():
    for part in (PLAIN, NOISY, STATEFUL):
        for make in part.values():
            assert make() == make() and jax.tree.structure(make()) == jax.tree.structure(make()) and hash(make()) == hash(make())
    assert from_flax(LinenNet(hidden=3)) != from_flax(LinenNet(hidden=4))


def test_they_print_as_the_code_that_makes_them():
    class Deep(linen.Module):
        widths: tuple[int, ...]
        activation: object = linen.relu

    printed = {
        "from_flax(LinenPlain())": from_flax(LinenPlain()),
        "from_flax(LinenNet(rate=0.25), train='train', draws=True)": NOISY["flax"](),
        "from_flax(Deep(widths=(8, 8), activation=jax.nn.silu))": from_flax(Deep((8, 8), jax.nn.silu)),
        "from_nnx(NNXNet)": STATEFUL["nnx"](),
        "from_equinox(equinox_net, axis_name='rows')": from_equinox(equinox_net, axis_name="rows"),
        "from_haiku(haiku_function.<locals>.net, train='is_training', draws=True)": STATEFUL["haiku"](),
        "from_pair(pair_init, pair_apply, state=True, draws=True)": STATEFUL["pair"](),
    }
    assert {repr(layer): layer for layer in printed.values()} == printed


@pytest.mark.parametrize("make", STATEFUL.values(), ids=STATEFUL)
def test_a_recipe_names_them_in_json(make):
    recipe = Recipe(Classification(make()), optimizer(optax.sgd, learning_rate=0.1))
    assert from_json(to_json(recipe, names=NAMES), known=NAMES) == recipe
    with pytest.raises(ValueError, match=r"^to_json: .* has no public name in jax, optax or jaxnn\. Hand in names=\{'my_name': it\}\.$"):
        to_json(recipe)


def test_a_trained_module_is_saved_and_loaded(tmp_path):
    recipe = Recipe(Classification(STATEFUL["haiku"]()), optimizer(optax.sgd, learning_rate=0.1), epochs=1, batch_size=22)
    run = fit(recipe, blobs())
    model = load_model(save_model(tmp_path / "net.safetensors", run, names=NAMES), known=NAMES)
    assert_same_bits(model.params, run.params)
    assert_same_bits(model.predict(blobs()[0]), run.predict(blobs()[0]))


# What is refused ---------------------------------------------------------------------------------------------------------------


class Unhashable(linen.Module):
    table: object = None


def test_only_modules_are_taken():
    mistakes = [
        (lambda: from_flax(linen.Dense), r"from_flax: module must be a Linen module, made and not yet bound, got .*Write from_flax\("),
        (lambda: from_flax(STATEFUL["nnx"]().function), "from_flax: module must be a Linen module.*from_nnx is for modules of nnx"),
        (lambda: from_flax(Unhashable(np.ones(3))), "from_flax: module must be hashable, got Unhashable.*Give tuples in place of lists"),
        (lambda: from_nnx(3), r"from_nnx: make must be a function, got 3\. Write from_nnx\("),
        (lambda: from_equinox("net"), "from_equinox: make must be a function, got 'net'"),
        (lambda: from_haiku(lambda x: x), r"from_haiku: transformed must be what hk\.transform returns, got .*Write from_haiku\(hk"),
        (lambda: from_pair(pair_init, None), r"from_pair: apply must be a function, got None\. Write from_pair\(init, apply\)"),
        (lambda: from_equinox(lambda key: (1, 2)).init(KEY, draw((2, 3))), "from_equinox: make must be a function that returns an Equinox"),
        (
            lambda: from_equinox(lambda key: eqx.nn.make_with_state(WithKeys)(key)).init(KEY, draw((2, 3))),
            "from_equinox: the module's state must be of numbers and truth values, got dtype key",
        ),
    ]
    for make, match in mistakes:
        with pytest.raises(TypeError, match=match) as raised, watched() as events:
            make()
        assert "\n" not in str(raised.value) and not events.compiled.keys() & {"jit(init)"}


class WithKeys(eqx.Module):
    index: eqx.nn.StateIndex

    def __init__(self, key):
        self.index = eqx.nn.StateIndex(key)

    def __call__(self, x, state):
        return x, state


def test_a_state_needs_training_to_be_told_from_evaluation():
    with pytest.raises(ValueError, match=r"from_flax: the module must be one without a state, got one that has a state\. Only in training"):
        from_flax(linen.BatchNorm(use_running_average=False)).init(KEY, jnp.ones((2, 3)))
    layer = from_flax(linen.BatchNorm(use_running_average=False), draws=True)
    assert has_buffers(layer.init(KEY, jnp.ones((2, 3))))
    haiku = from_haiku(hk.transform_with_state(lambda x: hk.BatchNorm(True, True, 0.9)(x, is_training=True)))
    assert has_buffers(haiku.init(KEY, jnp.ones((2, 3))))


@pytest.mark.parametrize("train", ["deterministic", "use_running_average"])
def test_flags_that_are_true_in_evaluation(train):
    module = linen.Dropout(0.5) if train == "deterministic" else linen.BatchNorm()
    layer, x = from_flax(module, train=train), draw((50, 3))
    params = layer.init(KEY, x)
    assert layer.draws and not np.allclose(layer.apply(params, x, KEY), layer.apply(params, x))
    assert_close(layer.apply(params, x), module.apply({"params": {}} | in_flax(layer, params), x, **{train: True}), "float32")


def in_flax(layer, params):
    learned, state = layer.variables(params)
    return {"params": learned, **(state or {})}


@pytest.mark.parametrize(
    ("package", "make"),
    [("equinox", lambda: from_equinox(equinox_net)), ("haiku", lambda: from_haiku(None)), ("flax", lambda: from_flax(None))],
)
def test_a_package_that_is_not_there(package, make, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf'from_{package} needs {package}: pip install "jaxnn-toolkit\[interop\]"'):
        make()


def test_importing_them_imports_no_library():
    command = "import sys, jaxnn.interop; print(*{'equinox', 'haiku', 'flax.linen', 'flax.nnx'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_whole_numbers_of_a_state_are_whole_where_they_are_used():
    layer, x = from_pair(pair_init, pair_apply, state=True), draw((6, WIDTH))
    params = layer.init(KEY, x)
    assert params.state.values["steps"].value.dtype == "float32" and layer.variables(params)[1]["steps"].dtype == "int32"
    steps = params
    for _ in range(3):
        _, residuals = layer.forward(steps, x, KEY)
        changes = layer.backward(steps, residuals, jnp.ones((6, CLASSES)))[0]
        steps = with_moved_buffers(without_buffers(steps), steps, changes)
    assert int(layer.variables(steps)[1]["steps"]) == 3
