"""Which run a checkpoint belongs to: the recipe, key and member, and a fingerprint of the data."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxnn.codec import to_json
from jaxnn.recipes import Recipe
from jaxnn.seals import digest, named


def identity(recipe: Recipe, data: Any, seed: np.ndarray, member: int, names: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What makes a run this one and no other, as JSON gives it back. Not its epochs, for a run may be carried on for longer.

    data: a tree of all arrays that the run depends on, or of what stands for them.
    """
    fields = json.loads(to_json(recipe, names=names))
    del fields["epochs"]
    return {"recipe": fields, "key": seed.tolist(), "member": int(member), "data": digest(named("data", data))}


def check_same_run(where: str, path: Path, there: Any, here: Any) -> None:
    """Refuses a checkpoint of another run, and says by what it is another."""
    odd = _difference("run", there, here)
    if odd is not None:
        advice = "Use another folder, or delete this one."
        raise ValueError(f"{where}: {path} is a checkpoint of another run: {odd.removeprefix('run.')}. {advice}")


def _difference(path: str, there: Any, here: Any) -> str | None:
    """Where two JSON values first differ, in words."""
    if isinstance(there, dict) and isinstance(here, dict):
        parts = (_difference(f"{path}.{name}", there.get(name), here.get(name)) for name in {**here, **there})
        return next((part for part in parts if part is not None), None)
    return None if there == here else f"{path} is {_short(there)} there and {_short(here)} here"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:20]}..."
