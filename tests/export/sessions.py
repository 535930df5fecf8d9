"""Files of ONNX run by onnxruntime."""

from pathlib import Path
from typing import Any

import jax
import onnxruntime


def session_of(model: Path | bytes) -> onnxruntime.InferenceSession:
    """A session with a file, or with what stands in one, on the CPU."""
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def run(session: onnxruntime.InferenceSession, x: Any) -> list[Any]:
    """All outputs for x, whose arrays are the inputs in their order."""
    given = [value.name for value in session.get_inputs()]
    return session.run(None, dict(zip(given, jax.tree.leaves(x), strict=True)))
