"""Records as pytrees: the class is structure, so that no program of one class is ever run for another."""

import jax
import jax.numpy as jnp
import pytest

from jaxnn.layers import ACTIVATIONS, Dropout
from jaxnn.records import Record, number, static


class Pair(Record):
    size: int = static(default=3)
    rate: float = number(default=0.5)


class Other(Record):
    size: int = static(default=3)
    rate: float = number(default=0.5)


def test_every_activation_has_a_structure_of_its_own() -> None:
    structures = [jax.tree.structure(cls()) for cls in ACTIVATIONS.values()]
    for index, structure in enumerate(structures):
        assert [structure == other for other in structures] == [index == number for number in range(len(structures))]


def test_same_fields_in_another_class_are_another_structure() -> None:
    assert jax.tree.structure(Pair()) != jax.tree.structure(Other())
    assert jax.tree.structure(Pair(size=3)) == jax.tree.structure(Pair(rate=0.1))
    assert jax.tree.structure(Pair(size=4)) != jax.tree.structure(Pair())


def test_jit_never_takes_one_class_for_another() -> None:
    """Structures are looked up by 7 bits of their hash and then by equality: among 300 classes equal bits are certain."""
    classes = [type(f"Kind{index}", (Record,), {}) for index in range(300)]
    which = jax.jit(lambda record: jnp.int32(int(type(record).__name__.removeprefix("Kind"))))
    assert [int(which(cls())) for cls in classes] == list(range(300))


def test_leaves_and_structure_survive_a_round_trip() -> None:
    leaves, structure = jax.tree.flatten(Pair(size=7, rate=0.25))
    assert leaves == [0.25]
    assert jax.tree.unflatten(structure, leaves) == Pair(size=7, rate=0.25)
    assert jax.tree_util.keystr(jax.tree_util.tree_flatten_with_path(Dropout())[0][0][0]) == ".rate"


def test_records_are_frozen_and_replaced() -> None:
    with pytest.raises(AttributeError):
        Pair().rate = 0.1  # type: ignore[misc]
    assert Pair().replace(rate=0.1) == Pair(rate=0.1)
    assert hash(Pair()) == hash(Pair())
