"""A new table against the columns a model was trained on: what is refused, and what is got over but told."""

from collections.abc import Sequence

import numpy as np

from jaxnn.checks import nearest
from jaxnn.data.table import Table
from jaxnn.data.wording import columns, counted, listed


def refuse_mismatch(table: Table, number_names: Sequence[str], text_names: Sequence[str]) -> None:
    """Refuses a table that lacks columns, or has text for numbers or numbers for text."""
    _refuse_absent(table, [*number_names, *text_names])
    for name in number_names:
        if name in table.texts:
            stray = _stray(table.texts[name])
            raise ValueError(f"Column {name!r} of {table.name} holds text such as {stray!r}: the model was trained on numbers there.")
    for name in text_names:
        if name not in table.texts and not np.isnan(table.column(name)).all():
            value = table.column(name)[0]
            raise ValueError(f"Column {name!r} of {table.name} holds numbers such as {value:g}: the model was trained on text there.")


def text_column(table: Table, name: str) -> np.ndarray:
    """A text column; one without any value cannot tell that it is text, and reads as numbers that are all missing."""
    return table.texts[name] if name in table.texts else np.full(table.rows, None, dtype=object)


def refuse_missing(table: Table, names: Sequence[str], advice: str) -> None:
    """Refuses missing values in the named columns."""
    _refuse_counts(table, names, table.missing(), "missing values", advice)


def refuse_infinite(table: Table, names: Sequence[str]) -> None:
    """Refuses infinity in the named columns."""
    _refuse_counts(table, names, table.infinite(), "infinity", "Correct these or leave the rows out; --impute fills missing values only.")


def differences(table: Table, names: Sequence[str]) -> tuple[str, ...]:
    """Notes on columns that the model does not know, and on another order."""
    known = set(names)
    notes = []
    extra = [name for name in table.columns if name not in known]
    if extra:
        notes.append(f"{table.name} has {columns(len(extra))} the model was not trained on, which it ignores: {listed(extra)}.")
    if [name for name in table.columns if name in known] != [name for name in names if name in table.columns]:
        notes.append(f"The columns of {table.name} are in another order than in training; they are matched by name.")
    return tuple(notes)


def _refuse_absent(table: Table, names: list[str]) -> None:
    present, known = set(table.columns), set(names)
    absent = [name for name in names if name not in present]
    if absent:
        spare = [name for name in table.columns if name not in known]
        hint = f" {nearest(absent[0], spare)}" if spare else ""
        raise ValueError(
            f"{table.name} lacks {len(absent):,} of the {columns(len(names))} the model was trained on: {listed(absent)}. Add them.{hint}"
        )


def _stray(text: np.ndarray) -> str:
    """The first value that is no number."""
    for value in text:
        try:
            float(value if value is not None else "nan")
        except ValueError:
            return str(value)
    return str(text[0])


def _refuse_counts(table: Table, names: Sequence[str], counts: dict[str, int], what: str, advice: str) -> None:
    chosen = set(names)
    hits = {name: count for name, count in counts.items() if name in chosen}
    if hits:
        raise ValueError(f"{table.name} has {what} in {columns(len(hits))}: {counted(hits)}. {advice}")
