"""Both directions: a sequence read forwards and backwards, side by side."""

from typing import Any, Literal

import jax
import jax.numpy as jnp

from jaxnn.layers.base import Layer
from jaxnn.layers.cells import Cell
from jaxnn.layers.recurrent import Recurrent, check_recurrence
from jaxnn.records import static
from jaxnn.typing import Key, Params, Sequences


class Bidirectional(Layer):
    """A cell taken through time both ways, with parameters for each; the outputs stand side by side: y = [forwards, backwards].

    Shapes: x (batch, time, features) or Sequences, whose state is the pair of both ways' initial states; y by ``returns``: "last"
    (batch, 2 units), what each way ends with; "all" (batch, time, 2 units), as Sequences where x had lengths. Rule: each way its
    own, see ``Recurrent``; dx is the sum of both. Source: Schuster and Paliwal 1997. Raises as ``Recurrent``.

    >>> import jax, jax.numpy as jnp
    >>> from jaxnn.layers.cells import GRU
    >>> layer, x = Bidirectional(GRU(3)), jnp.ones((5, 7, 2))
    >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
    (5, 6)
    """

    cell: Cell
    returns: Literal["last", "all"] = static(default="last")
    truncate: int | None = static(default=None)

    def __post_init__(self) -> None:
        check_recurrence("Bidirectional", self.cell, self.returns, ("last", "all"))
        self._ways()

    def init(self, key: Key, x: Any) -> Params:
        ways = zip(("forward", "backward"), self._ways(), jax.random.split(key), strict=True)
        return {name: way.init(way_key, x) for name, way, way_key in ways}

    def apply(self, params: Params, x: Any, key: Key | None = None) -> Any:
        (there, back), (x_there, x_back) = self._ways(), _for_each_way(x)
        return _side_by_side(there.apply(params["forward"], x_there), back.apply(params["backward"], x_back))

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        (there, back), (x_there, x_back) = self._ways(), _for_each_way(x)
        y_there, kept_there = there.forward(params["forward"], x_there)
        y_back, kept_back = back.forward(params["backward"], x_back)
        return _side_by_side(y_there, y_back), (kept_there, kept_back)

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        (there, back), (dy_there, dy_back) = self._ways(), _halves(dy)
        dforward, dx_there = there.backward(params["forward"], residuals[0], dy_there)
        dbackward, dx_back = back.backward(params["backward"], residuals[1], dy_back)
        return {"forward": dforward, "backward": dbackward}, _sum_of_ways(dx_there, dx_back)

    def _ways(self) -> tuple[Recurrent, Recurrent]:
        there = Recurrent(self.cell, returns=self.returns, truncate=self.truncate)
        return there, there.replace(reverse=True)


def _for_each_way(x: Any) -> tuple[Any, Any]:
    if not isinstance(x, Sequences) or x.state is None:
        return x, x
    there, back = x.state
    return x._replace(state=there), x._replace(state=back)


def _side_by_side(there: Any, back: Any) -> Any:
    if isinstance(there, Sequences):
        return there._replace(values=_side_by_side(there.values, back.values))
    return jnp.concatenate([there, back], axis=-1)


def _halves(dy: Any) -> tuple[Any, Any]:
    if isinstance(dy, Sequences):
        there, back = _halves(dy.values)
        return dy._replace(values=there), dy._replace(values=back)
    there, back = jnp.split(dy, 2, axis=-1)
    return there, back


def _sum_of_ways(there: Any, back: Any) -> Any:
    """The cotangent of what both read; each way's state is its own."""
    if not isinstance(there, Sequences):
        return there + back
    state = None if there.state is None else (there.state, back.state)
    return Sequences(there.values + back.values, there.lengths, state)
