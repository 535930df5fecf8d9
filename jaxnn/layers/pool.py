r"""Pooling: a window of the input becomes one number, channel by channel; docs/derivations/pooling.md derives the rules.

A window is looked at position by position: :math:`x^{(j)}` is the part of x that lies at position j of all windows, of the shape of y.
Slices and elementwise operations in place of ``lax.reduce_window``, whose gradient is slow on CPU; XLA makes one loop of them.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxnn.checks import sentence
from jaxnn.layers.base import Layer, check_array, check_floating
from jaxnn.layers.sequences import as_sequences, cotangent_of, values_of, within
from jaxnn.layers.windows import Pads, Sizes, check_images, check_window, explicit_pads, sizes_of
from jaxnn.records import static
from jaxnn.typing import Key, Params, Sequences


class _Pool(Layer):
    """What the poolings of windows share: where their windows lie."""

    window: Sizes = static(default=(2, 2))
    stride: int | Sizes | None = static(default=None)
    padding: str | int | Pads = static(default="VALID")

    def __post_init__(self) -> None:
        stride = 1 if self.stride is None else self.stride
        check_window(type(self).__name__, self.window, stride=stride, dilation=1, padding=self.padding)

    def init(self, key: Key, x: Any) -> Params:
        check_images(type(self).__name__, x, len(self.window))
        check_floating(type(self).__name__, x)
        for k, pads in zip(self.window, self.pads(x.shape), strict=True):
            if max(pads) >= k:
                raise ValueError(sentence(type(self).__name__, "padding", f"less than the window {self.window}", self.padding))
        return ()

    @property
    def strides(self) -> Sizes:
        """How far windows are apart along each spatial axis."""
        return self.window if self.stride is None else sizes_of(self.stride, len(self.window))

    def pads(self, shape: Sizes) -> Pads:
        """What is padded along each spatial axis of an x of that shape."""
        ones = (1,) * len(self.window)
        return explicit_pads(type(self).__name__, shape[1:-1], self.window, self.strides, ones, self.padding)

    def _positions(self, x: jax.Array, filling: float) -> Iterator[jax.Array]:
        """x at each position of the windows, in the order of the window's elements; `filling` stands outside of x."""
        check_images(type(self).__name__, x, len(self.window))
        edges = ((0, 0, 0), *((before, after, 0) for before, after in self.pads(x.shape)), (0, 0, 0))
        padded = lax.pad(x, jnp.asarray(filling, x.dtype), edges)
        counts = [(n - k) // s + 1 for n, k, s in zip(padded.shape[1:], self.window, self.strides, strict=False)]
        for start in itertools.product(*map(range, self.window)):
            cuts = [slice(a, a + (m - 1) * s + 1, s) for a, m, s in zip(start, counts, self.strides, strict=True)]
            yield padded[(slice(None), *cuts)]

    def _lay_back(self, parts: Callable[[jax.Array], jax.Array], shape: Sizes) -> jax.Array:
        """The transpose of ``_positions``: ``parts(number)`` laid back where position `number` came from, and added up.

        Windows that touch but do not overlap are one loop: each element of x belongs to one window and has one number in it.
        """
        if self.strides == self.window:
            return self._fit(_joined(parts, self.window), shape)
        return sum(  # type: ignore[return-value]
            self._fit(_spread(parts(jnp.asarray(number)), start, self.strides), shape)
            for number, start in enumerate(itertools.product(*map(range, self.window)))
        )

    def _fit(self, laid: jax.Array, shape: Sizes) -> jax.Array:
        """Without what lies on the padding, and with zeros where no window has been."""
        pads = self.pads(shape)
        edges = [(-before, n + before - size, 0) for n, size, (before, _) in zip(shape[1:-1], laid.shape[1:-1], pads, strict=True)]
        return lax.pad(laid, jnp.zeros((), laid.dtype), ((0, 0, 0), *edges, (0, 0, 0)))


class MaxPool(_Pool):
    r"""The largest number of each window: :math:`y = \max_j x^{(j)}`.

    Shapes: x (batch, n..., channels), y (batch, m..., channels) with m = floor((n + pads - window) / stride) + 1; ``stride=None`` is the
    window itself, so that windows do not overlap. Padding counts as -infinity. Rule: dy goes to the position that won, the first of
    equal ones (docs/derivations/pooling.md). Max and an increasing activation change places freely, so put the activation behind
    the pooling: the same function for a fraction of the work. Raises ValueError for an x of another rank, a window larger than the
    padded x, padding so wide that a window could lie on nothing else, TypeError for an x that is not floating point.

    >>> import jax.numpy as jnp
    >>> MaxPool((2,)).apply((), jnp.array([[[1.0], [3.0], [2.0], [0.0]]]))[0, :, 0].tolist()
    [3.0, 2.0]
    """

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        best: Any = None
        winner: Any = None
        dtype = jnp.uint8 if math.prod(self.window) <= 256 else jnp.int32
        for number, candidate in enumerate(self._positions(x, -jnp.inf)):
            better = jnp.ones(candidate.shape, bool) if best is None else (candidate > best) | (candidate != candidate)
            best = candidate if best is None else jnp.where(better, candidate, best)
            winner = jnp.where(better, dtype(number), dtype(0) if winner is None else winner)
        return best, (winner, x[:0])  # no rows of x: only its shape is needed, and arrays are what residuals are made of

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        winner, like = residuals

        def part(number: jax.Array) -> jax.Array:
            at, number = _beside(dy, number), number.astype(winner.dtype)
            return jnp.where(_beside(winner, number) == number, at, jnp.zeros_like(at))

        return (), self._lay_back(part, like.shape)


class AveragePool(_Pool):
    r"""The mean of each window: :math:`y = \frac{1}{c} \sum_j x^{(j)}`, c the elements of the window that lie in x, not on padding.

    Shapes and arguments as ``MaxPool``. Rule: every element of a window gets dy / c. Errors: as ``MaxPool``.

    >>> import jax.numpy as jnp
    >>> AveragePool((2,)).apply((), jnp.array([[[1.0], [3.0], [2.0], [0.0]]]))[0, :, 0].tolist()
    [2.0, 1.0]
    """

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        share = 1 / self._count(x[:1])
        return sum(self._positions(x, 0.0)) * share, (share, x[:0])

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        share, like = residuals

        def part(number: jax.Array) -> jax.Array:
            at = _beside(dy * share, number)
            return jnp.broadcast_to(at, jnp.broadcast_shapes(at.shape, number.shape))

        return (), self._lay_back(part, like.shape)

    def _count(self, x: jax.Array) -> jax.Array:
        """Elements of each window that lie in x, (1, m..., 1)."""
        return sum(self._positions(jnp.ones((1, *x.shape[1:-1], 1), x.dtype), 0.0))  # type: ignore[return-value]


class _GlobalPool(Layer):
    """What the poolings of everything between batch and channels share; of ``Sequences`` only the steps that each row has."""

    def init(self, key: Key, x: Any) -> Params:
        where, values = type(self).__name__, values_of(x)
        check_array(where, values)
        if len(values.shape) < 3:
            expected = "of shape (batch, ..., channels) with something to pool between"
            raise ValueError(sentence(where, "x", expected, f"shape {values.shape}"))
        check_floating(where, values)
        return ()

    def _elements(self, x: Any) -> tuple[jax.Array, jax.Array | None]:
        """Values (rows, elements, channels) and which of them are there, (rows, elements, 1), or None where all are."""
        values, lengths, _ = as_sequences(x)
        if lengths is not None and lengths.shape != values.shape[:1]:
            got = f"shape {lengths.shape}"
            raise ValueError(sentence(type(self).__name__, "lengths", f"one for each of the {values.shape[0]} rows of x", got))
        flat = values.reshape(values.shape[0], -1, values.shape[-1])
        return flat, None if lengths is None else within(lengths, flat.shape[1])[..., None]

    def _kept(self, x: Any) -> Any:
        """x without its rows: what ``_laid_back`` needs to know of it."""
        return x._replace(values=x.values[:0]) if isinstance(x, Sequences) else x[:0]

    def _laid_back(self, x: Any, dvalues: jax.Array) -> Any:
        """The cotangent (rows, elements, channels) in the structure and shape of x."""
        return cotangent_of(x, dvalues.reshape(dvalues.shape[0], *values_of(x).shape[1:]))


class GlobalMaxPool(_GlobalPool):
    """The largest number of each channel: x (batch, n..., channels), y (batch, channels). Rule: as ``MaxPool``, the first of equal ones.

    Of ``Sequences`` only the steps that each row has.

    >>> import jax.numpy as jnp
    >>> GlobalMaxPool().apply((), jnp.array([[[1.0], [3.0], [2.0]]])).tolist()
    [[3.0]]
    """

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[jax.Array, Any]:
        values, there = self._elements(x)
        masked = values if there is None else jnp.where(there, values, jnp.asarray(-jnp.inf, values.dtype))
        winner = jnp.argmax(masked, axis=1, keepdims=True).astype(jnp.int32)
        return jnp.take_along_axis(masked, winner, axis=1)[:, 0], (winner, self._kept(x))

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, Any]:
        winner, x = residuals
        steps = jnp.arange(math.prod(values_of(x).shape[1:-1]), dtype=jnp.int32)[None, :, None]
        return (), self._laid_back(x, jnp.where(steps == winner, dy[:, None], jnp.zeros_like(dy[:, None])))


class GlobalAveragePool(_GlobalPool):
    """The mean of each channel: x (batch, n..., channels), y (batch, channels). Rule: every element gets dy / their number.

    Of ``Sequences`` only the steps that each row has. Source: Lin et al. 2014.

    >>> import jax.numpy as jnp
    >>> GlobalAveragePool().apply((), jnp.array([[[1.0], [3.0], [2.0]]])).tolist()
    [[2.0]]
    """

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[jax.Array, Any]:
        values, there = self._elements(x)
        if there is None:
            share = jnp.full((1, values.shape[1], 1), 1 / values.shape[1], values.dtype)
        else:
            share = there.astype(values.dtype) / there.sum(axis=1, keepdims=True).astype(values.dtype)
        return (values * share).sum(axis=1), (share, self._kept(x))

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, Any]:
        share, x = residuals
        return (), self._laid_back(x, dy[:, None] * share)


def _beside(part: jax.Array, number: jax.Array) -> jax.Array:
    """(rows, m..., channels) with room for the position's number beside each spatial axis, where number has such axes."""
    if number.ndim == 0:
        return part
    return jnp.expand_dims(part, tuple(range(2, 2 * (part.ndim - 2) + 1, 2)))


def _joined(parts: Callable[[jax.Array], jax.Array], window: Sizes) -> jax.Array:
    """All positions at once, each in its place: (rows, m * k..., channels) in one loop."""
    numbers = jnp.arange(math.prod(window), dtype=jnp.int32)
    rank = len(window)
    places = numbers.reshape((1, *(size for k in window for size in (1, k)), 1))
    both = parts(places)
    return both.reshape(both.shape[0], *(both.shape[1 + 2 * axis] * window[axis] for axis in range(rank)), both.shape[-1])


def _spread(part: jax.Array, start: Sizes, stride: Sizes) -> jax.Array:
    """A part with stride - 1 zeros between its elements, moved by its position in the window."""
    edges = [(first, 0, step - 1) for first, step in zip(start, stride, strict=True)]
    return lax.pad(part, jnp.zeros((), part.dtype), ((0, 0, 0), *edges, (0, 0, 0)))
