"""Windows that pass over images and series: what convolution and pooling have in common of sizes, strides and padding."""

from collections.abc import Sequence
from typing import Any

from jax import lax

from jaxnn.checks import sentence
from jaxnn.layers.base import check_array

Sizes = tuple[int, ...]
"""A whole number for each spatial axis."""
Pads = tuple[tuple[int, int], ...]
"""What is added (before, after) along each spatial axis."""

LAYOUTS = {1: "(batch, time, channels)", 2: "(batch, height, width, channels)", 3: "(batch, depth, height, width, channels)"}


def sizes_of(value: int | Sequence[int], rank: int) -> Sizes:
    """One number for each axis: a whole number stands for all of them."""
    return (value,) * rank if isinstance(value, int) else tuple(value)


def explicit_pads(where: str, sizes: Sizes, window: Sizes, stride: Sizes, dilation: Sizes, padding: str | int | Pads) -> Pads:
    """Padding as numbers. Raises ValueError where the window does not fit into what it makes of an x of those sizes."""
    reach = tuple((k - 1) * d + 1 for k, d in zip(window, dilation, strict=True))
    if isinstance(padding, str):
        pads = tuple(lax.padtype_to_pads(sizes, reach, stride, padding))
    else:
        pads = ((padding, padding),) * len(window) if isinstance(padding, int) else padding
    for size, (before, after), wide in zip(sizes, pads, reach, strict=True):
        if size + before + after < wide:
            advice = "Use a smaller window, 'SAME' padding, or fewer layers that shrink."
            raise ValueError(sentence(where, "window", f"within x of sizes {sizes} and its padding", f"{window} reaching {reach}", advice))
    return tuple((int(before), int(after)) for before, after in pads)


def transposed_pads(where: str, sizes: Sizes, reach: Sizes, spread: Sizes, padding: str | int | Pads) -> Pads:
    """What a transposed convolution pads its spread x with, negative where it cuts off. Raises ValueError where nothing is left."""
    if isinstance(padding, str):
        return tuple(_transposed(k, s, padding) for k, s in zip(reach, spread, strict=True))
    cut = ((padding, padding),) * len(reach) if isinstance(padding, int) else padding
    whole = tuple((n - 1) * s + k for n, s, k in zip(sizes, spread, reach, strict=True))
    if any(m <= before + after for m, (before, after) in zip(whole, cut, strict=True)):
        raise ValueError(sentence(where, "padding", f"less than the {whole} numbers that it is cut off from", padding))
    return tuple((k - 1 - before, k - 1 - after) for k, (before, after) in zip(reach, cut, strict=True))


def _transposed(k: int, s: int, padding: str) -> tuple[int, int]:
    if padding == "VALID":
        return k - 1, s - 1 + max(k - s, 0)
    both = k + s - 2
    before = k - 1 if s > k - 1 else -(-both // 2)
    return before, both - before


def check_images(where: str, x: Any, rank: int) -> None:
    """Refuses an x that has not `rank` spatial axes between batch and channels."""
    check_array(where, x)
    if len(x.shape) != rank + 2:
        advice = "For images without a channel axis: x[..., None]." if len(x.shape) == rank + 1 else ""
        raise ValueError(sentence(where, "x", f"of shape {LAYOUTS[rank]}", f"shape {x.shape}", advice))


def check_window(where: str, window: Any, *, stride: Any, dilation: Any, padding: Any) -> None:
    """Refuses windows, strides and dilations that are not whole numbers from 1, one for each axis, and unknown padding."""
    if not _whole(window, 1) or len(window) not in LAYOUTS:
        raise ValueError(sentence(where, "window", "a tuple of 1 to 3 whole numbers >= 1", repr(window), "Write (3, 3) for images."))
    rank = len(window)
    for name, value in (("stride", stride), ("dilation", dilation)):
        if not (_whole((value,), 1) or (_whole(value, 1) and len(value) == rank)):
            raise ValueError(sentence(where, name, f"a whole number >= 1, or {rank} of them", repr(value)))
    pairs = isinstance(padding, tuple) and len(padding) == rank and all(_whole(pair, 0) and len(pair) == 2 for pair in padding)
    if padding not in ("SAME", "VALID") and not _whole((padding,), 0) and not pairs:
        expected = f"'SAME', 'VALID', a whole number >= 0, or {rank} pairs (before, after)"
        raise ValueError(sentence(where, "padding", expected, repr(padding)))


def _whole(values: Any, low: int) -> bool:
    return isinstance(values, tuple) and all(isinstance(value, int) and not isinstance(value, bool) and value >= low for value in values)
