"""Recipe: everything of a training run but its data and its key."""

from typing import get_args

from jaxnn.checks import check_whole, sentence
from jaxnn.optimizers import Optimizer, Optimizers
from jaxnn.records import Record, number, static
from jaxnn.tasks import Engine, Task


class EarlyStopping(Record):
    """Stops a run whose validation loss has not improved by more than ``min_delta`` for ``patience`` epochs.

    The parameters of the best epoch are the ones that the run ends with. Both numbers are hyperparameters.
    """

    patience: float = number(low=1, default=10)
    min_delta: float = number(low=0, default=0.0)


class Recipe(Record):
    """A pytree whose leaves are the hyperparameters of a run and whose structure is everything else.

    Changing a float runs in the program that is already compiled; changing a size, a name or a function makes another.
    None means "not there at all" and so is structure: ``l2=None`` costs nothing, ``l2=0.0`` can be swept.

    task: what is learned. optimizer: see ``optimizer``, or ``optimizers`` for one for each part of the parameters. epochs: passes
    over the training rows. batch_size: rows of a step; the last, smaller batch of an epoch counts with exactly its rows; more than
    all rows means all rows. l2: adds alpha ||kernels||^2 to the loss, the lecture's form (no 1/2, not divided by the rows; biases are
    left out).
    early_stopping: see ``EarlyStopping``; needs validation rows. gradients: "backprop" (the rules written
    by hand) or "autodiff" (``jax.grad``): the same numbers to rounding; by hand is as fast or faster, on CPU 12 times for convolutions.
    """

    task: Task
    optimizer: Optimizer | Optimizers
    epochs: int = static(default=20)
    batch_size: int = static(default=32)
    l2: float | None = number(low=0, default=None)
    early_stopping: EarlyStopping | None = None
    gradients: Engine = static(default="backprop")

    def __post_init__(self) -> None:
        check_whole("Recipe", "epochs", self.epochs, low=1)
        check_whole("Recipe", "batch_size", self.batch_size, low=1)
        if self.gradients not in get_args(Engine):
            raise ValueError(sentence("Recipe", "gradients", " or ".join(map(repr, get_args(Engine))), repr(self.gradients)))
