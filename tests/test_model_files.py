"""Model files: there and back to the bit, written whole or not at all, and believed only when whole, fitting and harmless."""

import hashlib
import json
import os
import pickle
import stat
import tracemalloc

import jax
import numpy as np
import optax
import pytest
import safetensors.numpy

from jaxnn import Classification, Model, fit, load_model, models, optimizer, save_model, to_json
from jaxnn.layers import Chain, Dense
from jaxnn.model_files import NO_DIGEST
from jaxnn.recipes import Recipe
from tests.samples import blobs, classification, plane, regression
from tests.test_recipes import HOSTILE
from tests.tolerances import assert_same_bits, precision

EXTRAS = {"classes": ["a", "b", "ç"], "mean": [0.5, -1e-30], "nested": {'"sha256":"' + NO_DIGEST + '"': None}}


@pytest.fixture(scope="module")
def run():
    return fit(classification(dropout=0.1, l2=1e-3), blobs(30), validation=0.2)


@pytest.fixture
def path(run, tmp_path):
    return save_model(tmp_path / "model.safetensors", run, extras=EXTRAS)


@pytest.fixture(scope="module")
def content(run, tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("models") / "model.safetensors", run, extras=EXTRAS).read_bytes()


def test_a_model_comes_back_to_the_bit(run, path):
    model = load_model(path)
    x = blobs(300, seed=5)[0]
    assert (model.recipe, model.extras, model.examples) == (run.recipe, EXTRAS, run.examples)
    assert_same_bits(model.params, run.params)
    assert_same_bits(model.predict(x), run.predict(x))


def test_equal_models_are_equal_files(run, path, tmp_path):
    again = save_model(tmp_path / "again.safetensors", load_model(path))
    other = save_model(tmp_path / "other.safetensors", fit(run.recipe, blobs(30), validation=0.2), extras=EXTRAS)
    assert path.read_bytes() == again.read_bytes() == other.read_bytes()


def test_any_safetensors_reader_can_open_it(run, path):
    tensors = safetensors.numpy.load_file(path)
    assert_same_bits(tensors["[0]['kernel']"], run.params[0]["kernel"])
    assert len(tensors) == len(jax.tree.leaves(run.params))


def test_float64_models(tmp_path):
    with precision("float64"):
        run = fit(regression(), plane(dtype="float64"))
        path = save_model(tmp_path / "model", run)
        assert_same_bits(load_model(path).predict(plane()[0]), run.predict(plane()[0]))
    assert_same_bits(load_model(path).predict(plane()[0]), run.predict(plane()[0]))


def test_bfloat16_models(tmp_path):
    run, x = fit(regression(), plane()), plane()[0]
    params = jax.tree.map(lambda leaf: leaf.astype("bfloat16"), run.params)
    examples = jax.tree.map(lambda spec: jax.ShapeDtypeStruct(spec.shape, "bfloat16"), run.examples)
    half = Model(run.recipe, params, examples)
    model = load_model(save_model(tmp_path / "model", half))
    assert model.params[0]["kernel"].dtype == "bfloat16"
    assert_same_bits(model.predict(x), half.predict(x))


def test_functions_of_ones_own_are_handed_in_at_both_ends(run, tmp_path):
    def mine(*args, **options):
        return jax.nn.initializers.he_normal(*args, **options)

    recipe = Recipe(Classification(Chain((Dense(3, initializer=mine),))), run.recipe.optimizer, epochs=1)
    trained = fit(recipe, blobs(30))
    with pytest.raises(ValueError, match=r"to_json: .* has no public name"):
        save_model(tmp_path / "model", trained)
    assert not list(tmp_path.iterdir())
    path = save_model(tmp_path / "model", trained, names={"mine": mine})
    with pytest.raises(ValueError, match=r"'mine' is not a public function"):
        load_model(path)
    assert load_model(path, known={"mine": mine}).recipe == recipe


# Writing --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["replace", "fsync", "chmod"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "interrupted"])
def test_a_write_that_fails_leaves_the_earlier_file(run, path, monkeypatch, name, error):
    before = path.read_bytes()

    def fail(*args, **options):
        raise error

    monkeypatch.setattr(os, name, fail)
    with pytest.raises(type(error)):
        save_model(path, run, extras={"new": True})
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_written_file_has_the_rights_of_any_other(path, tmp_path):
    (tmp_path / "other").write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


def test_a_folder_that_is_not_there(run, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere' to write model into"):
        save_model(tmp_path / "nowhere" / "model", run)


@pytest.mark.parametrize("extras", [{"score": np.nan}, {"score": np.inf}])
def test_extras_that_json_does_not_hold(run, tmp_path, extras):
    with pytest.raises(ValueError):
        save_model(tmp_path / "model", run, extras=extras)
    assert not list(tmp_path.iterdir())


# Damage ---------------------------------------------------------------------------------------------------------------------


def refused(path, content: bytes, match: str = "load_model: ") -> str:
    path.write_bytes(content)
    with pytest.raises(ValueError, match=match) as error:
        load_model(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_no_flipped_bit_loads(content, tmp_path):
    bits = np.random.default_rng(0).choice(8 * len(content), size=1000, replace=False)
    for bit in bits:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        refused(tmp_path / "model", bytes(damaged))


def test_no_flipped_bit_of_the_size_and_the_digest_loads(content, tmp_path):
    place = content.index(b'"sha256"')
    for byte in (*range(8), *range(place, place + 76)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[byte] ^= 1 << bit
            refused(tmp_path / "model", bytes(damaged))


def test_no_truncated_or_lengthened_file_loads(content, tmp_path):
    for size in (*range(20), *range(20, len(content), 37), len(content) - 1):
        refused(tmp_path / "model", content[:size])
    refused(tmp_path / "model", content + b"\0")
    refused(tmp_path / "model", content + content)


@pytest.mark.parametrize("size", [2**63, 2**64 - 1, 2**40, 10**9])
def test_an_absurd_header_is_refused_before_memory_is_taken(content, tmp_path, size):
    (tmp_path / "model").write_bytes(size.to_bytes(8, "little") + content[8:])
    tracemalloc.start()
    with pytest.raises(ValueError, match="truncated or not a model file"):
        load_model(tmp_path / "model")
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


class Bomb:
    def __reduce__(self):
        return (os.abort, ())


@pytest.mark.parametrize("size", [0, 20, 5000])
def test_other_files_are_refused_unread(tmp_path, size):
    refused(tmp_path / "model", pickle.dumps((Bomb(), "x" * size)))
    refused(tmp_path / "model", b"\0" * size)
    refused(tmp_path / "model", json.dumps({"x": "y" * size}).encode())
    refused(tmp_path / "model", safetensors.numpy.save({"a": np.zeros(size)}), "is not a jaxnn model file")


def test_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "model", tmp_path):
        with pytest.raises(FileNotFoundError, match="There is no model file"):
            load_model(path)


# Whole, but not honest ------------------------------------------------------------------------------------------------------


def forged(content: bytes, metadata=None, tensors=None, **changes) -> bytes:
    """The file with some of its header in place of others, under a digest that is right."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = (header["__metadata__"] if metadata is None else metadata) | changes | {"sha256": NO_DIGEST}
    if tensors is not None:
        blank = safetensors.numpy.save(tensors, metadata=header["__metadata__"])
    else:
        text = json.dumps(header, separators=(",", ":")).encode()
        blank = len(text).to_bytes(8, "little") + text + content[8 + size :]
    return blank.replace(NO_DIGEST.encode(), hashlib.sha256(blank).hexdigest().encode()) if blank.count(NO_DIGEST.encode()) == 1 else b""


@pytest.fixture(scope="module")
def plain(run, tmp_path_factory):
    """A model without extras, for its digest stands in its header once."""
    return save_model(tmp_path_factory.mktemp("models") / "plain.safetensors", run).read_bytes()


def test_the_forger_can_forge(run, plain, tmp_path):
    (tmp_path / "model").write_bytes(forged(plain, extras='{"forged": true}'))
    assert load_model(tmp_path / "model").extras == {"forged": True}


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"version": "2"}, r"is of format version 2, this jaxnn reads up to 1\. Update jaxnn"),
        ({"version": "one"}, "load_model: "),
        ({"format": "other"}, "is not a jaxnn model file"),
        ({"metadata": {}}, "is not a jaxnn model file"),
        ({"metadata": {"format": "jaxnn-model", "version": "1"}}, "load_model: .* can't be used\\. KeyError: 'recipe'"),
        ({"recipe": '{"type": "Dense", "features": 3}'}, "It holds a Dense where the recipe should be"),
        ({"recipe": "[" * 100_000}, "from_json: this is not a recipe that can be read"),
        ({"examples": "null"}, "load_model: "),
        ({"examples": "[]"}, "load_model: "),
        ({"examples": '[{"shape": [4], "dtype": "object"}, null]'}, "load_model: "),
        ({"examples": '[{"shape": [4], "dtype": "no such dtype"}, null]'}, "load_model: "),
        ({"examples": '[{"shape": [-4], "dtype": "float32"}, {"shape": [], "dtype": "int32"}]'}, "load_model: "),
        ({"examples": '[{"shape": [1e9], "dtype": "float32"}, {"shape": [], "dtype": "int32"}]'}, "load_model: "),
        (
            {"examples": '[{"shape": [4000000000], "dtype": "float32"}, {"shape": [], "dtype": "int32"}]'},
            "do not fit the model of its recipe",
        ),
        ({"extras": "{"}, "load_model: "),
    ],
)
def test_whole_files_that_make_no_sense(plain, tmp_path, changes, match):
    refused(tmp_path / "model", forged(plain, **changes), match)


@pytest.mark.parametrize("recipe", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_recipes_in_whole_files_run_nothing(plain, tmp_path, recipe, monkeypatch):
    ran = []
    monkeypatch.setattr(os, "system", lambda *args: ran.append(args))
    refused(tmp_path / "model", forged(plain, recipe=recipe))
    assert not ran


def test_models_too_large_for_memory_are_refused_without_taking_it(run, plain, tmp_path):
    wide = Recipe(Classification(models.mlp((10**9, 10**9), 3)), run.recipe.optimizer)
    tracemalloc.start()
    refused(tmp_path / "model", forged(plain, recipe=to_json(wide)), "do not fit the model of its recipe")
    assert tracemalloc.get_traced_memory()[1] < 2e7
    tracemalloc.stop()


def test_parameters_must_be_those_of_the_recipe(plain, tmp_path):
    tensors = safetensors.numpy.load(plain)
    names = sorted(tensors)
    assert len(names) == 4
    swapped = tensors | {names[0]: tensors[names[2]], names[2]: tensors[names[0]]}
    transposed = tensors | {names[1]: tensors[names[1]].T.copy()}
    doubled = {name: tensor.astype("float64") for name, tensor in tensors.items()}
    missing = {name: tensors[name] for name in names[1:]}
    more = tensors | {"[9]['kernel']": tensors[names[0]]}
    flat = tensors | {names[1]: tensors[names[1]].ravel()}
    for wrong in (swapped, transposed, doubled, missing, more, flat, {}):
        refused(
            tmp_path / "model",
            forged(plain, tensors=wrong),
            r"load_model: .* can't be used. Its parameters .* do not fit the model of its recipe",
        )


def test_tensors_that_overlap_or_lie_outside_are_refused(plain, tmp_path):
    size = int.from_bytes(plain[:8], "little")
    header = json.loads(plain[8 : 8 + size])
    first, second = sorted(name for name in header if name != "__metadata__")[:2]
    for offsets in (header[first]["data_offsets"], [0, 10**12], [-8, 0], [10**12, 10**12 + 8]):
        changed = header | {second: header[second] | {"data_offsets": offsets}}
        text = json.dumps(changed | {"__metadata__": header["__metadata__"]}, separators=(",", ":")).encode()
        refused(tmp_path / "model", forged(len(text).to_bytes(8, "little") + text + plain[8 + size :]))


def test_what_a_recipe_says_of_training_does_not_matter_for_loading(run, plain, tmp_path):
    """A learning rate is no part of what predicts; but numbers out of range are refused, for the recipe can't be trained."""
    (tmp_path / "model").write_bytes(
        forged(plain, recipe=to_json(run.recipe.replace(epochs=9, optimizer=optimizer(optax.adam, learning_rate=0.7))))
    )
    assert load_model(tmp_path / "model").recipe.epochs == 9
    refused(tmp_path / "model", forged(plain, recipe=to_json(run.recipe.replace(l2=-1.0))), r"from_json: l2 must be in \[0, inf\), got -1")
