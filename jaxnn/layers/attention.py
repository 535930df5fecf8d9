r"""Attention: each step looks at all others and takes most from those that fit; docs/derivations/attention.md derives the rules.

Symbols: queries :math:`q = x W_q + b_q`, keys :math:`k = m W_k`, values :math:`v = m W_v + b_v` from the memory m, which is x itself in
self-attention, each split into ``heads`` of s features; scores :math:`a_{ij} = q_i \cdot k_j / \sqrt s`, weights
:math:`w_{ij} = e^{a_{ij}} / \sum_l e^{a_{il}}` over the steps that may be seen; contexts :math:`c_i = \sum_j w_{ij} v_j`; output
:math:`y = c W_o + b_o`, the heads side by side in c. Keys have no bias: it would add :math:`q_i \cdot b` to all scores of a
query, and the weights would be what they were. Source: Vaswani et al. 2017, section 3.2. Scores and softmax are computed in
float32 at least.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import check_whole, sentence
from jaxnn.layers.base import Layer, check_array, check_floating
from jaxnn.layers.precision import widened
from jaxnn.layers.sequences import as_sequences, cotangent_of, values_of, with_lengths_of, within
from jaxnn.records import static
from jaxnn.typing import Key, Params, Sequences


class MultiHeadAttention(Layer):
    r"""Self-attention: :math:`y_i = \sum_j w_{ij} v_j` in ``heads`` subspaces, mixed by :math:`W_o`.

    Shapes: x (batch, time, features) or Sequences of it, y as x; ``query``, ``value`` and ``output`` are {"kernel", "bias"}, ``key`` is
    {"kernel"}; kernels (features, heads s), that of ``output`` (heads s, features), with s = ``head_features``, or features / heads
    if that is None. ``causal``: step i sees steps j <= i alone. Steps beyond a sequence's length get no weight; what y holds
    at them is finite if x is, and means nothing.

    Rule: the softmax's :math:`da = w\,(dw - \sum_j w\,dw)`, the rest is products; derived in docs/derivations/attention.md. Raises
    ValueError for heads < 1 or that do not divide the features, an x of another number of axes or features than the parameters,
    TypeError for one that is not floating point, lengths that are not (batch,) whole numbers, or a state.

    >>> import jax, jax.numpy as jnp
    >>> x, layer = jnp.ones((5, 3, 8)), MultiHeadAttention(2, causal=True)
    >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
    (5, 3, 8)
    """

    heads: int = static()
    head_features: int | None = static(default=None)
    causal: bool = static(default=False)

    def __post_init__(self) -> None:
        _check_heads("MultiHeadAttention", self.heads, self.head_features)

    def init(self, key: Key, x: Any) -> Params:
        values, _ = _steps("MultiHeadAttention", "x", x)
        return _init("MultiHeadAttention", self.heads, self.head_features, key, values, values)

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        values, lengths = _steps("MultiHeadAttention", "x", x, features=params["query"]["kernel"].shape[0])
        seen = _within(lengths, values.shape[1])
        if self.causal:
            past = jnp.tril(jnp.ones((values.shape[1], values.shape[1]), bool))
            seen = past if seen is None else past & seen
        y, kept = _attend(params, self.heads, values, values, seen)
        return with_lengths_of(x, y), (x, kept)

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        x, kept = residuals
        values = values_of(x)
        dparams, dqueries, dmemory = _attend_backward(params, self.heads, values, values, kept, values_of(dy))
        return dparams, cotangent_of(x, dqueries + dmemory)


class CrossAttention(Layer):
    r"""Attention from one sequence to another: x = (queries, memory), :math:`y_i = \sum_j w_{ij} v_j` with k and v from the memory.

    Shapes: queries (batch, time, features), memory (batch, its time, its features), either may be Sequences; y as the queries.
    Parameters, rule and errors: those of MultiHeadAttention, whose code it shares. Steps beyond a memory's length get no weight.

    >>> import jax, jax.numpy as jnp
    >>> x, layer = (jnp.ones((5, 3, 8)), jnp.ones((5, 7, 4))), CrossAttention(2)
    >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
    (5, 3, 8)
    """

    heads: int = static()
    head_features: int | None = static(default=None)

    def __post_init__(self) -> None:
        _check_heads("CrossAttention", self.heads, self.head_features)

    def init(self, key: Key, x: Any) -> Params:
        queries, memory = _pair(x)
        values = _steps("CrossAttention", "queries", queries)[0], _steps("CrossAttention", "memory", memory)[0]
        return _init("CrossAttention", self.heads, self.head_features, key, *values)

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        queries, memory = _pair(x)
        values, _ = _steps("CrossAttention", "queries", queries, features=params["query"]["kernel"].shape[0])
        remembered, lengths = _steps("CrossAttention", "memory", memory, features=params["key"]["kernel"].shape[0])
        y, kept = _attend(params, self.heads, values, remembered, _within(lengths, remembered.shape[1]))
        return with_lengths_of(queries, y), (x, kept)

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        (queries, memory), kept = residuals
        dparams, dqueries, dmemory = _attend_backward(params, self.heads, values_of(queries), values_of(memory), kept, values_of(dy))
        return dparams, (cotangent_of(queries, dqueries), cotangent_of(memory, dmemory))


def _attend(params: Params, heads: int, queries: jax.Array, memory: jax.Array, seen: jax.Array | None) -> tuple[jax.Array, Any]:
    """y and (q, k, v, w, c); ``seen`` (batch or none, heads or none, queries or 1, keys) says which step may look at which."""
    q, k, v = (_split(_project(params[name], x), heads) for name, x in (("query", queries), ("key", memory), ("value", memory)))
    q = q / math.sqrt(q.shape[-1])
    scores = jnp.einsum("bihs,bjhs->bhij", q, k, preferred_element_type=widened(q).dtype)
    weights = _softmax(scores, seen).astype(q.dtype)
    context = _merge(jnp.einsum("bhij,bjhs->bihs", weights, v))
    return _project(params["output"], context), (q, k, v, weights, context)


def _attend_backward(
    params: Params, heads: int, queries: jax.Array, memory: jax.Array, kept: Any, dy: jax.Array
) -> tuple[Params, jax.Array, jax.Array]:
    """(dparams, dqueries, dmemory): _attend read backwards."""
    q, k, v, weights, context = kept
    doutput, dcontext = _project_backward(params["output"], context, dy)
    dc = _split(dcontext, heads)
    dweights = jnp.einsum("bihs,bjhs->bhij", dc, v)
    dscores = _softmax_backward(weights, dweights, jnp.einsum("bihs,bihs->bhi", dc, _split(context, heads)))
    dv = _merge(jnp.einsum("bhij,bihs->bjhs", weights, dc))
    dk = _merge(jnp.einsum("bhij,bihs->bjhs", dscores, q))
    dq = _merge(jnp.einsum("bhij,bjhs->bihs", dscores, k) / math.sqrt(q.shape[-1]))
    dquery, dqueries = _project_backward(params["query"], queries, dq)
    dkey, by_key = _project_backward(params["key"], memory, dk)
    dvalue, by_value = _project_backward(params["value"], memory, dv)
    return {"query": dquery, "key": dkey, "value": dvalue, "output": doutput}, dqueries, by_key + by_value


def _softmax(scores: jax.Array, seen: jax.Array | None) -> jax.Array:
    """w over the last axis, 0 where ``seen`` is not. Lowest numbers, not minus infinity, for infinity minus infinity is NaN."""
    return jax.nn.softmax(scores if seen is None else jnp.where(seen, scores, jnp.finfo(scores.dtype).min), axis=-1)


def _softmax_backward(weights: jax.Array, dweights: jax.Array, mean: jax.Array) -> jax.Array:
    r"""da = w (dw - mean), the mean :math:`\sum_j w_{ij} dw_{ij} = dc_i \cdot c_i` being a sum over a head's features, not over keys."""
    return weights * (dweights - mean[..., None])


def _project(params: Params, x: jax.Array) -> jax.Array:
    y = x @ params["kernel"]
    return y + params["bias"] if "bias" in params else y


def _project_backward(params: Params, x: jax.Array, dy: jax.Array) -> tuple[Params, jax.Array]:
    """The rule of Dense, with or without a bias."""
    rows, errors = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    dparams = {"kernel": rows.T @ errors, "bias": errors.sum(axis=0)}
    return {name: dparams[name] for name in params}, dy @ params["kernel"].T


def _split(x: jax.Array, heads: int) -> jax.Array:
    return x.reshape(*x.shape[:2], heads, x.shape[2] // heads)


def _merge(x: jax.Array) -> jax.Array:
    return x.reshape(*x.shape[:2], x.shape[2] * x.shape[3])


def _init(where: str, heads: int, head_features: int | None, key: Key, queries: Any, memory: Any) -> Params:
    features = queries.shape[2]
    if head_features is None and features % heads:
        advice = "Give head_features, or other features."
        raise ValueError(sentence(where, "heads", f"a divisor of the {features} features", heads, advice))
    inner = heads * (head_features or features // heads)
    shapes = {"query": (features, inner), "key": (memory.shape[2], inner), "value": (memory.shape[2], inner), "output": (inner, features)}
    draw, keys = jax.nn.initializers.glorot_uniform(), jax.random.split(key, len(shapes))
    params = {name: {"kernel": draw(own, shape, queries.dtype)} for own, (name, shape) in zip(keys, shapes.items(), strict=True)}
    return {name: one if name == "key" else one | {"bias": jnp.zeros(shapes[name][1], queries.dtype)} for name, one in params.items()}


def _within(lengths: Any, time: int) -> jax.Array | None:
    """(batch, 1, 1, time): which steps are meant, None for all."""
    return None if lengths is None else within(lengths, time)[:, None, None]


def _steps(where: str, argument: str, x: Any, *, features: int | None = None) -> tuple[Any, Any]:
    """Values (batch, time, features) and lengths (batch,) or None, of which shapes and dtypes are right."""
    values, lengths, state = as_sequences(x)
    check_array(where, values)
    if len(values.shape) != 3 or features not in (None, values.shape[2]):
        expected = f"of shape (batch, time, {features or 'features'})" + (", as its parameters are" if features else "")
        raise ValueError(sentence(where, argument, expected, f"shape {values.shape}"))
    check_floating(where, values)
    if state is not None:
        raise TypeError(sentence(where, argument, "without a state, which is for recurrent layers", "one"))
    if lengths is not None and (lengths.shape != values.shape[:1] or not jnp.issubdtype(lengths.dtype, jnp.integer)):
        expected = f"whole numbers of shape {values.shape[:1]}, one for each sequence"
        raise TypeError(sentence(where, f"lengths of {argument}", expected, f"{lengths.dtype} of shape {lengths.shape}"))
    return values, lengths


def _pair(x: Any) -> tuple[Any, Any]:
    if isinstance(x, Sequences) or not isinstance(x, tuple) or len(x) != 2:
        raise TypeError(sentence("CrossAttention", "x", "the two (queries, memory)", type(x).__name__))
    return x


def _check_heads(where: str, heads: Any, head_features: Any) -> None:
    check_whole(where, "heads", heads, low=1)
    if head_features is not None:
        check_whole(where, "head_features", head_features, low=1)
