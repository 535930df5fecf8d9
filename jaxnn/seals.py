"""Seals: a small file in a folder that says what the folder holds and proves it, to the bit.

A seal names each array with its shape and dtype, holds one SHA-256 over all that and over the arrays' bytes, size and SHA-256 of
each file, what else the writer wants to have proved, and a SHA-256 of itself. So damage is seen before anybody reads the files, and
what has been read from them is known to be what was given to be written. It is JSON, and reading it can run no code.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

NAME, FORMAT, VERSION = "jaxnn.json", "jaxnn-checkpoint", 1
MOST_BYTES = 1 << 26
"""A seal is never larger; what claims to be is not read."""


class DamageError(ValueError):
    """What is on disk is not what was written there."""


def write_seal(folder: Path, arrays: Mapping[str, np.ndarray], **meaning: Any) -> None:
    """Seals a folder whose files hold those arrays, with what else they mean, anything that JSON can hold."""
    files = {str(file.relative_to(folder)): _file(file) for file in folder.rglob("*") if file.is_file()}
    fields = {"format": FORMAT, "version": VERSION, "arrays": described(arrays), "content": digest(arrays), "files": files, **meaning}
    with (folder / NAME).open("w", encoding="utf-8") as file:
        file.write(_text(fields | {"sha256": _own(fields)}))
        file.flush()
        os.fsync(file.fileno())


def read_seal(folder: Path) -> dict[str, Any]:
    """The seal of a folder. Raises DamageError where there is none, or a bit of it has changed; ValueError for a later version."""
    path = folder / NAME
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise DamageError(f"it has no {NAME}, or one that is far too large")
    try:
        text = path.read_text("utf-8")
        seal = json.loads(text)
        whole = text == _text(seal) and seal.pop("sha256") == _own(seal) and seal["format"] == FORMAT
    except (ValueError, RecursionError, TypeError, LookupError, AttributeError) as error:
        raise DamageError(f"its {NAME} is not what was written") from error
    if not whole:
        raise DamageError(f"its {NAME} is not what was written")
    if seal["version"] > VERSION:
        raise ValueError(f"{folder} is of format version {seal['version']}, this jaxnn reads up to {VERSION}. Update jaxnn.")
    return seal


def check_files(folder: Path, seal: Mapping[str, Any]) -> None:
    """Raises DamageError unless each file of the seal is there, of its size and with its digest. Sizes come first, and take no memory."""
    for name, (size, _) in seal["files"].items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != size:
            raise DamageError(f"its file {name} is missing or not {size} bytes long")
    for name, (_, written) in seal["files"].items():
        if _file(folder / name)[1] != written:
            raise DamageError(f"the SHA-256 of its file {name} does not match")


def digest(arrays: Mapping[str, Any]) -> str:
    """SHA-256 over names, shapes, dtypes and bytes of arrays.

    >>> import numpy as np
    >>> digest({"a": np.zeros(2, np.float32)}) == digest({"a": np.zeros(2, np.int32)})
    False
    """
    total = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        array = np.asarray(array)
        total.update(_text([name, array.shape, str(array.dtype)]).encode())
        total.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def described(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Shape and dtype by name, as JSON gives them back."""
    return {name: [list(array.shape), str(array.dtype)] for name, array in arrays.items()}


def named(start: str, tree: Any) -> dict[str, Any]:
    """The leaves of a pytree by their path in it, random keys as raw data; shapes and dtypes stay such.

    >>> import numpy as np
    >>> named("state", {"bias": np.zeros(2)})
    {"state['bias']": array([0., 0.])}
    """
    return {start + jax.tree_util.keystr(path): _raw(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def _raw(leaf: Any) -> Any:
    if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return leaf
    return jax.eval_shape(jax.random.key_data, leaf) if isinstance(leaf, jax.ShapeDtypeStruct) else jax.random.key_data(leaf)


def _file(path: Path) -> list[Any]:
    with path.open("rb") as file:
        return [path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()]


def _own(fields: Any) -> str:
    return hashlib.sha256(_text(fields).encode()).hexdigest()


def _text(fields: Any) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
