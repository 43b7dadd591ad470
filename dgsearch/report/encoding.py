"""A figure as plain data in which no text from outside is obeyed as markup.

Plotly reads texts as a small HTML: `<b>`, `<a href>`, entities. Hover templates are made of our
own markup with names escaped where they are put in; every other text is escaped here.
"""

from __future__ import annotations

import html
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dgsearch.report.figures.plain import Drawing
from dgsearch.report.parts import Drawn, Figure, Section

if TYPE_CHECKING:
    import plotly.graph_objects as go

_OWN_MARKUP = ("hovertemplate", "texttemplate", "bdata")


def plain_section(section: Section) -> Section:
    """The section with its figures as plain data, which other processes read quickly."""
    blocks = [
        replace(block, figure=Drawn(figure_data(block.figure)))
        if isinstance(block, Figure)
        else block
        for block in section.blocks
    ]
    return replace(section, blocks=blocks)


def figure_data(figure: Drawing | Drawn | go.Figure) -> dict[str, Any]:
    """The traces and the layout of a figure, safe to draw.

    Args:
        figure: Any, plotly's own too; its template is left out, the page has its own style.
    """
    if isinstance(figure, Drawn):
        return figure.data
    if isinstance(figure, Drawing):
        plain = figure.plain()
    else:  # of another package's section
        plain = json.loads(figure.to_json())
        plain["layout"].pop("template", None)
    return {"data": _escaped(plain["data"]), "layout": _escaped(plain["layout"])}


def _escaped(value: Any) -> Any:
    """The value with every text in it escaped."""
    if isinstance(value, str):
        return html.escape(value, quote=False)
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, dict):
        return {key: item if key in _OWN_MARKUP else _escaped(item) for key, item in value.items()}
    return value
