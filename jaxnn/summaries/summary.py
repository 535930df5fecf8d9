"""The summary of a model: what each of its layers makes of an input of this shape, and what that costs."""

from dataclasses import dataclass, field
from typing import Any

import jax

from jaxnn.bits import enough_bits, is_wide
from jaxnn.layers import Layer
from jaxnn.layers.base import children
from jaxnn.layers.buffers import without_buffers
from jaxnn.summaries.flops import flops
from jaxnn.summaries.models import batch_of, layer_of, shape, shapes, short
from jaxnn.summaries.table import html, text, total_bytes
from jaxnn.typing import Params
from jaxnn.watching import Call, watched


@dataclass(frozen=True)
class Row:
    """A layer of the model. path: the code that leads to it, "" for the model itself. layer: the code that makes it, shortened.

    output: shapes and dtypes of what it gives. parameters: how many numbers are learned; parameter_bytes are with those that are not,
    running means and the like. These, flops and output_bytes are of one use, with all that is inside. They and output are None for
    a layer that the one around it holds but never calls.
    """

    path: str
    layer: str
    output: Any = None
    parameters: int | None = None
    flops: int | None = None
    parameter_bytes: int | None = None
    output_bytes: int | None = None


@dataclass(frozen=True, repr=False)
class Summary:
    """Rows for the model and each layer in it, outer before inner; prints as a table of at most 100 columns, in notebooks as HTML.

    x: shapes and dtypes of the input. residual_bytes: what training keeps of a forward pass for the backward one, each array counted
    once, parameters left out. ``model``, the first row, has the totals.
    """

    x: Any
    rows: tuple[Row, ...] = field(repr=False)
    residual_bytes: int

    @property
    def model(self) -> Row:
        """The row of the whole model."""
        return self.rows[0]

    def __repr__(self) -> str:
        return text(self)

    def _repr_html_(self) -> str:
        return html(self)


def summary(model: Any, x: Any = None) -> Summary:
    """What a model is made of, and what it costs to apply it to x: shapes are traced, and no array is computed.

    model: a Layer; or a Task, a Recipe, a Run or a loaded Model with one network in it, which is meant. x: a batch, or its shapes:
    arrays, ``ShapeDtypeStruct``, a tuple of whole numbers for floats of that shape, or a pytree of these. A Run or a Model knows the
    shape of its examples: without x a batch of its recipe is taken. FLOPs are of one forward pass of x without a key (see ``flops``);
    a layer that is used several times has those of one use, the layer around it has all.

    Raises TypeError for anything else, and what the layers say of an x that does not suit them.

    >>> from jaxnn import models
    >>> summary(models.mlp((16,), 3), (32, 4))
    layer                                 output    parameters  bytes  output bytes    FLOPs
    x                                     (32, 4)                             512 B
    Chain(…)                              (32, 3)          131  524 B         384 B  8.288 k
      0 Dense(16, initializer=he_normal)  (32, 16)          80  320 B      2.048 kB  4.608 k
      1 ReLU()                            (32, 16)           0    0 B      2.048 kB      512
      2 Dense(3)                          (32, 3)           51  204 B         384 B  3.168 k
    Training keeps 4.608 kB of a forward pass for the backward pass.
    """
    layer = layer_of(model)
    with enough_bits(getattr(model, "wide", False) or is_wide(getattr(model, "params", ()), getattr(model, "examples", ()))):
        x = shapes(batch_of(model) if x is None else x)
        params = jax.eval_shape(lambda key: layer.init(key, x), _key())
        calls: dict[str, Call] = {}
        kept = _trace(layer, params, x, calls)
        return Summary(x=x, rows=tuple(_rows(layer, "", calls)), residual_bytes=kept)


def _trace(layer: Layer, params: Params, x: Any, calls: dict[str, Call]) -> int:
    """Traces a forward pass of training, notes each layer's first call as shapes, and returns the bytes of the residuals."""
    kept = 0

    def see(path: str, layer: Layer, call: Call) -> None:
        del layer
        calls.setdefault(path, Call(*(jax.tree.map(shape, part) for part in call)))

    def forward(params: Params, x: Any, key: Any) -> Any:
        nonlocal kept
        y, residuals = watched(layer, see).forward(params, x, key)
        given = {id(leaf) for leaf in jax.tree.leaves(params)}
        kept = total_bytes(list({id(leaf): leaf for leaf in jax.tree.leaves(residuals) if id(leaf) not in given}.values()))
        return y

    jax.eval_shape(forward, params, x, _key() if layer.draws else None)
    return kept


def _key() -> Any:
    return jax.eval_shape(jax.random.key, 0)


def _rows(layer: Layer, path: str, calls: dict[str, Call]) -> list[Row]:
    inside = children(layer)
    row = Row(path, short(layer))
    if path in calls:
        params, x, y = calls[path]
        count = sum(leaf.size for leaf in jax.tree.leaves(without_buffers(params)))
        row = Row(path, row.layer, y, count, flops(layer.apply, params, x), total_bytes(params), total_bytes(y))
    return [row, *(below for name, child in inside.items() for below in _rows(child, f"{path}.{name}" if path else name, calls))]
