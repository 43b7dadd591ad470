"""Counts and numbers as text, wherever a person reads them."""

from __future__ import annotations

import math

_FULL = 7  # significant digits up to which a number is said in full


def plural(count: int, noun: str) -> str:
    """A count with its noun: 1 class, 2 classes, 0 studies, 2 days."""
    if count == 1:
        return f"{count} {noun}"
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{count} {noun}es"
    if noun.endswith("y") and noun[-2:-1] not in ("a", "e", "o", "u"):
        return f"{count} {noun[:-1]}ies"
    return f"{count} {noun}s"


def were(count: int) -> str:
    """The verb after a count in the past: 1 trial was stopped, 2 trials were."""
    return "was" if count == 1 else "were"


def counted(count: int, noun: str, words: str) -> str:
    """A sentence about a count: its noun, then `words`, in which {is} and {was} agree with it.

    >>> counted(2, "trial", "failed and {is} excluded")
    '2 trials failed and are excluded.'
    """
    verb = "is" if count == 1 else "are"
    return f"{plural(count, noun)} {words.format(**{'is': verb, 'was': were(count)})}."


def fixed_text(value: float, digits: int, *, signed: bool = False) -> str:
    """So many digits after the point, with a plus where asked for; never "-0.0"."""
    return f"{value:+z.{digits}f}" if signed else f"{value:z.{digits}f}"


def number_text(value: float, digits: int = 4) -> str:
    """So many significant digits, or up to seven where they say the number in full.

    10241 and 0.99999 are thus said in full, and what was drawn at random in four digits.
    """
    full = f"{value:z.{_FULL}g}"
    return full if digits <= _FULL and float(full) == value else f"{value:z.{digits}g}"


def p_text(value: float | None) -> str:
    """A p value: two digits, never 0."""
    if value is None or math.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.2g}"


def duration(seconds: float) -> str:
    """A time for prose, in the unit that fits: 1.6 hours."""
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def short_duration(seconds: float, *, units: int = 2) -> str:
    """A time for a terminal, in its one or two largest units: 1 h 05 min, 12 s, 0.25 s."""
    if seconds < 9.5 and units > 1:
        return f"{seconds:.2g} s"
    seconds = round(seconds)
    steps = (("d", 86400, 1), ("h", 3600, 2), ("min", 60, 2), ("s", 1, 2))
    at = next(n for n, (_, length, _) in enumerate(steps) if seconds >= length or length == 1)
    unit, length, _ = steps[at]
    if units == 1 or length == 1:
        return f"{seconds / length:.0f} {unit}"
    smaller, step, width = steps[at + 1]
    count, rest = divmod(round(seconds / step), length // step)
    return f"{count} {unit} {rest:0{width}d} {smaller}"
