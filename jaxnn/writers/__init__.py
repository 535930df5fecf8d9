"""Writers: callbacks for ``fit(..., callback=...)`` that show a run or keep its metrics while it goes on, between epochs.

Each takes (epoch, metrics). All can be used in a ``with`` block, which closes what they hold open; those that hold nothing don't mind.
Packages that not everyone has are imported by the writer that needs them, when it is made.
"""

from jaxnn.writers.base import Several, Writer, several
from jaxnn.writers.files import CSV, JSONL
from jaxnn.writers.progress import Progress
from jaxnn.writers.tensorboard import TensorBoard
from jaxnn.writers.trackers import MLflow, WandB

__all__ = ["CSV", "JSONL", "MLflow", "Progress", "Several", "TensorBoard", "WandB", "Writer", "several"]
