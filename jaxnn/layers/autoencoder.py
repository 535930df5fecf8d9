r"""Autoencoders: an encoder that writes x as a short code, and a decoder that reads it; docs/derivations/autoencoder.md derives the rules.

Symbols: x (batch, ...) the input, z the code, (batch, latent) where there is a distribution over it, y the reconstruction of x.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnn.checks import check_whole, sentence
from jaxnn.layers.base import Layer
from jaxnn.layers.combine import check_layers, layer_keys
from jaxnn.records import static
from jaxnn.typing import Key, Params


class VariationalOutput(NamedTuple):
    """What a variational autoencoder gives: reconstruction (batch, ...) as x, mean and log_variance (batch, latent) of q(z|x)."""

    reconstruction: Any
    mean: Any
    log_variance: Any


class Autoencoder(Layer):
    """y = decoder(encoder(x)). Its parameters are {"encoder": ..., "decoder": ...}. Rule: that of a chain of the two.

    ``encode(params, x)`` gives the code, ``decode(params, code)`` what a code stands for, both without dropout and the like.

    >>> import jax, jax.numpy as jnp
    >>> from jaxnn.layers import Dense
    >>> model, x = Autoencoder(Dense(2), Dense(8)), jnp.ones((5, 8))
    >>> params = model.init(jax.random.key(0), x)
    >>> model.encode(params, x).shape, model.apply(params, x).shape
    ((5, 2), (5, 8))
    """

    encoder: Layer
    decoder: Layer

    def init(self, key: Key, x: Any) -> Params:
        check_layers("Autoencoder", (self.encoder, self.decoder), "Autoencoder(Dense(2), Dense(8))", argument="encoder and decoder")
        encoder_key, decoder_key = jax.random.split(key)
        encoder = self.encoder.init(encoder_key, x)
        return {"encoder": encoder, "decoder": self.decoder.init(decoder_key, jax.eval_shape(self.encoder.apply, encoder, x))}

    def encode(self, params: Params, x: Any) -> Any:
        """The code of each row, (batch, ...) as the encoder gives it."""
        return self.encoder.apply(params["encoder"], x)

    def decode(self, params: Params, code: Any) -> Any:
        """The reconstruction (batch, ...) that each code stands for."""
        return self.decoder.apply(params["decoder"], code)

    def apply(self, params: Params, x: Any, key: Key | None = None) -> Any:
        encoder_key, decoder_key = layer_keys(key, (self.encoder, self.decoder))
        return self.decoder.apply(params["decoder"], self.encoder.apply(params["encoder"], x, encoder_key), decoder_key)

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        encoder_key, decoder_key = layer_keys(key, (self.encoder, self.decoder))
        code, encoder = self.encoder.forward(params["encoder"], x, encoder_key)
        y, decoder = self.decoder.forward(params["decoder"], code, decoder_key)
        return y, (encoder, decoder)

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        encoder, decoder = residuals
        ddecoder, dcode = self.decoder.backward(params["decoder"], decoder, dy)
        dencoder, dx = self.encoder.backward(params["encoder"], encoder, dcode)
        return {"encoder": dencoder, "decoder": ddecoder}, dx


class VariationalAutoencoder(Layer):
    r"""The encoder gives a distribution over codes, :math:`q(z|x) = N(\mu, e^v)` with v the log variance; the decoder reads a draw of it.

    Training: :math:`z = \mu + e^{v/2} \epsilon`, :math:`\epsilon \sim N(0, 1)`; evaluation: :math:`z = \mu`. Output:
    ``VariationalOutput(reconstruction, mean, log_variance)``. Shapes: x (batch, ...), encoder(x) (batch, 2 latent), the means before
    the log variances; z (batch, latent). Rule: :math:`d\mu \mathrel{+}= dz`, :math:`dv \mathrel{+}= dz\,\epsilon\,e^{v/2}/2`.

    ``encode(params, x)`` gives the means, ``decode(params, code)`` what a code stands for. Source: Kingma and Welling 2014, section 2.4.
    Raises ValueError for latent < 1 and an encoder that does not give 2 latent numbers for each row.

    >>> import jax, jax.numpy as jnp
    >>> from jaxnn.layers import Dense
    >>> model, x = VariationalAutoencoder(Dense(4), Dense(8), latent=2), jnp.ones((5, 8))
    >>> output = model.apply(model.init(jax.random.key(0), x), x)
    >>> output.reconstruction.shape, output.mean.shape
    ((5, 8), (5, 2))
    """

    encoder: Layer
    decoder: Layer
    latent: int = static()

    def __post_init__(self) -> None:
        check_whole("VariationalAutoencoder", "latent", self.latent, low=1)

    @property
    def draws(self) -> bool:
        return True

    def init(self, key: Key, x: Any) -> Params:
        example = "VariationalAutoencoder(Dense(4), Dense(8), latent=2)"
        check_layers("VariationalAutoencoder", (self.encoder, self.decoder), example, argument="encoder and decoder")
        encoder_key, decoder_key = jax.random.split(key)
        encoder = self.encoder.init(encoder_key, x)
        moments = jax.eval_shape(self.encoder.apply, encoder, x)
        if len(moments.shape) != 2 or moments.shape[1] != 2 * self.latent:
            expected = f"of shape (batch, {2 * self.latent}), means and log variances of the {self.latent} numbers of a code"
            raise ValueError(sentence("VariationalAutoencoder", "the encoder's output", expected, f"shape {moments.shape}"))
        code = jax.ShapeDtypeStruct((moments.shape[0], self.latent), moments.dtype)
        return {"encoder": encoder, "decoder": self.decoder.init(decoder_key, code)}

    def encode(self, params: Params, x: Any) -> jax.Array:
        """The mean (batch, latent) of each row's distribution over codes."""
        return self.encoder.apply(params["encoder"], x)[:, : self.latent]

    def decode(self, params: Params, code: jax.Array) -> Any:
        """The reconstruction (batch, ...) that each code (batch, latent) stands for."""
        return self.decoder.apply(params["decoder"], code)

    def apply(self, params: Params, x: Any, key: Key | None = None) -> Any:
        code_key, encoder_key, decoder_key = self._keys(key)
        mean, log_variance, spread = self._distribution(self.encoder.apply(params["encoder"], x, encoder_key), code_key)
        y = self.decoder.apply(params["decoder"], mean if spread is None else mean + spread, decoder_key)
        return VariationalOutput(y, mean, log_variance)

    def forward(self, params: Params, x: Any, key: Key | None = None) -> tuple[Any, Any]:
        code_key, encoder_key, decoder_key = self._keys(key)
        moments, encoder = self.encoder.forward(params["encoder"], x, encoder_key)
        mean, log_variance, spread = self._distribution(moments, code_key)
        y, decoder = self.decoder.forward(params["decoder"], mean if spread is None else mean + spread, decoder_key)
        return VariationalOutput(y, mean, log_variance), (encoder, spread, decoder)

    def backward(self, params: Params, residuals: Any, dy: Any) -> tuple[Params, Any]:
        encoder, spread, decoder = residuals
        ddecoder, dcode = self.decoder.backward(params["decoder"], decoder, dy.reconstruction)
        dlog_variance = dy.log_variance if spread is None else dy.log_variance + dcode * spread / 2
        dencoder, dx = self.encoder.backward(params["encoder"], encoder, jnp.concatenate([dy.mean + dcode, dlog_variance], axis=1))
        return {"encoder": dencoder, "decoder": ddecoder}, dx

    def _keys(self, key: Key | None) -> tuple[Key | None, ...]:
        code_key, rest = (None, None) if key is None else jax.random.split(key)
        return code_key, *layer_keys(rest, (self.encoder, self.decoder))

    def _distribution(self, moments: jax.Array, key: Key | None) -> tuple[jax.Array, jax.Array, jax.Array | None]:
        """The mean, the log variance, and with a key how far from the mean a draw falls."""
        mean, log_variance = moments[:, : self.latent], moments[:, self.latent :]
        return mean, log_variance, None if key is None else jnp.exp(log_variance / 2) * jax.random.normal(key, mean.shape, mean.dtype)
