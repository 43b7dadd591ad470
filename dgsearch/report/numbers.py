"""The numbers of a page as one block of JSON in it, for programs that read pages.

A program finds it as the element `#numbers`; docs/json.md describes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from dgsearch.errors import ReportError
from dgsearch.replies import SCHEMA, plain
from dgsearch.report.answers import best_answer, decisions_answer
from dgsearch.report.parts import Cell, Figure, Section, Table
from dgsearch.report.view import StudyView

if TYPE_CHECKING:
    from dgsearch.report.building import Page


_MOST_ROWS = 200  # of a table that is repeated; longer ones stand on the page alone


def study_answers(view: StudyView) -> dict[str, Any]:
    """What `dgsearch best` and `dgsearch decisions` answer; null where they have no answer."""
    return {
        "study": view.facts.name,
        "question": view.facts.question or None,
        "best": _answer(best_answer, view),
        "decisions": _answer(decisions_answer, view),
    }


def page_numbers(page: Page) -> dict[str, Any]:
    """The answers about every study of a page, and the tables on it."""
    answers = page.answers or [{"study": part.name} for part in page.parts]
    parts = [
        {**answer, "tables": [*_tables(part.sections)]}
        for answer, part in zip(answers, page.parts, strict=True)
    ]
    together = [*_tables([page.together])] if page.together else []
    head = {"schema": SCHEMA, "dgsearch": version("dgsearch")}
    numbers: dict[str, Any] = plain({**head, "studies": parts, "together": together})
    return numbers


def _answer(ask: Callable[[StudyView], dict[str, Any]], view: StudyView) -> dict[str, Any] | None:
    try:
        return ask(view)
    except ReportError:
        return None  # nothing has finished, or there is no reference: the page says so


def _tables(sections: Sequence[Section]) -> Iterator[dict[str, Any]]:
    """Every table of the sections, those behind figures too."""
    for section in sections:
        for block in section.blocks:
            table = block.table if isinstance(block, Figure) else block
            if isinstance(table, Table):
                short = len(table.rows) <= _MOST_ROWS
                yield {
                    "section": section.anchor,
                    "name": table.name,
                    "columns": list(table.headings),
                    "rows": [[*map(_value, row)] for row in table.rows] if short else None,
                }


def _value(cell: str | Cell) -> str | float | None:
    """The number behind a cell as the page shows it, else its text."""
    if isinstance(cell, str):
        return cell
    return cell.text if cell.number is None else cell.number
