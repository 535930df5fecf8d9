"""ONNX: predictions as a graph of plain operations, for runtimes that know nothing of JAX.

graph        what is written, and what a rule is
writing      a layer by its rule
rules        the table of all rules, which the files of each family of layers make
predictions  what tasks make of outputs
files        save_onnx
"""

from jaxnn.export.onnx.files import save_onnx
from jaxnn.export.onnx.graph import Graph, Value

__all__ = ["Graph", "Value", "save_onnx"]
