"""The training rows of MNIST, from mnist.npz in the data folder."""

import numpy as np

from experiments.support.runner import data_folder

ROWS = 50_000


def mnist(rows: int) -> tuple[np.ndarray, np.ndarray] | None:
    """x (rows, 784) scaled to [0, 1] and y (rows,), the first rows; None, and a word about it, where there is no file."""
    folder = data_folder(None)
    if folder is None or not (folder / "mnist.npz").is_file():
        print("left out, for there is no mnist.npz: give its folder by --data or JAXNN_DATA")
        return None
    with np.load(folder / "mnist.npz", allow_pickle=False) as arrays:
        return (arrays["x_train"][:rows] / 255).astype(np.float32), arrays["y_train"][:rows].astype(np.int32)
