"""Numbers in another dtype, refused where it cannot hold them: NumPy would wrap whole numbers round without a word."""

from typing import Any

import numpy as np

from jaxnn.checks import sentence


def cast(where: str, argument: str, array: np.ndarray, dtype: Any) -> np.ndarray:
    """The numbers in that dtype, rounded where it is coarser. Raises ValueError for some that are beyond its ends.

    Looks for the least and the most of whole numbers only where not all of their own dtype fit.

    >>> cast("fit", "y", np.array([0, 7]), np.int32).dtype
    dtype('int32')
    """
    dtype = np.dtype(dtype)
    if array.dtype.kind in "iu" and dtype.kind in "iu" and array.size and not np.can_cast(array.dtype, dtype):
        least, most, held = array.min(), array.max(), np.iinfo(dtype)
        if least < held.min or most > held.max:
            advice = "Number those that there are by numpy.unique(..., return_inverse=True), or turn them into floats."
            raise ValueError(sentence(where, argument, f"from {held.min} to {held.max}, as {dtype} is", f"{least} to {most}", advice))
    try:
        with np.errstate(over="raise"):
            return array.astype(dtype, copy=False)
    except FloatingPointError:
        raise ValueError(sentence(where, argument, f"numbers that {dtype} can hold", "larger ones", "Scale them first.")) from None
