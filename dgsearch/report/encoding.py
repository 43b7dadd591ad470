"""A figure as plain data in which no text from outside is obeyed as markup.

Plotly reads texts as a small HTML: `<b>`, `<a href>`, entities. Hover templates are made of our
own markup with names escaped where they are put in; every other text is escaped here.
"""

from __future__ import annotations

import html
import json
from typing import Any

import plotly.graph_objects as go

_OWN_MARKUP = ("hovertemplate", "texttemplate", "bdata")


def figure_data(figure: go.Figure) -> dict[str, Any]:
    """The traces and the layout of a figure, safe to draw.

    Args:
        figure: Any; its template is left out, the page has its own style.
    """
    plain: dict[str, Any] = json.loads(figure.to_json())
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
