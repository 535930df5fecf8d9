"""StableHLO: predictions as one program with the parameters inside, which JAX runs without jaxnn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
from jax import export

from jaxnn.bits import enough_bits, is_wide
from jaxnn.checks import sentence
from jaxnn.model_files import write_at_once
from jaxnn.typing import Sequences

PLATFORMS = ("cpu", "cuda", "tpu")


def save_stablehlo(path: str | Path, model: Any, *, platforms: Sequence[str] = PLATFORMS) -> Path:
    """Writes what ``predict`` of a Run or a Model computes, for any number of rows, and returns the file's path.

    ``jax.export.deserialize(path.read_bytes()).call(x)`` gives the predictions of x (rows, ...) in the dtype of training; ``Sequences``
    are taken as plain tuples (values, lengths, state). Preprocessing is no part of the program: x is what it has made of a table.
    platforms: those of JAX that the program shall run on.

    JAX promises to load such a file for six months of its releases. Raises ValueError for platforms that JAX does not know.
    """
    _check_platforms(platforms)
    rows = export.symbolic_shape("rows")
    like = model.examples[0]
    x = jax.tree.map(lambda spec: jax.ShapeDtypeStruct((*rows, *spec.shape), spec.dtype), like)

    def predictions(x: Any) -> Any:
        return model.recipe.task.predict(model.params, _restored(like, x))

    with enough_bits(is_wide(model.params, like)):
        program = export.export(jax.jit(predictions), platforms=tuple(platforms))(_plain(x))
    return write_at_once(Path(path), bytes(program.serialize()))


def _check_platforms(platforms: Any) -> None:
    known = ("cpu", "cuda", "rocm", "tpu")
    if isinstance(platforms, str) or not platforms or set(platforms) - set(known):
        raise ValueError(sentence("save_stablehlo", "platforms", f"some of {', '.join(known)}", repr(platforms), 'Write ("cpu",) for one.'))


def _plain(x: Any) -> Any:
    """x in containers that JAX's files know: tuples for ``Sequences``."""
    if isinstance(x, Sequences | tuple):
        return tuple(map(_plain, x))
    return {name: _plain(part) for name, part in x.items()} if isinstance(x, dict) else x


def _restored(like: Any, x: Any) -> Any:
    if isinstance(like, Sequences):
        return Sequences(*map(_restored, like, x))
    if isinstance(like, tuple):
        return tuple(map(_restored, like, x))
    return {name: _restored(part, x[name]) for name, part in like.items()} if isinstance(like, dict) else x
