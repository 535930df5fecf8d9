"""TensorBoard's event files, written by tensorboardX: neither TensorFlow nor PyTorch is needed, nor TensorBoard itself."""

import time
import weakref
from collections.abc import Mapping
from pathlib import Path

from jaxnn.checks import sentence
from jaxnn.writers.base import Writer

FLUSH_SECONDS = 5.0
"""Events reach the disk at least this often, and on closing: each time the disk is waited for."""


class TensorBoard(Writer):
    """A scalar a metric and epoch, all of an epoch in one event. Look at them by ``tensorboard --logdir FOLDER``.

    folder: of this run alone, made where it is missing; TensorBoard shows it by its name beside its siblings. append: go on in a folder
    that has events. Raises ImportError without tensorboardX, FileExistsError for a folder with events of another run.
    """

    def __init__(self, folder: str | Path, *, append: bool = False) -> None:
        try:
            from tensorboardX.event_file_writer import EventsWriter
            from tensorboardX.proto.event_pb2 import Event
        except ImportError as error:
            raise ImportError('TensorBoard needs tensorboardX: pip install "jaxnn-toolkit[tensorboard]".') from error
        folder = Path(folder)
        files = len(list(folder.glob("*tfevents*")))
        if files and not append:
            advice = "Choose another, or write append=True to go on in it."
            raise FileExistsError(sentence("TensorBoard", "folder", "without events", f"{str(folder)!r}, which has some", advice))
        folder.mkdir(parents=True, exist_ok=True)
        self.event, self.flushed = Event, time.monotonic()
        self.file = EventsWriter(str(folder / "events"), f".{files}")  # its own names differ by the second only
        self.closing = weakref.finalize(self, self.file.close)

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        event = self.event(wall_time=time.time(), step=epoch)
        for name, value in metrics.items():
            event.summary.value.add(tag=name, simple_value=value)
        self.file.write_event(event)
        if time.monotonic() - self.flushed > FLUSH_SECONDS:
            self.file.flush()
            self.flushed = time.monotonic()
