"""Runs as the tests of the loop compile them, and rows to train and validate on."""

import jax
import numpy as np

from jaxnn import Data, advance, start
from jaxnn.compiling import compiled

MEMBER = np.int32(3)
go_on = compiled(advance, static=("epochs",))
go_once = compiled(advance, once=True, static=("epochs",))  # compiles sooner, where the question isn't one of bits
begin = compiled(start, once=True)


def split(x: np.ndarray, y: np.ndarray) -> Data:
    """All but five rows to train on, in reversed order so that row numbers matter, and five to validate on."""
    rows = np.arange(len(x), dtype=np.int32)[::-1].copy()
    return jax.device_put(Data(x=x, y=y, train=rows[5:], validation=rows[:5]))
