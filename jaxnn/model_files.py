"""One file a model: safetensors with the recipe, preprocessing and class names in its header, under one SHA-256.

The digest covers every byte of the file (its own 64 digits taken as zeros), is checked before anything else is believed, and
the parameters must have exactly the shapes and dtypes that the recipe's model has. Nothing in a file can run code: arrays are
bytes, recipes name only what ``codec`` knows. Written to a temporary name, fsynced and renamed, so that no half file is left.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.bits import enough_bits, is_wide
from jaxnn.checks import sentence
from jaxnn.codec import from_json, to_json
from jaxnn.recipes import Recipe
from jaxnn.runs import predict
from jaxnn.typing import Batch, Params, Sequences

FORMAT, VERSION = "jaxnn-model", 1
NO_DIGEST = "0" * 64
MOST_HEADER = 100_000_000
"""Bytes of a header, as many as safetensors allows."""
DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32", "U32": "uint32"}
DIGEST_FIELD = re.compile(rb'"sha256":"([0-9a-f]{64})"')  # inside a JSON string the quotes would be escaped


@dataclass(frozen=True, eq=False)
class Model:
    """A loaded model. extras: what was saved along with it, for instance preprocessing and class names, as JSON gave it."""

    recipe: Recipe
    params: Params = field(repr=False)
    examples: Any = field(repr=False)
    extras: dict[str, Any] = field(default_factory=dict, repr=False)

    def predict(self, x: Any) -> np.ndarray:
        """As ``Run.predict``, bit for bit."""
        return predict(self.recipe.task, self.params, x, like=self.examples[0])


def save_model(path: str | Path, model: Any, *, extras: Mapping[str, Any] | None = None, names: Mapping[str, Any] | None = None) -> Path:
    """Writes a Run or a Model into one file and returns its path; an earlier file of that name is replaced at once or not at all.

    extras: anything that JSON can hold. names: names for functions of your own in the recipe (see ``codec.to_json``).
    Raises ValueError for a recipe that can't be written, OSError where the folder can't be.
    """
    import safetensors.numpy

    if not hasattr(model, "params") or not hasattr(model, "recipe"):
        raise TypeError(sentence("save_model", "model", "a Run or a Model", type(model).__name__))
    tensors = {jax.tree_util.keystr(where): np.asarray(leaf) for where, leaf in jax.tree_util.tree_leaves_with_path(model.params)}
    header = {
        "format": FORMAT,
        "version": str(VERSION),
        "recipe": to_json(model.recipe, names=names),
        "examples": json.dumps(_write_examples(model.examples)),
        "extras": _as_json(extras if extras is not None else getattr(model, "extras", {})),
        "sha256": NO_DIGEST,
    }
    blank = _with_sorted_header(safetensors.numpy.save(tensors, metadata=header))
    place = blank.index(f'"sha256":"{NO_DIGEST}"'.encode()) + len('"sha256":"')
    content = blank[:place] + hashlib.sha256(blank).hexdigest().encode() + blank[place + len(NO_DIGEST) :]
    return write_at_once(Path(path), content)


def load_model(path: str | Path, *, known: Mapping[str, Any] | None = None) -> Model:
    """Reads a model file; runs no code that the file could choose. known: classes and functions of your own, by name.

    Raises FileNotFoundError, and ValueError for a file that is not a model's, is truncated or changed in any bit, is of a later
    version, or whose parameters are not those of its recipe's model.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no model file {str(path)!r}.")
    content = _checked_content(path)
    try:
        return _read(content, known)
    except Exception as error:  # a digest proves a file whole, not honest: whatever is wrong in it, the answer is the same
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        reason, _, _ = str(error).partition("\n")
        raise ValueError(f"load_model: {path} can't be used. {kind}{reason}") from error


def _as_json(extras: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(extras), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(sentence("save_model", "extras", "what JSON can hold", repr(extras)[:60], f"{error}.")) from None


def _with_sorted_header(content: bytes) -> bytes:
    """The same file with its header's names in order: safetensors writes them in any order, but equal models shall be equal files."""
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def _read(content: bytes, known: Mapping[str, Any] | None) -> Model:
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    if header.get("format") != FORMAT:
        raise ValueError("It is not a jaxnn model file.")
    if int(header["version"]) > VERSION:
        raise ValueError(f"It is of format version {header['version']}, this jaxnn reads up to {VERSION}. Update jaxnn.")
    recipe = from_json(header["recipe"], known=known)
    if not isinstance(recipe, Recipe):
        raise ValueError(f"It holds a {type(recipe).__name__} where the recipe should be.")
    examples = _read_examples(json.loads(header["examples"]))
    tensors = _read_tensors(content)
    with enough_bits(is_wide(tensors, examples)):
        params = _restore(recipe, examples, tensors)
    return Model(recipe=recipe, params=params, examples=examples, extras=json.loads(header["extras"]))


def write_at_once(path: Path, content: bytes) -> Path:
    """Writes a file whole or not at all: temporary name in the same folder, fsync, rename."""
    check_folder(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def check_folder(path: Path) -> None:
    """Refuses a path whose folder is not there."""
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder. Give the name of a file in it.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r} to write {path.name} into. Make it first.")


def _checked_content(path: Path) -> bytes:
    """The bytes of the file, once its sizes and its digest are right."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        header_size = int.from_bytes(start, "little")
        if size < 8 or header_size > size - 8:
            raise ValueError(f"load_model: {path} is truncated or not a model file ({size} bytes).")
        header = file.read(min(header_size, MOST_HEADER))
        found = DIGEST_FIELD.search(header)
        if found is None:
            raise ValueError(f"load_model: {path} is not a jaxnn model file, or its header is damaged.")
        if size != 8 + header_size + _bytes_of_tensors(header):  # before memory is taken for them
            raise ValueError(f"load_model: {path} is truncated or damaged: its {size} bytes are not those of its header.")
        content = start + header + file.read()
    place = 8 + found.start(1)
    blank = content[:place] + NO_DIGEST.encode() + content[place + len(NO_DIGEST) :]
    if hashlib.sha256(blank).hexdigest().encode() != found[1]:
        raise ValueError(f"load_model: {path} is damaged or was changed: its SHA-256 does not match. Use another copy of it.")
    return content


def _bytes_of_tensors(header: bytes) -> int:
    """How many bytes follow a header, -1 for one that does not say."""
    try:
        tensors = json.loads(header)
        return max((int(tensors[name]["data_offsets"][1]) for name in tensors if name != "__metadata__"), default=0)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return -1


def _restore(recipe: Recipe, examples: Any, tensors: dict[str, np.ndarray]) -> Params:
    x, y = jax.tree.map(lambda spec: jax.ShapeDtypeStruct((1, *spec.shape), spec.dtype), examples)
    key = jax.eval_shape(lambda: jax.random.key(0))
    expected = jax.eval_shape(recipe.task.init, key, Batch(x, y, jax.ShapeDtypeStruct((1,), jnp.result_type(float))))
    shapes = {jax.tree_util.keystr(where): leaf for where, leaf in jax.tree_util.tree_leaves_with_path(expected)}
    described = {name: (tuple(leaf.shape), str(leaf.dtype)) for name, leaf in shapes.items()}
    found = {name: (array.shape, str(array.dtype)) for name, array in tensors.items()}
    if described != found:
        odd = sorted(name for name in described.keys() | found.keys() if described.get(name) != found.get(name))
        raise ValueError(f"Its parameters {', '.join(odd[:3])} do not fit the model of its recipe.")
    return jax.tree.unflatten(jax.tree.structure(expected), [tensors[name] for name in shapes])


def _read_tensors(content: bytes) -> dict[str, np.ndarray]:
    import safetensors

    def array(view: dict[str, Any]) -> np.ndarray:
        return np.frombuffer(view["data"], jnp.dtype(DTYPES[view["dtype"]])).reshape(view["shape"])

    return {name: array(view) for name, view in safetensors.deserialize(content)}  # its own NumPy reader has no bfloat16


def _write_examples(value: Any) -> Any:
    """Shapes and dtypes as JSON: {"shape", "dtype"} for an array, {"sequences"} for ``Sequences``, {"fields"} for a dictionary."""
    if isinstance(value, Sequences):
        return {"sequences": [_write_examples(item) for item in value]}
    if isinstance(value, tuple | list):
        return [_write_examples(item) for item in value]
    if isinstance(value, dict):
        return {"fields": {name: _write_examples(item) for name, item in value.items()}}
    return None if value is None else {"shape": list(value.shape), "dtype": str(value.dtype)}


def _read_examples(value: Any) -> Any:
    """What ``_write_examples`` was given, arrays as ShapeDtypeStructs and lists as tuples."""
    if isinstance(value, dict) and value.keys() == {"sequences"}:
        return Sequences(*map(_read_examples, value["sequences"]))
    if isinstance(value, list):
        return tuple(_read_examples(item) for item in value)
    if isinstance(value, dict) and value.keys() == {"shape", "dtype"}:
        return jax.ShapeDtypeStruct(tuple(value["shape"]), jnp.dtype(value["dtype"]))
    return {name: _read_examples(item) for name, item in value["fields"].items()} if isinstance(value, dict) else value


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
