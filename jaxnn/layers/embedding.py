"""Tokens as vectors, and where they stand: embeddings and positions; docs/derivations/embedding.md derives the rules."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import check_whole, sentence
from jaxnn.layers.base import Layer, check_array, check_floating, no_cotangent
from jaxnn.layers.precision import widened
from jaxnn.records import static
from jaxnn.typing import Key, Params

LONGEST_WAVE = 10_000.0  # Vaswani et al. 2017, section 3.5
POSITION_SPREAD = 0.02  # standard deviation of new learned positions: small beside embeddings of spread 1


class Embedding(Layer):
    r"""Each token's row of a learned table: :math:`y = \theta_x`.

    Shapes: x (batch, ...) whole numbers from 0 to tokens - 1, :math:`\theta` = ``table`` (tokens, features), y (batch, ..., features).
    Rule: the error of each place is added to the row of its token, :math:`d\theta_t = \sum_{x = t} dy`, in float32 at
    least; whole numbers have no dx. Derived in docs/derivations/embedding.md.

    **A number out of range gives NaN** (and learns nothing): it can't be refused in compiled code, and the nearest row in its place
    would be a mistake that nobody sees; a run that meets one ends as diverged. Pad with a number that is in range, say 0.

    Rows begin with mean 0 and variance 1, as scaled inputs have, in JAX's own float dtype (whole numbers name none). Raises
    ValueError for tokens or features < 1, TypeError for an x that is not whole numbers.

    >>> import jax, jax.numpy as jnp
    >>> x = jnp.array([[2, 0, 2]])
    >>> params = Embedding(5, 4).init(jax.random.key(0), x)
    >>> params["table"].shape, Embedding(5, 4).apply(params, x).shape
    ((5, 4), (1, 3, 4))
    """

    tokens: int = static()
    features: int = static()

    def __post_init__(self) -> None:
        check_whole("Embedding", "tokens", self.tokens, low=1)
        check_whole("Embedding", "features", self.features, low=1)

    def init(self, key: Key, x: Any) -> Params:
        _check_whole_numbers(x)
        return {"table": jax.random.normal(key, (self.tokens, self.features), jnp.result_type(float))}

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        _check_whole_numbers(x)
        rows = jnp.asarray(params["table"]).at[x.astype(jnp.int32)]  # a run's are NumPy's
        return rows.get(mode="fill", fill_value=jnp.nan, wrap_negative_indices=False), x

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        table, x = params["table"], residuals.astype(jnp.int32)
        sums = jnp.zeros_like(widened(table)).at[x].add(widened(dy), mode="drop", wrap_negative_indices=False)
        return {"table": sums.astype(table.dtype)}, no_cotangent(residuals)


class PositionalEncoding(Layer):
    r"""Adds waves by which steps can be told apart: :math:`y_t = x_t + p_t`, with nothing to learn.

    :math:`p_{t, 2i} = \sin(t / 10000^{2i/n})`, :math:`p_{t, 2i+1} = \cos(t / 10000^{2i/n})`, n = features.
    Shapes: x (batch, time, features), y as x. Rule: dx = dy. Source: Vaswani et al. 2017, section 3.5. Raises ValueError for an x of
    another number of axes, TypeError for one that is not floating point.

    >>> import jax.numpy as jnp
    >>> [f"{wave:.2f}" for wave in PositionalEncoding().apply((), jnp.zeros((1, 2, 2)))[0, 1]]
    ['0.84', '0.54']
    """

    def init(self, key: Key, x: Any) -> Params:
        _check_steps("PositionalEncoding", x)
        return ()

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        _check_steps("PositionalEncoding", x)
        return x + jnp.asarray(_waves(*x.shape[1:]), x.dtype), None

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        return (), dy


class LearnedPositions(Layer):
    r"""Adds a learned row for each step: :math:`y_t = x_t + \theta_t`, for sequences of at most ``most`` steps.

    Shapes: x (batch, time, features), :math:`\theta` = ``table`` (most, features), y as x. Rule: :math:`d\theta_t = \sum dy_t` over the
    batch, 0 for steps that are not there; dx = dy. Derived in docs/derivations/embedding.md. Rows begin with standard deviation 0.02.
    Raises ValueError for most < 1, an x of another number of axes, of other features or of more steps, TypeError for one that is
    not floating point.

    >>> import jax, jax.numpy as jnp
    >>> LearnedPositions(9).init(jax.random.key(0), jnp.ones((5, 3, 4)))["table"].shape
    (9, 4)
    """

    most: int = static()

    def __post_init__(self) -> None:
        check_whole("LearnedPositions", "most", self.most, low=1)

    def init(self, key: Key, x: Any) -> Params:
        _check_steps("LearnedPositions", x)
        self._check_room(x)
        return {"table": POSITION_SPREAD * jax.random.normal(key, (self.most, x.shape[2]), x.dtype)}

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        _check_steps("LearnedPositions", x, features=params["table"].shape[1])
        self._check_room(x)
        return x + params["table"][: x.shape[1]], None

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        return {"table": jnp.pad(dy.sum(axis=0), ((0, self.most - dy.shape[1]), (0, 0)))}, dy

    def _check_room(self, x: Any) -> None:
        if x.shape[1] > self.most:
            advice = f"Write LearnedPositions({x.shape[1]}), or cut the sequences."
            raise ValueError(sentence("LearnedPositions", "x", f"of at most {self.most} steps", f"{x.shape[1]}", advice))


@functools.lru_cache(maxsize=16)
def _waves(time: int, features: int) -> np.ndarray:
    """p (time, features), in float64 whatever JAX's precision is: an angle of a thousand radians leaves float32 few digits."""
    columns = np.arange(features)
    angles = np.arange(time)[:, None] / LONGEST_WAVE ** (columns // 2 * 2 / features)
    return np.where(columns % 2 == 0, np.sin(angles), np.cos(angles))


def _check_whole_numbers(x: Any) -> None:
    if not hasattr(x, "dtype"):
        advice = "For Sequences write Timewise(Embedding(...))."
        raise TypeError(sentence("Embedding", "x", "an array of whole numbers", type(x).__name__, advice))
    if not jnp.issubdtype(x.dtype, jnp.integer):
        advice = "Number the tokens from 0, for instance by numpy.unique(tokens, return_inverse=True)."
        raise TypeError(sentence("Embedding", "x", "an array of whole numbers", f"dtype {x.dtype}", advice))


def _check_steps(where: str, x: Any, *, features: int | None = None) -> None:
    check_array(where, x)
    if len(x.shape) != 3 or features not in (None, x.shape[2]):
        raise ValueError(sentence(where, "x", f"of shape (batch, time, {features or 'features'})", f"shape {x.shape}"))
    check_floating(where, x)
