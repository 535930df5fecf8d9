"""Encoder and decoder: one sequence is read to its end, another begins with the state that is left."""

from typing import Any, Literal

import jax

from jaxnn.checks import sentence
from jaxnn.layers.base import Layer
from jaxnn.layers.cells import Cell
from jaxnn.layers.recurrent import Recurrent, check_recurrence
from jaxnn.layers.sequences import as_sequences
from jaxnn.records import static
from jaxnn.typing import Key, Params, Sequences


class EncoderDecoder(Layer):
    r"""A cell reads the source; a second of its kind begins with the state that the first ends with, and reads the target.

    Shapes: x = (source, target), (batch, time, features) each with a time and features of its own, arrays or Sequences with lengths; a
    source's state after its own last step is the one handed over. y by ``returns``: "both", the two outputs of all steps,
    (batch, time, units) each, for a further layer of this kind; "target", that of the target alone. ``reverse``: the source is read
    from its last step to its first, so that its beginning is near to that of the target. Parameters: {"encoder", "decoder"}.

    Rule: each way its own, see ``Recurrent``; the cotangent of the state that the decoder began with is that of the encoder's last.
    Source: Sutskever, Vinyals and Le 2014, section 2. Raises as ``Recurrent``, and for an x that is no such pair, or a target with
    a state.

    >>> import jax, jax.numpy as jnp
    >>> from jaxnn.layers.cells import GRU
    >>> layer, x = EncoderDecoder(GRU(3), returns="target"), (jnp.ones((5, 7, 2)), jnp.ones((5, 4, 2)))
    >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
    (5, 4, 3)
    """

    cell: Cell
    returns: Literal["both", "target"] = static(default="both")
    reverse: bool = static(default=False)

    def __post_init__(self) -> None:
        check_recurrence("EncoderDecoder", self.cell, self.returns, ("both", "target"))

    def init(self, key: Key, x: Any) -> Params:
        source, target = self._parts(x)
        encoder_key, decoder_key = jax.random.split(key)
        return {"encoder": self._encoder.init(encoder_key, source), "decoder": self._decoder.init(decoder_key, target)}

    def encode(self, params: Params, source: Any) -> tuple[Any, Any]:
        """The outputs of all steps of the source, as Sequences where it has lengths, and its final state."""
        y = self._encoder.replace(returns="all and state").apply(params["encoder"], source)
        return _without_state(y), y.state

    def decode(self, params: Params, state: Any, target: jax.Array) -> tuple[jax.Array, Any]:
        """The outputs of steps that go on from a state, (batch, time, features) of the target, and the state after them."""
        y = self._decoder.replace(returns="all and state").apply(params["decoder"], Sequences(target, state=state))
        return y.values, y.state

    def apply(self, params: Params, x: Any, key: Key | None = None) -> Any:
        source, target = self._parts(x)
        read = self._encoder.apply(params["encoder"], source)
        y = self._decoder.apply(params["decoder"], _beginning_with(target, self._state(read)))
        return y if self.returns == "target" else (_without_state(read), y)

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        source, target = self._parts(x)
        read, encoder = self._encoder.forward(params["encoder"], source)
        y, decoder = self._decoder.forward(params["decoder"], _beginning_with(target, self._state(read)))
        return (y if self.returns == "target" else (_without_state(read), y)), (encoder, decoder, _given(target))

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        encoder, decoder, given = residuals
        dsource, dtarget = (None, dy) if self.returns == "target" else dy
        ddecoder, dx = self._decoder.backward(params["decoder"], decoder, dtarget)
        dread = dx.state if self.returns == "target" else as_sequences(dsource)._replace(state=dx.state)
        dencoder, dsource = self._encoder.backward(params["encoder"], encoder, dread)
        return {"encoder": dencoder, "decoder": ddecoder}, (dsource, dx.values if given is None else dx._replace(state=None))

    @property
    def _encoder(self) -> Recurrent:
        return Recurrent(self.cell, returns="state" if self.returns == "target" else "all and state", reverse=self.reverse)

    @property
    def _decoder(self) -> Recurrent:
        return Recurrent(self.cell, returns="all")

    def _state(self, read: Any) -> Any:
        return read if self.returns == "target" else read.state

    def _parts(self, x: Any) -> tuple[Any, Any]:
        if type(x) is not tuple or len(x) != 2:
            raise TypeError(sentence("EncoderDecoder", "x", "the two (source, target)", type(x).__name__))
        if isinstance(x[1], Sequences) and x[1].state is not None:
            raise TypeError(sentence("EncoderDecoder", "the target", "without a state, for it begins with the source's", "one"))
        return x


def _beginning_with(target: Any, state: Any) -> Sequences:
    return as_sequences(target)._replace(state=state)


def _without_state(read: Sequences) -> Any:
    return read.values if read.lengths is None else read._replace(state=None)


def _given(target: Any) -> Sequences | None:
    """Whether the target was given as Sequences: a residual without arrays, for it is known while tracing."""
    return Sequences(None) if isinstance(target, Sequences) else None
