"""What a page is made of: sections with text, figures and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

__all__ = ["Section", "Table"]


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; `numeric` marks the columns that are aligned to the right."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[bool]


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it.

    Attributes:
        anchor: For links to it, unique on the page of one study.
        title: The heading.
        text: Paragraphs.
        figure: A figure, if any, with `caption` as its description.
        table: A table, if any; shown folded where there is a figure.
        warnings: Shown marked, before the text.
    """

    anchor: str
    title: str
    text: Sequence[str] = ()
    figure: go.Figure | None = None
    caption: str = ""
    table: Table | None = None
    warnings: Sequence[str] = ()
