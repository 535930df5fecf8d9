"""A run's steps in blocks, read ahead by Grain.

A block is some steps in a row. The blocks of all epochs make one long sequence that can be read from anywhere, so that reading goes on
over the end of an epoch while the device works, and memory holds a few blocks however large the data are.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.compiling import with_settings_of_this_thread
from jaxnn.data.batching import epoch_batches
from jaxnn.data.streaming.source import Rows, Source
from jaxnn.data.upload import aligned

THREADS = 2
AHEAD = 2
"""Blocks that are read before they are asked for."""

Check = Callable[[Rows, np.ndarray, int], Rows]
"""From the rows of a block as read, their numbers, and its first step in the whole run, to the rows as they are computed with."""


class Cut(NamedTuple):
    """How an epoch is cut: into `steps` of `size` rows, and these into `blocks` of `length` steps, the last maybe shorter."""

    rows: int
    size: int
    steps: int
    length: int

    @property
    def blocks(self) -> int:
        return -(-self.steps // self.length)


class Block(NamedTuple):
    """Some steps: their rows one after the other, and 0 for those that only fill up the last, else 1, (steps, size)."""

    rows: Rows
    weights: np.ndarray


def cut(rows: int, batching: tuple[int, int], most_rows: int) -> Cut:
    """Steps of so many rows in so many pieces, and blocks of at most `most_rows`, but one step at least.

    Blocks of one length share a compiled program: of the lengths down to half the largest that fits, one that divides the steps.

    >>> cut(rows=1000, batching=(10, 1), most_rows=300)
    Cut(rows=1000, size=10, steps=100, length=25)
    """
    steps, size = jax.eval_shape(lambda key: _draw(key, 0, rows, batching), jax.ShapeDtypeStruct((2,), np.uint32)).shape
    most = max(1, min(steps, most_rows // size))
    even = (length for length in range(most, most // 2, -1) if steps % length == 0)
    return Cut(rows, size, steps, next(even, most))


class Blocks:
    """``blocks[i]`` is block i of a run that begins with epoch 0; epochs are drawn from `order_key`, raw data (2,), as in memory.

    check: what is done to the rows of a block once they are read, in the thread that reads. The order of an epoch takes 4 bytes
    a row, and some 20 while it is drawn.
    """

    def __init__(self, source: Source, cut: Cut, batching: tuple[int, int], order_key: Any, epochs: int, check: Check) -> None:
        self.source, self.cut, self.batching, self.epochs, self.check = source, cut, batching, epochs, check
        self.key, self.lock, self.orders = np.asarray(order_key), threading.Lock(), dict[int, np.ndarray]()
        self.read = with_settings_of_this_thread(self._read)  # other threads will call it

    def __len__(self) -> int:
        return self.epochs * self.cut.blocks

    def __getitem__(self, index: int) -> Block:
        return self.read(int(index))

    def _read(self, index: int) -> Block:
        epoch, block = divmod(index, self.cut.blocks)
        first = block * self.cut.length
        order = self._order(epoch)[first : first + self.cut.length]
        counted = np.arange(first * self.cut.size, first * self.cut.size + order.size) < self.cut.rows
        numbers = order.reshape(-1)
        rows = self.check(self.source.read(numbers), numbers, epoch * self.cut.steps + first)
        return Block(aligned(rows) if jax.default_backend() == "cpu" else rows, counted.astype(np.float32).reshape(order.shape))

    def _order(self, epoch: int) -> np.ndarray:
        with self.lock:
            if epoch not in self.orders:
                self.orders = {number: order for number, order in self.orders.items() if number == epoch - 1}
                with jax.default_device(_host()):
                    self.orders[epoch] = np.asarray(_draw(self.key, np.int32(epoch), self.cut.rows, self.batching))
            return self.orders[epoch]


def _host() -> Any:
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:  # where JAX_PLATFORMS leaves it out
        return None


@functools.partial(jax.jit, static_argnums=(2, 3))
def _draw(key: Any, epoch: Any, rows: int, batching: tuple[int, int]) -> jax.Array:
    own = jax.random.fold_in(jax.random.wrap_key_data(key), epoch)
    return epoch_batches(own, jnp.arange(rows, dtype=jnp.int32), *batching)[0]


@contextmanager
def read_ahead(blocks: Blocks, first: int = 0) -> Iterator[Iterator[Block]]:
    """The blocks from that one on, read by Grain's threads while others are worked on. Raises ImportError without grain."""
    try:
        import grain
    except ImportError as error:
        raise ImportError('Streaming needs grain: pip install "jaxnn-toolkit[stream]".') from error
    options = grain.ReadOptions(num_threads=THREADS, prefetch_buffer_size=AHEAD)
    iterator = iter(grain.MapDataset.source(blocks)[first:].to_iter_dataset(options))
    try:
        yield iterator
    finally:
        iterator.close()
