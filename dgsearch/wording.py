"""Counts and numbers as text, wherever a person reads them."""

from __future__ import annotations

__all__ = ["number_text", "plural"]

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


def number_text(value: float, digits: int = 4) -> str:
    """So many significant digits, or up to seven where they say the number in full.

    10241 and 0.99999 are thus said in full, and what was drawn at random in four digits.
    """
    full = f"{value:.{_FULL}g}"
    return full if digits <= _FULL and float(full) == value else f"{value:.{digits}g}"
