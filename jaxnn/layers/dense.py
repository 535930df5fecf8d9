r"""The fully connected layer."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.checks import check_whole, sentence
from jaxnn.layers.base import Layer, check_array, check_floating
from jaxnn.records import static
from jaxnn.typing import Key, Params


class Dense(Layer):
    r"""Every output looks at every input: :math:`y = x W + b`.

    Shapes: x (batch, ..., inputs), W = ``kernel`` (inputs, features), b = ``bias`` (features,), y (batch, ..., features).
    Rule (the lecture's :math:`\partial J/\partial\theta = \delta x^T`, summed over the batch):
    :math:`dW = x^T dy`, :math:`db = \sum dy`, :math:`dx = dy W^T`; derived in docs/derivations/dense.md.

    ``initializer`` is a factory of ``jax.nn.initializers`` (not its result, so that equal layers compare equal).
    Raises ValueError for features < 1, an x without a batch axis or of another width than the parameters, TypeError for an x
    that is not floating point.

    >>> import jax, jax.numpy as jnp
    >>> params = Dense(3).init(jax.random.key(0), jnp.ones((5, 2)))
    >>> params["kernel"].shape, Dense(3).apply(params, jnp.ones((5, 2))).shape
    ((2, 3), (5, 3))
    """

    features: int = static()
    initializer: Callable[..., Any] = static(default=jax.nn.initializers.glorot_uniform)

    def __post_init__(self) -> None:
        check_whole("Dense", "features", self.features, low=1)

    def init(self, key: Key, x: Any) -> Params:
        check_array("Dense", x)
        if len(x.shape) < 2:
            raise ValueError(sentence("Dense", "x", "of shape (batch, ..., inputs)", f"shape {x.shape}", "Add the batch axis: x[None]."))
        check_floating("Dense", x)
        kernel = self.initializer()(key, (x.shape[-1], self.features), x.dtype)
        return {"kernel": kernel, "bias": jnp.zeros(self.features, x.dtype)}

    def forward(self, params: Params, x: jax.Array, key: Key | None = None) -> tuple[jax.Array, Any]:
        inputs = params["kernel"].shape[0]
        if x.shape[-1] != inputs:
            raise ValueError(sentence("Dense", "x", f"of shape (batch, ..., {inputs}), as its parameters are", f"shape {x.shape}"))
        return x @ params["kernel"] + params["bias"], x

    def backward(self, params: Params, residuals: Any, dy: jax.Array) -> tuple[Params, jax.Array]:
        rows, errors = residuals.reshape(-1, residuals.shape[-1]), dy.reshape(-1, dy.shape[-1])
        return {"kernel": rows.T @ errors, "bias": errors.sum(axis=0)}, dy @ params["kernel"].T
