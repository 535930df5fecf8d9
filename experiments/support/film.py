"""Figures that move: one figure drawn anew for each frame, kept as a GIF."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

COLOURS = 128


class Film(NamedTuple):
    """A figure, what changes it for a frame, counted from 0, and how many frames there are. milliseconds: each is seen so long."""

    figure: Figure
    change: Callable[[int], None]
    frames: int
    milliseconds: int = 80


def save_film(path: Path, film: Film) -> None:
    """A GIF that begins again at its end. One palette for all frames, that of the last, so that only what moved is stored."""
    canvas = FigureCanvasAgg(film.figure)
    drawn = [_frame(canvas, film, number) for number in range(film.frames)]
    palette = drawn[-1].quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    first, *rest = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in drawn)
    durations = [film.milliseconds] * (film.frames - 1) + [25 * film.milliseconds]
    first.save(path, save_all=True, append_images=rest, duration=durations, loop=0, optimize=False)


def _frame(canvas: FigureCanvasAgg, film: Film, number: int) -> Image.Image:
    film.change(number)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
