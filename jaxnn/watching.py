"""Looking into a layer made of layers: which ones it holds, and what each is given and gives while the whole is applied.

Works for every combinator, those of users among them, without their help: what is applied is a copy in which each layer reports.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from jaxnn.layers import Layer
from jaxnn.layers.base import Holder, children, with_children
from jaxnn.typing import Params


class Call(NamedTuple):
    """What a layer was called with and gave; arrays, or tracers where it is being traced."""

    params: Params
    x: Any
    y: Any


class Pull(NamedTuple):
    """What a layer's backward rule was called with and gave: cotangents."""

    dy: Any
    dparams: Params
    dx: Any


See = Callable[[str, Layer, Call], None]
"""(path, layer, call): the path leads from the whole to the layer, for instance ``layers[0].shortcut``, "" being the whole."""
SeeBack = Callable[[str, Layer, Pull], None]
"""(path, layer, pull)."""


def watched(layer: Layer, see: See, path: str = "", *, see_back: SeeBack | None = None) -> Layer:
    """A copy of the layer, equal to it, that tells ``see`` of each call of itself and of the layers inside, inner ones first.

    see_back is told of each ``backward`` in the same way. What happens inside ``scan`` or ``vmap`` is seen as it is there: one step, one
    lane. Not seen is what a layer does without calling ``apply``, ``forward`` or ``backward`` of those it holds, or in a program that
    was traced before.
    """
    twin = watched_inside(layer, see, path, see_back=see_back)
    _report(twin, lambda call: see(path, layer, call))
    if see_back is not None:
        _report_back(twin, lambda pull: see_back(path, layer, pull))
    return twin


def watched_inside(record: Holder, see: See, path: str = "", *, see_back: SeeBack | None = None) -> Holder:
    """A copy of a record that holds layers, a task for instance, in which these are watched and it is not."""
    inside = {name: watched(child, see, f"{path}.{name}" if path else name, see_back=see_back) for name, child in children(record).items()}
    return with_children(record, inside)


def _report(layer: Layer, see: Callable[[Call], None]) -> None:
    """Puts reporting methods over the layer's own. ``apply`` may stand on ``forward``: only the outer call counts."""
    busy = False

    def reporting(method: Callable[..., Any], output: Callable[[Any], Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(params: Params, x: Any, *rest: Any, **options: Any) -> Any:
            nonlocal busy
            if busy:
                return method(params, x, *rest, **options)
            busy = True
            try:
                result = method(params, x, *rest, **options)
            finally:
                busy = False
            see(Call(params, x, output(result)))
            return result

        return call

    layer.__dict__["apply"] = reporting(layer.apply, lambda y: y)
    layer.__dict__["forward"] = reporting(layer.forward, lambda result: result[0])


def _report_back(layer: Layer, see: Callable[[Pull], None]) -> None:
    backward = layer.backward

    @functools.wraps(backward)
    def call(params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        dparams, dx = backward(params, residuals, dy)
        see(Pull(dy, dparams, dx))
        return dparams, dx

    layer.__dict__["backward"] = call
