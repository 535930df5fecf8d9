"""Advice in words: what statistics of layers say about vanishing and exploding gradients, saturated and dead units."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxnn.diagnostics.statistics import LayerStatistics

MUCH = 0.5
"""Advice is given where more than this share of a layer is saturated or dead."""
RATIO = 1e3
"""Gradients vanish or explode where the first layer's and the last's, root mean squares, differ by more than this factor."""
LARGE = 1e3
"""A norm of the whole gradient above this explodes by itself."""


def advice(rows: Sequence["LayerStatistics"]) -> tuple[str, ...]:
    """A sentence for each thing that is wrong: what, where, how much, what to try. Empty where nothing is."""
    return (*_not_finite(rows), *_flat(rows), *_gradients(rows))


def _not_finite(rows: Sequence["LayerStatistics"]) -> Iterator[str]:
    bad = [row for row in rows if not math.isfinite(row.mean) or not math.isfinite(row.gradient or 0.0)]
    if bad:
        yield f"{bad[0].path}: outputs or gradients are not finite. first_not_finite says where in a run that began."


def _flat(rows: Sequence["LayerStatistics"]) -> Iterator[str]:
    for row in rows:
        if (row.saturated or 0) > MUCH:
            yield (
                f"{row.path}: {100 * (row.saturated or 0):.0f} % of the outputs of {row.layer} are saturated, and let no gradient through. "
                "Scale the inputs, draw smaller weights, or normalise before it."
            )
        if (row.dead or 0) > MUCH:
            yield (
                f"{row.path}: {100 * (row.dead or 0):.0f} % of the units of {row.layer} are dead: flat for every row. "
                "Lower the learning rate, draw weights by He, or take LeakyReLU."
            )


def _gradients(rows: Sequence["LayerStatistics"]) -> Iterator[str]:
    sized = [(row.path, row.gradient_rms, row.gradient) for row in rows if row.gradient_rms is not None and row.gradient is not None]
    if not sized:
        return
    (first, at_first, _), (last, at_last, _) = sized[0], sized[-1]
    if at_first * RATIO < at_last:
        yield (
            f"Gradients vanish: {at_first:.1e} a number at {first}, {at_last:.1e} at {last}. "
            "Take ReLU with He's weights, normalise, or lead a way round layers (Residual)."
        )
    norm = math.sqrt(sum(size**2 for _, _, size in sized))
    if at_first > RATIO * at_last or norm > LARGE:
        yield (
            f"Gradients explode: {at_first:.1e} a number at {first}, {at_last:.1e} at {last}, norm {norm:.1e}. "
            "Draw smaller weights, scale inputs and targets, clip the gradient, or lower the learning rate."
        )
