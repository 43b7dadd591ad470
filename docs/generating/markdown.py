"""Markdown of generated pages: tables, and texts that nothing in them breaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["code", "plain", "table"]


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown already."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def code(text: str) -> str:
    """A text as code, backticks and all."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def plain(text: str) -> str:
    """A text in which nothing is taken for HTML or emphasis; code between backticks stays."""
    parts = text.split("`")
    for place in range(0, len(parts), 2):
        for sign in "\\<*_[]":
            parts[place] = parts[place].replace(sign, "\\" + sign if sign != "<" else "&lt;")
    return "`".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
