"""Modules of other libraries as layers: each function returns a Layer that every task, ``fit``, ``fit_many`` and ``sweep`` take.

from_flax     a Flax Linen module
from_nnx      a function that makes a Flax NNX module
from_equinox  a function that makes an Equinox module
from_haiku    what hk.transform or hk.transform_with_state returns
from_pair     an (init, apply) pair of functions
"""

from jaxnn.interop.equinox import from_equinox
from jaxnn.interop.flax import from_flax
from jaxnn.interop.nnx import from_nnx
from jaxnn.interop.pairs import from_haiku, from_pair

__all__ = ["from_equinox", "from_flax", "from_haiku", "from_nnx", "from_pair"]
