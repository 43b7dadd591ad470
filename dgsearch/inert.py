"""Text of others on its way out: shown as it is, obeyed by nobody.

Names, labels and errors come from study files, plug-ins and databases. A terminal, a spreadsheet
or a typesetter must show them and never do what they say.
"""

from __future__ import annotations

import logging
import re
import unicodedata

_KEPT = "\n\t"
_FORMULA = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]|[\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]inf")
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "[": "{[}",  # after the end of a row it would be an option
    "]": "{]}",
    "*": "{*}",  # likewise
}
_MARKDOWN = {"<": "&lt;"} | {letter: f"\\{letter}" for letter in "\\|*`[]$~"}


def text(value: object) -> str:
    """The text with control characters spelled out: no escape sequence, no carriage return.

    Line ends and tabs stay. Marks that change the direction of writing are spelled out too.
    """
    return "".join(letter if letter in _KEPT else _shown(letter) for letter in str(value))


def line(value: object) -> str:
    """The same on one line: line ends and tabs are spelled out as well."""
    return "".join(map(_shown, str(value)))


def csv_cell(value: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula: with an apostrophe before it.

    Numbers stay as they are.
    """
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value


def latex(value: str) -> str:
    """The text on one line, with every character that LaTeX would obey escaped."""
    return "".join(_LATEX.get(letter, letter) for letter in _one_line(value))


def markdown(value: str) -> str:
    """The text on one line, with nothing in it that is markup, HTML, a formula or a link."""
    escaped = re.sub(r"&(?=[#\w])", "&amp;", _one_line(value))
    escaped = "".join(_MARKDOWN.get(letter, letter) for letter in escaped)
    escaped = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", escaped)  # within a word it is none
    escaped = re.sub(r":(?=//)", r"\\:", escaped)  # an address would become a link by itself
    return re.sub(r"(?i)\b(www)\.", r"\1\\.", escaped)


class InertFormatter(logging.Formatter):
    """Shows log records on a terminal as `text` does."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's message, without anything that a terminal would obey."""
        return text(super().format(record))


def _one_line(value: str) -> str:
    return line(" ".join(value.split()))


def _shown(letter: str) -> str:
    """A character as a terminal may have it: control, format and half characters spelled out."""
    if letter.isprintable() or letter == " ":
        return letter
    if unicodedata.category(letter) in ("Zs", "Cn", "Co"):
        return letter
    return letter.encode("unicode_escape").decode("ascii")
