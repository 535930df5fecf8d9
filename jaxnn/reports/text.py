"""Values as text for people: short numbers, durations in words, and names of strangers made harmless."""

import html
import math
import re
from collections.abc import Sequence
from typing import Any

# Control characters are not HTML, lone surrogates cannot be written to a file, and direction marks rearrange the text around them.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def escape(value: Any) -> str:
    """Any text, safe inside an element or a quoted attribute.

    >>> escape('<b>"x"')
    '&lt;b&gt;&quot;x&quot;'
    """
    return html.escape(UNPRINTABLE.sub("\ufffd", str(value)), quote=True)


def short(value: Any, length: int) -> str:
    """Text cut to a length, with an ellipsis where something went.

    >>> short("sepal length (cm)", 8)
    'sepal l…'
    """
    text = str(value)
    return text if len(text) <= length else text[: max(length - 1, 1)] + "…"


def number(value: Any, digits: int = 4) -> str:
    """A number to some significant digits, text as it is, a dash for what has no value.

    >>> number(0.97222222), number(12345678), number(0.00002), number(1.0), number(float("nan")), number("relu")
    ('0.9722', '12,345,678', '2e-5', '1', '–', 'relu')
    """
    if value is None:
        return "–"
    if isinstance(value, bool | str) or not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if isinstance(value, int) and abs(value) < 10**15:
        return f"{value:,}"
    if abs(value) >= 10**digits and abs(value) < 10**9:
        return f"{value:,.0f}"
    return re.sub(r"e([+-])0*", lambda sign: "e" + sign[1].strip("+"), f"{value:.{digits}g}")


def setting(value: Any) -> str:
    """A hyperparameter's value: None is a choice too.

    >>> setting(None), setting(0.25), setting("relu")
    ('none', '0.25', 'relu')
    """
    return "none" if value is None else number(value)


def score(metric: str, value: float) -> str:
    """A score as its metric is usually spoken: shares as per cent.

    >>> score("accuracy", 0.97222), score("r2", 0.51234)
    ('97.2 %', '0.512')
    """
    if not math.isfinite(value):
        return "–"
    return f"{100 * value:.1f} %" if metric.endswith("accuracy") else number(value, 3)


def duration(seconds: float | None) -> str:
    """A duration in the unit a person would use.

    >>> duration(0.0123), duration(2.345), duration(125), duration(7300)
    ('12 ms', '2.3 s', '2 min 5 s', '2 h 1 min')
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def words(name: str) -> str:
    """A name of the program as words.

    >>> words("validation_loss")
    'validation loss'
    """
    return name.replace("_", " ")


def listing(parts: Sequence[str]) -> str:
    """Parts joined as in a sentence.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
