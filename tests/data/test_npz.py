"""NPZ files: which arrays are features, and what is never unpacked."""

import io
import zipfile

import numpy as np
import pytest

from jaxnn.data import load
from jaxnn.data.loading import read_features


@pytest.fixture
def npz(tmp_path, monkeypatch):
    """Saves arrays as data.npz in an empty current folder; returns its name."""
    monkeypatch.chdir(tmp_path)

    def save(**arrays) -> str:
        np.savez_compressed("data.npz", **arrays)
        return "data.npz"

    return save


def member(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_arrays_of_the_labels_length_are_features(npz):
    image = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    source = npz(
        image=image,
        age=np.array([1.5, np.nan]),
        hue=np.array(["red", "blue"]),
        raw=np.array([b"a", b"b"]),
        y=[0, 1],
        x_test=image[:1],
        scale="%",
    )
    dataset = load(source, "y")
    assert dataset.columns == (*(f"image[{index}]" for index in range(12)), "age", "hue", "raw")
    assert dataset.column("image[7]").tolist() == [7, 19]
    assert dataset.texts["hue"].tolist() == ["red", "blue"]
    assert dataset.texts["raw"].tolist() == ["a", "b"]
    assert dataset.target.dtype == np.int64
    assert dataset.notes == ("Left out of data.npz, not 2 rows long: x_test (1 x 3 x 4 uint8), scale (one value <U1).",)


def test_a_single_block_of_pixels_is_not_copied_to_wider_numbers(npz):
    dataset = load(npz(x=np.zeros((10, 784), np.uint8), y=np.arange(10) % 2), "y")
    assert dataset.numbers.dtype == np.uint8
    assert dataset.numbers.shape == (10, 784)


def test_labels_as_one_column_or_text(npz):
    assert load(npz(x=np.zeros(3), y=[[1], [0], [1]]), "y").target.tolist() == [1, 0, 1]
    assert load(npz(x=np.zeros(2), y=["a", "b"]), "y").target.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("arrays", "target", "message"),
    [
        ({"x": [1.0], "y": [1]}, None, "data.npz needs --target, the name of the column to learn. It has 2 columns: 'x', 'y'."),
        ({"x": [1.0], "label": [1]}, "labels", "data.npz has no column 'labels' for --target. Did you mean label?"),
        ({"x": [1.0], "y": 3}, "y", "--target 'y' in data.npz is one single value: expected an array with a label for each row."),
        (
            {"x": [1.0, 2.0], "y": [[1, 0], [0, 1]]},
            "y",
            "--target 'y' in data.npz has shape (2, 2): expected one label a row, such as the number of its class.",
        ),
        ({"x": [1.0], "y": [1, 2]}, "y", "data.npz has no column besides the target 'y': expected at least one to learn from."),
        ({"x": [], "y": []}, "y", "--target 'y' in data.npz has no rows: expected at least one."),
        (
            {"x": [1.0], "y": [np.nan]},
            "y",
            "The target 'y' of data.npz is missing in 1 of 1 rows. Leave these rows out; --impute fills features only.",
        ),
        (
            {"x": [1j], "y": [1]},
            "y",
            "Array 'x' of data.npz has type complex128: expected numbers, booleans or text. Convert it or leave it out.",
        ),
        ({"x[0]": [1.0], "x": [[1.0]], "y": [1]}, "y", "data.npz has columns of the same name: 'x[0]'. Give every column its own name."),
    ],
)
def test_bad_arrays(npz, arrays, target, message):
    with pytest.raises(ValueError) as error:
        load(npz(**arrays), target)
    assert str(error.value) == message


class Trap:
    """Would tell if it were unpickled."""

    opened = False

    def __setstate__(self, state):
        Trap.opened = True

    def __getstate__(self):
        return {"armed": True}


@pytest.mark.parametrize("target", ["y", "trap"])
def test_objects_are_never_unpickled(npz, target):
    source = npz(trap=np.array([Trap(), Trap()]), y=[0, 1])
    with pytest.raises(
        ValueError, match=r"Array 'trap' of data\.npz holds Python objects, which are never loaded\. Save it as numbers or as text"
    ):
        load(source, target)
    assert not Trap.opened


def test_objects_of_another_length_are_left_alone(npz):
    load(npz(trap=np.array([Trap()]), x=[1.0, 2.0], y=[0, 1]), "y")
    assert not Trap.opened


def test_flipped_and_cut_files_are_refused(npz, tmp_path):
    source = npz(x=np.arange(60.0).reshape(20, 3), y=np.arange(20) % 2)
    good, content = load(source, "y"), (tmp_path / source).read_bytes()
    for position in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[position] ^= 1 << (position % 8)
        for broken in (bytes(damaged), content[: max(1, position)]):
            (tmp_path / "bad.npz").write_bytes(broken)
            try:
                dataset = load("bad.npz", "y")
            except ValueError as error:
                assert "bad.npz" in str(error)
            else:  # a bit that the format does not use, such as a date
                assert np.array_equal(dataset.numbers, good.numbers) and np.array_equal(dataset.target, good.target)


def test_a_header_that_claims_more_than_there_is(tmp_path):
    honest = member(np.zeros(10))
    with zipfile.ZipFile(tmp_path / "bad.npz", "w") as archive:
        archive.writestr("x.npy", honest.replace(b"(10,)", b"(99,)"))
        archive.writestr("y.npy", member(np.zeros(10)))
    with pytest.raises(ValueError, match=r"^bad\.npz is damaged or not an NPZ file\. Write it again with numpy\.savez\.$"):
        load(str(tmp_path / "bad.npz"), "y")


def test_a_bomb_is_refused_before_it_is_unpacked(npz, monkeypatch):
    source = npz(x=np.zeros((1000, 1000)), y=np.zeros(1000))
    monkeypatch.setattr("jaxnn.data.memory.memory_limit", lambda: 10**6)
    monkeypatch.setattr(np, "load", None)
    with pytest.raises(ValueError, match=r"data\.npz unpacks to 0\.0 GB, and this machine can spare 0\.0 GB"):
        load(source, "y")


def test_features_by_the_names_a_model_knows(npz):
    source = npz(x=np.arange(6).reshape(3, 2), other=np.zeros(5), y=np.zeros(7))
    table = read_features(source, columns=["x[0]", "x[1]"], target="y")
    assert table.columns == ("x[0]", "x[1]")
    assert table.notes == ("Left out of data.npz, not among the columns the model was trained on: other (5 float64).",)


def test_features_under_other_names_are_refused(npz):
    with pytest.raises(ValueError) as error:
        read_features(npz(x_test=np.zeros((3, 2), np.uint8)), columns=["x[0]", "x[1]"])
    assert str(error.value) == (
        "data.npz has none of the arrays the model was trained on ('x'), only x_test (3 x 2 uint8). Rename them to match."
    )


def test_features_of_unequal_length_are_refused(npz):
    with pytest.raises(
        ValueError, match=r"The arrays of data\.npz differ in length: a \(2 int64\), b \(3 int64\)\. Expected one row of each"
    ):
        read_features(npz(a=[1, 2], b=[1, 2, 3]), columns=["a", "b"])
