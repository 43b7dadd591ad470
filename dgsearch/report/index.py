"""All studies of a database: a page for each, and an index that leads to them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dgsearch.analysis.selection import MEAN
from dgsearch.database.connection import database_url, open_for_reading
from dgsearch.database.masking import masked
from dgsearch.errors import DgsearchError, ReportError
from dgsearch.files import safe_name
from dgsearch.replies import plain
from dgsearch.report.building import build_page
from dgsearch.report.page import render, write_page, write_text
from dgsearch.report.status import Standing, age_text, best_text, done_text, standings
from dgsearch.wording import fixed_text, number_text

INDEX = "index.html"
_SMALL, _LARGE = 0.01, 10.0


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        index: The page that leads to the others.
        pages: File of each study that has a page, by its name.
        failed: Why a study has none, by its name.
    """

    index: Path
    pages: Mapping[str, Path]
    failed: Mapping[str, str]

    def answer(self) -> dict[str, Any]:
        """The same as plain data."""
        failed = [{"study": name, "message": text} for name, text in self.failed.items()]
        return {"pages": [self.index, *self.pages.values()], "failed": failed}

    def lines(self) -> list[str]:
        """The same in words."""
        return [
            f"wrote {self.index} and the pages of {len(self.pages)} studies",
            *(f"no page of {name}: {text}" for name, text in self.failed.items()),
        ]


def write_all(
    database: str | os.PathLike[str] | None,
    folder: str | os.PathLike[str],
    *,
    figures: str | os.PathLike[str] | None = None,
    rope: float | None = None,
    processes: int = 1,
) -> Written:
    """Write one page a study and an index of them into a folder.

    A study whose page cannot be made is named on the index with the reason.

    Args:
        database: URL or path; None: the default database.
        folder: Is created; files of these names in it are replaced.
        figures: Also write every figure as SVG and PDF into this folder (needs Chromium).
        rope: As for `write_report`.
        processes: As for `write_report`, for each page.

    Raises:
        DatabaseError: If the database cannot be read.
        ReportError: If it has no study, or a file cannot be written.
    """
    engine, place = open_for_reading(database), Path(folder)
    found = [*standings(engine, None)]
    if not found:
        where = masked(database_url(database))
        raise ReportError(f"{where} has no study; run one first: dgsearch run STUDY.toml")
    pages: dict[str, Path] = {}
    failed: dict[str, str] = {}
    answers: dict[str, Mapping[str, Any]] = {}
    for each, name in zip(found, _names(found), strict=True):
        try:
            page = build_page(engine, [each.study], rope=rope, processes=processes)
        except DgsearchError as error:
            failed[each.study] = str(error)
            continue
        pages[each.study] = write_page(page, place / name, figures)
        answers[each.study] = page.answers[0]
    index = place / INDEX
    rows = [_row(each, pages, failed, answers.get(each.study, {})) for each in found]
    numbers = {"studies": [plain(asdict(each)) | _page_of(each, pages) for each in found]}
    text = render("index.html", rows=rows, place=masked(database_url(database)), numbers=numbers)
    write_text(index, text)
    return Written(index, pages, failed)


def _names(found: Sequence[Standing]) -> list[str]:
    """A file name for each study, no two alike and none that of the index."""
    taken = {INDEX.casefold()}
    names = []
    for each in found:
        stem, count = safe_name(each.study), 1
        name = f"{stem}.html"
        while name.casefold() in taken:
            count += 1
            name = f"{stem}-{count}.html"
        taken.add(name.casefold())
        names.append(name)
    return names


def _page_of(each: Standing, pages: Mapping[str, Path]) -> dict[str, Any]:
    file = pages.get(each.study)
    return {"page": file.name if file else None}


def _row(
    each: Standing,
    pages: Mapping[str, Path],
    failed: Mapping[str, str],
    answers: Mapping[str, Any],
) -> dict[str, Any]:
    """What the index shows of a study."""
    best = answers.get("best")
    return {
        "study": each.study,
        "page": _page_of(each, pages)["page"],
        "problem": failed.get(each.study, ""),
        "question": each.question,
        "method": each.method or "–",
        "done": done_text(each),
        "failed": each.failed,
        "best": best_text(each),
        "chosen": best["best"]["name"] if best else "–",
        "targets": _targets(best["targets"][MEAN]) if best else "–",
        "age": age_text(each.last_activity),
    }


def _targets(interval: Mapping[str, Any]) -> str:
    """The mean over the targets with its doubt, as it is stored."""
    text = f"{_number(interval['mean'])} (n = {interval['n']}"
    if interval["n"] < 2:
        return f"{text})"
    return f"{text}, 95% {_number(interval['low'])} to {_number(interval['high'])})"


def _number(value: float) -> str:
    """Three digits after the point, or four significant ones where these say nothing."""
    plain_enough = value == 0 or _SMALL <= abs(value) < _LARGE
    return fixed_text(value, 3) if plain_enough else number_text(value)
