"""Optimizers: what is a number and what is structure, optax's updates from traced numbers, and what is refused."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import (
    Adversarial,
    Averaging,
    ClipByNorm,
    Recipe,
    advance,
    fit,
    from_json,
    models,
    optimizer,
    optimizers,
    schedules,
    start,
    to_json,
)
from jaxnn.optimizers import named_optimizers
from jaxnn.training import as_data, key_data
from tests.programs import quick_jit
from tests.samples import blobs, classification, plane, regression
from tests.tolerances import assert_close, assert_same_bits, draw

EXAMPLES = {
    "sgd": (optax.sgd, {"learning_rate": 0.1}),
    "momentum": (optax.sgd, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "adam": (optax.adam, {"learning_rate": 0.01, "b1": 0.8, "eps": 1e-6}),
    "adamw": (optax.adamw, {"learning_rate": 0.01, "weight_decay": 0.1}),
    "rmsprop": (optax.rmsprop, {"learning_rate": 0.01, "decay": 0.8, "momentum": 0.5}),
    "lion": (optax.lion, {"learning_rate": 0.01}),
    "adagrad": (optax.adagrad, {"learning_rate": 0.5}),
}

NEEDED = {"noisy_sgd": {"key": 0}, "lbfgs": {"linesearch": None}}
"""What some can't do without, besides a learning rate."""

every_optimizer = pytest.mark.parametrize(("function", "arguments"), EXAMPLES.values(), ids=EXAMPLES.keys())


@every_optimizer
def test_updates_are_those_of_optax_though_the_numbers_are_traced(function, arguments):
    params, gradients = {"a": draw((3, 2)), "b": draw((2,))}, {"a": draw((3, 2), seed=1), "b": draw((2,), seed=2)}

    def three_steps(transformation):
        with jax.numpy_dtype_promotion("standard"):
            state, moved = transformation.init(params), params
            for _ in range(3):
                updates, state = transformation.update(gradients, state, moved)
                moved = optax.apply_updates(moved, updates)
        return moved

    ours = quick_jit(lambda made: three_steps(made.build()))(optimizer(function, **arguments))
    assert_close(ours, quick_jit(lambda: three_steps(function(**arguments)))(), "float32")


@every_optimizer
def test_equal_ones_are_equal_and_print_as_they_were_written(function, arguments):
    made = optimizer(function, **arguments)
    assert made == optimizer(function, **arguments)
    assert eval(repr(made), {"optimizer": optimizer, "optax": optax}) == made
    assert hash(jax.tree.structure(made)) == hash(jax.tree.structure(optimizer(function, **arguments)))


@pytest.mark.filterwarnings("ignore:`optimistic_adam` is deprecated")
@pytest.mark.parametrize("name", named_optimizers())
def test_every_optimizer_of_optax_goes_by_its_name_and_moves_the_parameters(name):
    rate = "max_learning_rate" if name == "polyak_sgd" else "learning_rate"
    made = optimizer(name, **({rate: 0.1} | NEEDED.get(name, {})))
    assert made == optimizer(getattr(optax, name), **made.arguments) == from_json(to_json(made))
    assert eval(repr(made), {"optimizer": optimizer, "optax": optax}) == made
    params = {"a": draw((3, 2)), "b": draw((2,))}

    @quick_jit
    def two_steps(made):
        with jax.numpy_dtype_promotion("standard"):
            built = optax.with_extra_args_support(made.build())
            state = built.update(params, built.init(params), params, value=jnp.float32(1.0))[1]
            return built.update(params, state, params, value=jnp.float32(1.0))[0]

    for leaf in jax.tree.leaves(two_steps(made)):
        assert np.isfinite(leaf).all() and np.abs(leaf).max() > 0


def test_floats_are_leaves_and_the_rest_is_structure():
    made = optimizer(optax.sgd, learning_rate=0.1, momentum=0.9, nesterov=True, accumulator_dtype=None)
    assert made.numbers == {"learning_rate": 0.1, "momentum": 0.9}
    assert dict(made.options) == {"nesterov": True, "accumulator_dtype": None}
    other = optimizer(optax.sgd, learning_rate=0.2, momentum=0.8, nesterov=True, accumulator_dtype=None)
    assert jax.tree.structure(made) == jax.tree.structure(other)
    assert jax.tree.structure(made) != jax.tree.structure(optimizer(optax.sgd, learning_rate=0.1, momentum=0.9))


def test_a_whole_number_where_optax_has_a_float_is_a_float():
    assert optimizer(optax.adam, learning_rate=1) == optimizer(optax.adam, learning_rate=1.0)
    assert optimizer(optax.adam, learning_rate=jnp.float32(0.5)).numbers["learning_rate"] == 0.5


def test_a_schedule_is_structure():
    schedule = optax.constant_schedule(0.1)
    assert dict(optimizer(optax.sgd, learning_rate=schedule).options) == {"learning_rate": schedule}


@pytest.mark.parametrize(
    ("function", "arguments", "error", "match"),
    [
        (optax.adam(1e-3), {}, TypeError, "optimizer: function must be an optax function, got .* Give the function itself"),
        (None, {}, TypeError, "optimizer: function must be an optax function, got None"),
        ("adm", {}, ValueError, r"optimizer: optax has no optimizer 'adm'\. Did you mean adam or .*optimizer\(optax\.contrib\.prodigy\)"),
        ("scale_by_adam", {}, ValueError, r"optimizer: optax has no optimizer 'scale_by_adam'\."),
        ("lbfgs", {"learning_rate": 0.1}, ValueError, r"optimizer: linesearch must be None, got optax's own\. Write linesearch=None"),
        (optax.adam, {"learning_rat": 1e-3}, ValueError, r"optimizer: adam has no argument 'learning_rat'\. Did you mean learning_rate"),
        (optax.adam, {}, TypeError, "optimizer: adam can't be called so: .*learning_rate"),
        (optax.squared_error, {"predictions": 1.0}, TypeError, "optimizer: function must be one that returns an optax transformation"),
    ],
)
def test_mistakes(function, arguments, error, match):
    with pytest.raises(error, match=match):
        optimizer(function, **arguments)


def two_speeds(learning_rate=0.01, **others):
    adam, momentum = optimizer(optax.adam, learning_rate=learning_rate), optimizer(optax.sgd, learning_rate=0.1, momentum=0.5)
    return optimizers(**({"generator": adam, "discriminator": momentum} | others))


PARTS = {"generator": {"a": draw((3, 2))}, "discriminator": {"a": draw((2,)), "b": draw((2, 2))}, "encoder": draw((2,))}


def three_steps(transformation, params):
    with jax.numpy_dtype_promotion("standard"):
        state, gradients = transformation.init(params), jax.tree.map(lambda leaf: 0.5 * leaf + 1, params)
        for _ in range(3):
            updates, state = transformation.update(gradients, state, params)
            params = optax.apply_updates(params, updates)
    return params


def test_each_part_moves_as_by_its_own_optimizer_alone():
    together = quick_jit(lambda made: three_steps(made.build(), PARTS))(two_speeds(encoder=None))
    alone = {"generator": optax.adam(0.01), "discriminator": optax.sgd(0.1, momentum=0.5)}
    moved = {name: three_steps(transformation, PARTS[name]) for name, transformation in alone.items()}
    assert_close(together, moved | {"encoder": PARTS["encoder"]}, "float32")
    assert_same_bits(together["encoder"], PARTS["encoder"])


def test_learning_rates_of_parts_can_be_mapped_over():
    rates = [0.01, 0.02]
    made = [two_speeds(rate, encoder=None) for rate in rates]
    stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.float32(leaf) for leaf in leaves]), *made)
    side_by_side = quick_jit(jax.vmap(lambda made: three_steps(made.build(), PARTS)))(stacked)
    singly = [quick_jit(lambda made: three_steps(made.build(), PARTS))(one) for one in made]
    assert_close(side_by_side, jax.tree.map(lambda *leaves: jnp.stack(leaves), *singly), "float32")


def test_optimizers_of_parts_are_values_whose_leaves_are_numbers():
    made = two_speeds()
    assert sorted(jax.tree.leaves(made)) == [0.01, 0.1, 0.5]
    assert two_speeds(generator=None).numbers == {"discriminator": {"learning_rate": 0.1, "momentum": 0.5}}
    assert made == optimizers(**dict(reversed(made.parts.items()))) and made != two_speeds(generator=None)
    assert jax.tree.structure(made) == jax.tree.structure(two_speeds(0.5))
    for record in (made, two_speeds(generator=None)):
        assert from_json(to_json(record)) == record
        assert eval(repr(record), {"optimizer": optimizer, "optimizers": optimizers, "optax": optax}) == record


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({}, r"optimizers: parts must be given by name, or one for each layer, got none\. Write optimizers\(generator="),
        ({"generator": optax.adam(0.1)}, r"optimizers: generator must be made by optimizer or optimizers, or None, got Grad"),
    ],
)
def test_parts_must_be_optimizers(parts, match):
    with pytest.raises(TypeError, match=match):
        optimizers(**parts)


def test_layers_of_a_chain_have_theirs_in_their_order():
    layers = ({"kernel": draw((3, 2))}, (), {"kernel": draw((2, 2), seed=1)})
    made = optimizers(None, None, optimizer(optax.sgd, learning_rate=0.1, momentum=0.5))
    moved = quick_jit(lambda made: three_steps(made.build(), layers))(made)
    assert_same_bits(moved[0], layers[0])
    assert_close(moved[2], three_steps(optax.sgd(0.1, momentum=0.5), layers[2]), "float32")
    assert eval(repr(made), {"optimizer": optimizer, "optimizers": optimizers, "optax": optax}) == made == from_json(to_json(made))
    assert repr(made) == "optimizers(None, None, optimizer(optax.sgd, learning_rate=0.1, momentum=0.5))"
    with pytest.raises(ValueError, match="optimizers: the part '3' of the parameters has no optimizer"):
        made.build().init((*layers, layers[0]))
    made.build().init((*layers, ()))  # a layer without parameters needs no word


def test_parts_of_parts_have_optimizers_of_their_own():
    """Weight decay for kernels and none for biases, a frozen layer inside of a part: the same as each by itself."""
    decayed, plain = (
        optimizer(optax.adamw, learning_rate=0.01, weight_decay=0.5),
        optimizer(optax.sgd, learning_rate=schedules.Linear(0.1, 0.0, steps=9)),
    )
    layer = {"kernel": draw((3, 2)), "bias": draw((2,))}
    params = {"encoder": (layer, (), layer), "decoder": layer}
    made = optimizers(encoder=optimizers(None, None, optimizers(kernel=decayed, bias=plain)), decoder=plain)
    moved = quick_jit(lambda made: three_steps(made.build(), params))(made)
    assert_same_bits(moved["encoder"][0], layer)
    of_kernel = three_steps(optax.adamw(0.01, weight_decay=0.5), layer["kernel"])
    of_bias = three_steps(optax.sgd(optax.linear_schedule(0.1, 0.0, 9)), layer["bias"])
    assert_close(moved["encoder"][2], {"kernel": of_kernel, "bias": of_bias}, "float32")
    assert_close(moved["decoder"]["bias"], of_bias, "float32")
    assert len(made.members) == 3 and from_json(to_json(made)) == made
    rates = made.rates(made.build().init(params))
    assert sorted(rates) == ["decoder_learning_rate", "encoder_2_bias_learning_rate", "encoder_2_kernel_learning_rate"]
    assert float(rates["encoder_2_kernel_learning_rate"]) == pytest.approx(0.01)
    with pytest.raises(ValueError, match=r"optimizers: the part 'encoder\.2\.bias' of the parameters has no optimizer"):
        optimizers(encoder=optimizers(None, None, optimizers(kernel=decayed)), decoder=None).build().init(params)
    with pytest.raises(ValueError, match=r"the part 'decoder\.bias' of the parameters must be of the parts a, got a"):
        optimizers(encoder=None, decoder=optimizers(kernel=None, bias=optimizers(a=plain))).build().init(params)


def test_a_layer_of_two_is_trained_where_its_kernel_alone_has_an_optimizer():
    recipe = classification(epochs=1, optimizer=optimizers(None, None, optimizers(kernel=optimizer("sgd", learning_rate=0.1), bias=None)))
    run, data = fit(recipe, blobs()), as_data("fit", blobs(), None, key_data(0))
    first = quick_jit(start)(recipe, data, key_data(0), 0).params
    assert_same_bits((run.params[0], run.params[2]["bias"]), (first[0], first[2]["bias"]))
    assert not np.allclose(run.params[2]["kernel"], first[2]["kernel"], atol=1e-4)
    assert run.history["2_kernel_learning_rate"].tolist() == [pytest.approx(0.1)]


def adversarial(made) -> Recipe:
    return Recipe(Adversarial(models.mlp((3,), 2), models.mlp((3,), 1), latent=2), made, epochs=1, batch_size=8)


X = np.random.default_rng(0).normal(size=(16, 2)).astype(np.float32)


def test_no_rule_moves_what_is_frozen_or_counts_its_gradient():
    """An average of what does not move is what it is, to the bit; a gradient of frozen kernels, here in the thousands, clips no other."""
    last = optimizers(None, None, optimizer(optax.sgd, learning_rate=0.1))
    rules = {"max_norm": 0.1, "averaging": Averaging(decay=0.9), "l2": (1e3, 0.0, 0.0), "clip": ClipByNorm(100.0), "norms": True}
    recipe = classification(epochs=2, optimizer=last, **rules)
    run, data = fit(recipe, blobs()), as_data("fit", blobs(), None, key_data(0))
    first = quick_jit(start)(recipe, data, key_data(0), 0).params
    assert np.linalg.norm(first[0]["kernel"], axis=0).max() > 0.1
    assert_same_bits(run.params[0], first[0])
    assert np.linalg.norm(run.state.params[2]["kernel"], axis=0).max() <= 0.1 + 1e-6
    assert not run.history["clipped"].any() and run.history["gradient_norm"].max() < 100


def test_a_part_with_none_keeps_its_initial_parameters():
    recipe, data = adversarial(two_speeds(generator=None)), as_data("test", (X, None), None, key_data(0))
    began = quick_jit(start)(recipe, data, key_data(0), 0)
    after, _ = quick_jit(advance, static_argnames="epochs")(recipe, began, data, epochs=1)
    assert_same_bits(after.params["generator"], began.params["generator"])
    assert not np.allclose(after.params["discriminator"][0]["kernel"], began.params["discriminator"][0]["kernel"], atol=1e-4)


@pytest.mark.parametrize(
    ("made", "match"),
    [
        (
            optimizers(generator=None),
            "optimizers: the part 'discriminator' of the parameters has no optimizer. Give it None to",
        ),
        (two_speeds(encoder=None), "optimizers: the parameters have no part 'encoder'. Did you mean"),
        (optimizers(generatr=None, discriminator=None), "optimizers: the parameters have no part 'generatr'. Did you mean generator?"),
        (
            optimizer(optax.adam, learning_rate=0.1).build,
            "fit: optimizer must be made as in optimizer(optax.adam, learning_rate=1e-3), got",
        ),
    ],
)
def test_parts_must_be_those_of_the_parameters(made, match):
    with pytest.raises((ValueError, TypeError), match=re.escape(match)):
        fit(adversarial(made), (X, None))


def test_parameters_without_names_have_no_parts():
    with pytest.raises(ValueError, match="optimizers: the parameters must be of the parts discriminator, generator, got a list"):
        two_speeds().build().init([1.0, 2.0])


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (optimizer("sgd", learning_rate=0.1).replace(function=jax.nn.relu), "optimizer: relu can't be called so"),
        (optimizer("sgd", learning_rate=0.1).replace(options=(("momentun", 0.9),)), "optimizer: sgd can't be called so: .*momentun"),
    ],
    ids=["function", "argument"],
)
def test_what_a_file_may_name_but_can_not_be_is_refused_before_a_run(given, match):
    with pytest.raises(TypeError, match=match):
        fit(regression(optimizer=from_json(to_json(given))), plane())
