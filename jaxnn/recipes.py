"""Recipe: everything of a training run but its data and its key."""

from typing import TypeVar, get_args

from jaxnn.averaging import Averaging
from jaxnn.checks import check_whole, sentence
from jaxnn.clipping import Clip
from jaxnn.measuring import Named, mode_of, named_metrics
from jaxnn.optimizers import Optimizer
from jaxnn.parts import Optimizers
from jaxnn.precision import Precision, check_precision
from jaxnn.records import Record, number, static
from jaxnn.stopping import EarlyStopping, Monitor, ReduceOnPlateau
from jaxnn.tasks import Engine, Task

Strength = float | tuple[float, ...] | dict[str, float]
"""Of a penalty: one number for all kernels, or one for each top-level part of the parameters."""
Rule = TypeVar("Rule", bound=Monitor)


class Recipe(Record):
    """A pytree whose leaves are the hyperparameters of a run and whose structure is everything else.

    Changing a float runs in the program that is already compiled; changing a size, a name or a function makes another.
    None means "not there at all" and so is structure: ``l2=None`` costs nothing, ``l2=0.0`` can be swept.

    What is trained: task; optimizer, see ``optimizer``, or ``optimizers`` for one for each part of the parameters. epochs: passes over
    the training rows. batch_size: rows that gradients are computed of at once; the last, smaller batch of an epoch counts with exactly
    its rows; more than all rows means all rows. accumulation: an update is the mean over so many batches, for batches that memory does
    not hold.

    Against learning by heart: l2 adds alpha ||kernels||^2 to the loss, the lecture's form (no 1/2, not divided by the rows; biases are
    left out), l1 adds alpha |kernels|; each one number, or one for each top-level part of the parameters, a tuple for the layers of a
    ``Chain``. max_norm limits the norm of each neuron's incoming weights, where there is no ``Repeat``. input_noise is the standard
    deviation of normal noise on x, which autoencoders then reproduce, at each step; mixup is the alpha of rows between two examples, at
    twice the cost of a step.

    The way: clip, see ``ClipByNorm``; averaging of parameters, see ``Averaging``; early_stopping, see ``EarlyStopping``; plateau, smaller
    steps where nothing improves, see ``ReduceOnPlateau``. precision: "bfloat16" or "float16" to compute gradients in, parameters stay as
    they are; "float64" for the whole run and its predictions, whatever the data are and JAX is set to. gradients: "backprop" (the rules
    written by hand) or "autodiff" (``jax.grad``), the same numbers to rounding. norms: means of the norms of gradients (before clipping)
    and updates are in the history; not by default, for on CPU they make a step of 25 microseconds 1.15 times as long and cost 0.1 s of
    compiling. measure_training: all training rows are evaluated at the end of each epoch as those of validation are, ``training_...`` in
    the history. metrics: what is measured then beside what the task measures, of all rows of a set at once, by name: functions
    metric(y, predictions, *, weight), of ``jaxnn.metrics`` or your own in jax.numpy, or a ``functools.partial`` of one with options by
    name. ``{"auc": metrics.roc_auc}`` puts ``validation_auc`` into the history. Rows count by their weight, classes by no weights of
    their own.
    """

    task: Task
    optimizer: Optimizer | Optimizers
    epochs: int = static(default=20)
    batch_size: int = static(default=32)
    accumulation: int = static(default=1)
    l2: Strength | None = number(low=0, default=None)
    l1: Strength | None = number(low=0, default=None)
    max_norm: float | None = number(low=0, open_low=True, default=None)
    input_noise: float | None = number(low=0, default=None)
    mixup: float | None = number(low=0, open_low=True, default=None)
    clip: Clip | None = None
    averaging: Averaging | None = None
    early_stopping: EarlyStopping | None = None
    plateau: ReduceOnPlateau | None = None
    precision: Precision | None = static(default=None)
    gradients: Engine = static(default="backprop")
    norms: bool = static(default=False)
    measure_training: bool = static(default=False)
    metrics: Named | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulation"):
            check_whole("Recipe", name, getattr(self, name), low=1)
        for name in ("norms", "measure_training"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(sentence("Recipe", name, "True or False", repr(getattr(self, name))))
        object.__setattr__(self, "metrics", named_metrics("Recipe", self.metrics))
        if self.gradients not in get_args(Engine):
            raise ValueError(sentence("Recipe", "gradients", " or ".join(map(repr, get_args(Engine))), repr(self.gradients)))
        if self.precision is not None:
            if self.precision not in get_args(Precision):
                raise ValueError(sentence("Recipe", "precision", "'bfloat16', 'float16', 'float64' or None", repr(self.precision)))
            check_precision("Recipe", self.precision, self.task)

    @property
    def wide(self) -> bool:
        """Whether all is computed in float64, whatever the data and JAX's setting."""
        return self.precision == "float64"

    @property
    def monitors(self) -> dict[str, Monitor]:
        """What watches a metric, by the name of its field."""
        found = {"early_stopping": self.early_stopping, "plateau": self.plateau}
        return {name: rule for name, rule in found.items() if rule is not None}

    def with_mode(self, rule: Rule) -> Rule:
        """A rule that says which way its metric is better. Raises ValueError where it does not and nobody can know."""
        mode = rule.mode or mode_of(rule.monitor, self.metrics)
        if mode is None:
            expected = f"'min' or 'max', for {rule.monitor} is a metric of your own"
            raise ValueError(sentence(type(rule).__name__, "mode", expected, None))
        return rule.replace(mode=mode)
