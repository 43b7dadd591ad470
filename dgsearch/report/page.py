"""Writing the page: one HTML file, and on demand every figure as a file of its own."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dgsearch.errors import ReportError
from dgsearch.files import atomic_write, safe_name
from dgsearch.report.building import Page, build_page
from dgsearch.report.encoding import figure_data
from dgsearch.report.numbers import page_numbers
from dgsearch.report.static import write_figures
from dgsearch.report.symbols import Symbols


def write_report(  # noqa: PLR0913 - one argument for each choice of a reader
    database: str | os.PathLike[str] | None,
    studies: Sequence[str],
    output: str | os.PathLike[str],
    *,
    figures: str | os.PathLike[str] | None = None,
    objective: str | None = None,
    processes: int = 1,
    rope: float | None = None,
) -> Path:
    """Write one self-contained HTML file about one or several studies.

    Args:
        database: URL or path; None: the default database.
        studies: Names of the studies, in the order of the page.
        output: The file; its folder is created.
        figures: Also write every figure as SVG and PDF into this folder (needs Chromium).
        objective: Name or place of the objective that pages of foreign studies are about; None:
            the first.
        processes: That may compute. With two a part of the page is made in a copy of this
            process, on Linux, where this process has one thread.
        rope: Differences within plus and minus this count as practically none, in the unit of
            the value; None: as each study's file says, and none of a foreign study.

    Returns:
        The file.

    Raises:
        DatabaseError: If the database cannot be read or lacks a study.
        ReportError: If the file cannot be written, or if figures are asked for and no Chromium
            is found to draw them.
    """
    page = build_page(database, studies, objective=objective, processes=processes, rope=rope)
    return write_page(page, output, figures)


def write_questions(
    database: str | os.PathLike[str] | None,
    output: str | os.PathLike[str],
    *,
    figures: str | os.PathLike[str] | None = None,
    rope: float | None = None,
) -> Path:
    """Write one self-contained HTML file that answers the papers' open questions.

    Args:
        database: URL or path; None: the default database.
        output: The file; its folder is created.
        figures: Also write every figure as SVG and PDF into this folder (needs Chromium).
        rope: As for `write_report`, of accuracies.

    Returns:
        The file. Questions whose studies are missing or unfinished are on it, with the command
        that runs what they lack.

    Raises:
        DatabaseError: If the database cannot be read.
        ReportError: As for `write_report`.
    """
    from dgsearch.report.questions import build_questions  # no other page needs it

    return write_page(build_questions(database, rope=rope), output, figures)


def write_page(
    page: Page, output: str | os.PathLike[str], figures: str | os.PathLike[str] | None
) -> Path:
    """Write a page, and its figures where a folder for them is given; returns the file."""
    file = Path(output)
    write_text(file, _render(page))
    if figures is not None:
        write_figures(page, Path(figures))
    return file


def write_text(output: Path, text: str) -> None:
    """Write a page that appears whole or not at all.

    Raises:
        ReportError: If the file cannot be written.
    """
    try:
        with atomic_write(output) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ReportError(
            f"page {output}: cannot be written: {error.strerror}; name another file with -o"
        ) from error


def render(template: str, **content: Any) -> str:
    """A page from a template of this folder; names in it are shown and never obeyed.

    Args:
        template: Its file name.
        content: What it shows besides version, time and style.
    """
    read = _templates().get_template(template)
    return read.render(
        version=version("dgsearch"),
        written_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        style=Markup(_own_text("page.css")),
        as_json=_as_json,
        **content,
    )


@functools.cache
def _templates() -> Environment:
    """The templates of this folder, each read once."""
    return Environment(
        loader=PackageLoader("dgsearch.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(page: Page) -> str:
    symbols = Symbols(name for part in page.parts for name in part.symbols)
    return render(
        "page.html",
        title=page.title or ", ".join(part.name for part in page.parts),
        parts=page.parts,
        together=page.together,
        numbers=page_numbers(page),
        scripts=[Markup(_own_text(f"{name}.js")) for name in _scripts(page)],
        plotly=Markup(_own_text("plotly_js/plotly-cartesian.min.js")),
        figure_json=lambda figure: _as_json(symbols.figure(figure_data(figure))),
        set=symbols.markup,
        symbols=symbols.names,
        safe=safe_name,
    )


def _own_text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _scripts(page: Page) -> tuple[str, ...]:
    """The page's own scripts, in order; those of the controls only where a study has controls."""
    asked = any(part.controls.block or part.controls.reason for part in page.parts)
    own = ("statistics", "wording", "recomputing", "controls") if asked else ()
    return ("symbols", "page", "trials", *own)


def _as_json(data: Mapping[str, Any]) -> Markup:
    """JSON that cannot end the script element that holds it."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
