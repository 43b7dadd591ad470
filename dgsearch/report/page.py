"""Writing the page: the only module of the report that reads databases and writes files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from dgsearch.database.connection import open_for_reading
from dgsearch.database.facts import StudyFacts, read_facts
from dgsearch.database.queries import read_trials
from dgsearch.report.parts import Section
from dgsearch.report.sections import study_sections

__all__ = ["write_report"]


@dataclass(frozen=True)
class StudyPart:
    """One study on the page.

    Attributes:
        facts: What it is.
        sections: Its sections, ready to be drawn.
    """

    facts: StudyFacts
    sections: Sequence[Section] = field(default_factory=tuple)


def write_report(
    database: str | os.PathLike[str] | None, studies: Sequence[str], output: Path
) -> Path:
    """Write one self-contained HTML file about one or several studies.

    Args:
        database: URL or path; None: the default database.
        studies: Names of the studies, in the order of the page.
        output: The file; its folder is created.

    Returns:
        The file.

    Raises:
        DatabaseError: If the database cannot be read or lacks a study.
    """
    engine = open_for_reading(database)
    parts = []
    for name in studies:
        trials = read_trials(engine, name)
        facts = read_facts(engine, name)
        parts.append(StudyPart(facts, study_sections(facts, trials)))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(_render(parts), encoding="utf-8")
    return output


def _render(parts: Sequence[StudyPart]) -> str:
    environment = Environment(
        loader=PackageLoader("dgsearch.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["number"] = _number
    title = ", ".join(part.facts.name for part in parts)
    return environment.get_template("page.html").render(
        title=title,
        parts=parts,
        written_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        style=Markup(_own_text("page.css")),
        script=Markup(_own_text("page.js")),
        plotly=Markup(get_plotlyjs()),
        figure_json=_figure_json,
    )


def _own_text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _figure_json(figure: go.Figure) -> Markup:
    """A figure as JSON that cannot end the script element that holds it."""
    data: Any = json.loads(figure.to_json())
    data["layout"].pop("template", None)
    text = json.dumps({"data": data["data"], "layout": data["layout"]}, ensure_ascii=True)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _percent(value: float) -> str:
    return "–" if pd.isna(value) else f"{value * 100:.1f}"


def _number(value: Any) -> str:
    """A value as a reader wants it: short, and a dash where there is none."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
