"""Names in error sentences: quoted, and never more of them than a person reads."""

from collections.abc import Iterable, Mapping


def listed(names: Iterable[object], most: int = 5) -> str:
    """Quoted names with commas, the first `most` of them.

    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    words = [repr(name) for name in names]
    rest = f" and {len(words) - most:,} more" if len(words) > most else ""
    return ", ".join(words[:most]) + rest


def counted(counts: Mapping[str, int]) -> str:
    """Names with their numbers of rows.

    >>> counted({"age": 3, "fare": 1})
    "'age' (3 rows), 'fare' (1 row)"
    """
    words = [f"{name!r} ({rows:,} row{'s' if rows > 1 else ''})" for name, rows in counts.items()]
    rest = f" and {len(words) - 5:,} more" if len(words) > 5 else ""
    return ", ".join(words[:5]) + rest


def columns(count: int) -> str:
    """A count of columns in words.

    >>> columns(1), columns(2)
    ('1 column', '2 columns')
    """
    return f"{count:,} column{'' if count == 1 else 's'}"
