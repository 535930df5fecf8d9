"""An optimizer for each part of the parameters, and for parts of parts, or none where a part is frozen."""

from collections.abc import Callable
from typing import Any

import jax
import optax

from jaxnn.checks import nearest, sentence
from jaxnn.optimizers import Optimizer, scheduled_states
from jaxnn.records import Record, readable
from jaxnn.typing import Metrics, Params


class Optimizers(Record):
    """What ``optimizers`` returns: for each part of the parameters its optimizer, or those of its own parts, or None where it is frozen.

    The layers of a ``Chain`` have their numbers, from 0, for names.
    """

    parts: dict[str, "Optimizer | Optimizers | None"]

    @property
    def members(self) -> tuple[Optimizer, ...]:
        """The optimizers that it is made of."""
        return tuple(part for part in self._by_path().values() if part is not None)

    @property
    def numbers(self) -> dict[str, Any]:
        """The numbers of each part that has an optimizer, by its name."""
        return {name: part.numbers for name, part in self.parts.items() if part is not None}

    def map(self, change: Callable[[Optimizer], Optimizer]) -> "Optimizers":
        """With each of its members changed."""
        return Optimizers({name: None if part is None else part.map(change) for name, part in self.parts.items()})

    def __repr__(self) -> str:
        layers = [readable(self.parts[str(number)]) for number in range(len(self.parts)) if str(number) in self.parts]
        return f"optimizers({', '.join(layers or [f'{name}={readable(part)}' for name, part in self.parts.items()])})"

    def build(self) -> optax.GradientTransformation:
        """The optax transformation of all parts; its ``init`` refuses parameters with other parts than these."""
        transformations = {path: optax.set_to_zero() if part is None else part.build() for path, part in self._by_path().items()}
        return optax.partition(transformations, self._labels)

    def rates(self, state: Any, scale: Any = None) -> Metrics:
        """As of one optimizer, each name with its part before it: ``generator_learning_rate``, ``encoder_0_learning_rate``."""
        states = iter(scheduled_states(state))
        rates: Metrics = {}
        for path, part in sorted(self._by_path().items()):  # as the states of parts stand in the state
            if part is not None:
                own = next(states) if part.schedules else None
                rates |= {f"{path.replace('.', '_')}_{name}": value for name, value in part.rates(own, scale).items()}
        return rates

    def frozen_as(self, source: Params, tree: Params) -> Params:
        """The tree with those parts that have no optimizer as they are in `source`."""

        def chosen(name: str, mine: Params, own: Params) -> Params:
            if name not in self.parts:  # what a layer counts itself, and what has no parameters
                return own
            part = self.parts[name]
            return mine if part is None else part.frozen_as(mine, own)

        if isinstance(tree, dict):
            return {name: chosen(name, source[name], own) for name, own in tree.items()}
        return tuple(chosen(str(number), mine, own) for number, (mine, own) in enumerate(zip(source, tree, strict=True)))

    def _by_path(self, before: str = "") -> dict[str, Optimizer | None]:
        """What its parts have, those of parts of parts by a path with dots."""
        found: dict[str, Optimizer | None] = {}
        for name, part in self.parts.items():
            found |= part._by_path(f"{before}{name}.") if isinstance(part, Optimizers) else {before + name: part}
        return found

    def _labels(self, params: Params, before: str = "") -> Any:
        where = f"the part {before.removesuffix('.')!r} of the parameters" if before else "the parameters"
        if not isinstance(params, dict | tuple):
            known, advice = ", ".join(self.parts), "For all of them together write optimizer(...)."
            raise ValueError(sentence("optimizers", where, f"of the parts {known}", f"a {type(params).__name__}", advice))
        inside = params if isinstance(params, dict) else {str(number): part for number, part in enumerate(params)}
        for name in self.parts.keys() - inside.keys():
            raise ValueError(f"optimizers: {where} have no part {name!r}. {nearest(name, inside)}")
        labels = {name: self._label(before + name, name, part) for name, part in inside.items()}
        return labels if isinstance(params, dict) else tuple(labels.values())

    def _label(self, path: str, name: str, params: Params) -> Any:
        if name not in self.parts:
            if jax.tree.leaves(params):
                raise ValueError(f"optimizers: the part {path!r} of the parameters has no optimizer. Give it None to leave it as it is.")
            return params
        part = self.parts[name]
        return part._labels(params, f"{path}.") if isinstance(part, Optimizers) else path


def optimizers(*layers: Optimizer | Optimizers | None, **parts: Optimizer | Optimizers | None) -> Optimizers:
    """An optimizer for each part of the parameters, None for one that is frozen: it stays as it is.

    What its layers count stays too, as in Keras: a frozen ``BatchNorm`` normalises by its running numbers, in training as after it, and
    another library's module with a state runs as in evaluation. ``Dropout`` drops out in frozen parts as in others.
    The parts are those of the task's parameters: by name generator and discriminator of ``Adversarial``, encoder and decoder of an
    ``Autoencoder``, kernel and bias of a ``Dense``; in their order the layers of a ``Chain``, ``optimizers(None, None, adam)`` for the
    last one of three alone. A part that has parts may be given ``optimizers`` of its own. All numbers are leaves of the recipe. Raises
    TypeError for a part that is none of these, and, before anything is compiled, ValueError for a part that the parameters do not have,
    or that is missing.

    >>> import optax
    >>> from jaxnn import optimizer
    >>> optimizers(generator=optimizer(optax.adam, learning_rate=1e-4), discriminator=None)
    optimizers(discriminator=None, generator=optimizer(optax.adam, learning_rate=0.0001))
    """
    advice = "Write optimizers(generator=optimizer(optax.adam, learning_rate=1e-4), discriminator=None)."
    if bool(layers) == bool(parts):
        raise TypeError(sentence("optimizers", "parts", "given by name, or one for each layer", "both" if parts else "none", advice))
    parts = parts or {str(number): layer for number, layer in enumerate(layers)}
    for name, part in parts.items():
        if not isinstance(part, Optimizer | Optimizers | None):
            raise TypeError(sentence("optimizers", name, "made by optimizer or optimizers, or None", repr(part)[:60], advice))
    return Optimizers(dict(sorted(parts.items())))
