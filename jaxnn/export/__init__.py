"""Trained models for where jaxnn is not: as a program of StableHLO, or of ONNX.

save_stablehlo  every model, for JAX and whatever else compiles StableHLO
save_onnx       every model but of functions and layers of one's own, for onnxruntime and its like; needs the extra `onnx`

What predicts and trains on is the model file (``jaxnn.save_model``): it has a digest and the recipe, and loads for good. These files
are plain ones of their formats, so that other programs can read them.
"""

from jaxnn.export.onnx import save_onnx
from jaxnn.export.stablehlo import save_stablehlo

__all__ = ["save_onnx", "save_stablehlo"]
