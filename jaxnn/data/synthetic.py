"""Two-class toy sets in the plane: what a straight line can't separate, by how much it must bend.

Pure functions of their arguments: an equal seed gives equal points. Each returns x (rows, 2) float32 and y (rows,) int32 of 0
and 1, in shuffled order; class 0 has the odd row where the rows can't be halved. ``noise`` is the standard deviation of
normal noise added to both coordinates.
"""

import numpy as np

from jaxnn.checks import check_whole, sentence

Points = tuple[np.ndarray, np.ndarray]
"""x (rows, 2) float32 and y (rows,) int32."""


def moons(rows: int, *, noise: float = 0.2, seed: int = 0) -> Points:
    """Two half circles of radius 1 that reach into each other, the second turned over and moved by (1, 1/2).

    Raises ValueError for fewer than 2 rows or a negative noise. Source: scikit-learn's ``make_moons``, the same two curves.

    >>> x, y = moons(4, noise=0)
    >>> x[y == 0].round(2).tolist()
    [[1.0, 0.0], [-1.0, 0.0]]
    """
    upper, lower = (np.linspace(0, np.pi, count) for count in _halves("moons", rows))
    first = np.column_stack([np.cos(upper), np.sin(upper)])
    second = np.column_stack([1 - np.cos(lower), 0.5 - np.sin(lower)])
    return _points("moons", first, second, noise, seed)


def circles(rows: int, *, factor: float = 0.5, noise: float = 0.1, seed: int = 0) -> Points:
    """A circle of radius 1 (class 0) around one of radius ``factor`` (class 1); the classes have the same mean.

    Raises ValueError for fewer than 2 rows, a factor outside (0, 1) or a negative noise. Source: scikit-learn's ``make_circles``.

    >>> x, y = circles(100, noise=0)
    >>> np.linalg.norm(x, axis=1)[y == 1].round(3).max().item()
    0.5
    """
    if not 0 < factor < 1:
        raise ValueError(sentence("circles", "factor", "between 0 and 1, both excluded", factor))
    rings = [
        radius * np.column_stack([np.cos(angle), np.sin(angle)])
        for radius, count in zip((1.0, factor), _halves("circles", rows), strict=True)
        for angle in [np.linspace(0, 2 * np.pi, count, endpoint=False)]
    ]
    return _points("circles", rings[0], rings[1], noise, seed)


def spirals(rows: int, *, turns: float = 1.5, noise: float = 0.02, seed: int = 0) -> Points:
    """Two Archimedean spirals r = t, angle = 2 pi turns t, one turned by half a circle against the other.

    t is the square root of evenly spread numbers, so that points lie evenly along the arms rather than crowd at the centre; it
    starts at 0.1, where the arms are still apart. Raises ValueError for fewer than 2 rows, turns <= 0 or a negative noise.
    Source: the two-spirals task of Lang and Witbrock 1988 (there 97 points an arm and 3 turns).

    >>> x, y = spirals(100, noise=0)
    >>> bool(np.allclose(np.sort(-x[y == 0], axis=0), np.sort(x[y == 1], axis=0)))
    True
    """
    if not 0 < turns < np.inf:
        raise ValueError(sentence("spirals", "turns", "a finite number > 0", turns))
    arms = []
    for count, start in zip(_halves("spirals", rows), (0.0, np.pi), strict=True):
        radius = np.sqrt(np.linspace(0.01, 1, count))
        angle = 2 * np.pi * turns * radius + start
        arms.append(radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))
    return _points("spirals", arms[0], arms[1], noise, seed)


def _halves(where: str, rows: int) -> tuple[int, int]:
    check_whole(where, "rows", rows, low=2)
    return rows - rows // 2, rows // 2


def _points(where: str, first: np.ndarray, second: np.ndarray, noise: float, seed: int) -> Points:
    if not 0 <= noise < np.inf:
        raise ValueError(sentence(where, "noise", "a finite number >= 0", noise))
    random = np.random.default_rng(seed)
    x = np.concatenate([first, second])
    y = np.repeat(np.arange(2, dtype=np.int32), [len(first), len(second)])
    x = x + noise * random.standard_normal(x.shape)
    order = random.permutation(len(x))
    return x[order].astype(np.float32), y[order]
