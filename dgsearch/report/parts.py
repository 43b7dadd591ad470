"""What a page is made of: sections of paragraphs, figures, tables, pictures and texts to copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from dgsearch.report.figures.plain import Drawing


ELSEWHERE = "†"  # after a mean over other seeds than those that the ranking rests on


@dataclass(frozen=True)
class Cell:
    """A cell of a table: the text shown, and the number behind it for the CSV file."""

    text: str
    number: float | None = None
    bold: bool = False

    def marked(self, *, elsewhere: bool) -> Cell:
        """The cell, with the mark of a mean over other seeds than those that are compared."""
        return replace(self, text=self.text + ELSEWHERE * elsewhere)


Rows = list[list[str | Cell]]


@dataclass(frozen=True)
class Note:
    """A paragraph."""

    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class Warn:
    """A paragraph that a reader must see before believing the numbers."""

    kind: ClassVar[str] = "warning"
    text: str


@dataclass(frozen=True)
class Table:
    """Rows under headings; `numeric` marks the columns that are aligned to the right.

    Attributes:
        name: For its file name and its label, unique in a section.
        headings: One a column.
        rows: Texts or cells.
        numeric: One a column.
        caption: Said of it, for readers who cannot see it too.
    """

    kind: ClassVar[str] = "table"
    name: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    numeric: Sequence[bool]
    caption: str = ""


@dataclass(frozen=True)
class Drawn:
    """A figure as plain data already (`encoding.figure_data`)."""

    data: dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A plotly figure with its caption and the table of its numbers.

    Attributes:
        name: For its file name, unique on the page of one study.
        figure: What is drawn.
        caption: What it shows, in one or two sentences; read out in place of the picture.
        table: The numbers behind it.
        height_px: Of the picture.
        table_open: Whether the table is shown from the start.
    """

    kind: ClassVar[str] = "figure"
    name: str
    figure: Drawing | Drawn | go.Figure
    caption: str
    table: Table
    height_px: int = 420
    table_open: bool = False


@dataclass(frozen=True)
class Picture:
    """Stored pictures: a PNG of rows and columns of small images, in base64.

    Attributes:
        sprite: The PNG.
        rows: What each row shows.
        caption: What is to be seen.
    """

    kind: ClassVar[str] = "picture"
    sprite: str
    rows: Sequence[str]
    caption: str


@dataclass(frozen=True)
class Copyable:
    """Texts of one table in several languages, to copy."""

    kind: ClassVar[str] = "copyable"
    texts: Sequence[tuple[str, str]]  # name of the language, the text


Block = Note | Warn | Table | Figure | Picture | Copyable


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it.

    Attributes:
        anchor: For links to it, unique on the page of one study.
        title: The heading.
        blocks: In order.
    """

    anchor: str
    title: str
    blocks: Sequence[Block] = ()
