"""How every kind of layer is written: the tables of all families in one."""

from jaxnn.export.onnx import activations, attention, combining, norms, products, recurrence, windows
from jaxnn.export.onnx.graph import Rule
from jaxnn.layers import Layer

FAMILIES = (activations, attention, combining, norms, products, recurrence, windows)

RULES: dict[type[Layer], Rule] = {kind: rule for family in FAMILIES for kind, rule in family.RULES.items()}
