"""Text columns: one 0/1 column for each category seen on training rows."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from jaxnn.data.table import Table
from jaxnn.data.wording import counted

MOST_CATEGORIES = 1000


@dataclass(frozen=True)
class OneHot:
    """The sorted categories of one column; `fill` takes the place of missing text, None where missing text is refused."""

    name: str
    categories: tuple[str, ...]
    fill: str | None

    @classmethod
    def fit(cls, table: Table, name: str, rows: np.ndarray, *, impute: bool) -> "OneHot":
        """Learns from the given rows; the fill is their most frequent category, the first in order where several are."""
        counts = Counter(value for value in table.texts[name][rows] if value is not None)
        if not counts:
            raise ValueError(f"Column {name!r} has no value at all in the training rows. Leave it out of the file.")
        if len(counts) > MOST_CATEGORIES:
            raise ValueError(
                f"Text column {name!r} has {len(counts):,} categories: expected at most {MOST_CATEGORIES:,}. "
                f"Leave it out of the file or turn it into numbers."
            )
        categories = tuple(sorted(counts))
        return cls(name=name, categories=categories, fill=max(categories, key=counts.__getitem__) if impute else None)

    def write(self, text: np.ndarray, out: np.ndarray) -> None:
        """Fills `out`, zeros of shape (rows, len(categories)); a category that is not known leaves its row zero."""
        index: dict[str | None, int] = {category: position for position, category in enumerate(self.categories)}
        index[None] = -1 if self.fill is None else index[self.fill]
        codes = np.array([index.get(value, -1) for value in text], np.int64)
        known = np.flatnonzero(codes >= 0)
        out[known, codes[known]] = 1.0

    def unseen(self, text: np.ndarray) -> dict[str, int]:
        """Values that no training row had, and in how many rows each."""
        known = {None, *self.categories}
        return dict(Counter(value for value in text if value not in known))

    def unseen_in_words(self, text: np.ndarray) -> str:
        """Column and unseen values, or nothing where all are known."""
        unseen = self.unseen(text)
        return f"{self.name!r}: {counted(unseen)}" if unseen else ""
