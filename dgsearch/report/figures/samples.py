"""Figures of what trials made: features in the plane, confidence, mixed images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dgsearch.report.figures.base import row_styles, safe

__all__ = ["histogram_figure", "projection_figure", "ramp_figure"]


def projection_figure(points: Sequence[Sequence[Any]]) -> go.Figure:
    """Features in the plane: kind, label, x, y of each; one colour and symbol a kind."""
    frame = pd.DataFrame(list(points), columns=["kind", "label", "x", "y"])
    styles = row_styles([str(kind) for kind in dict.fromkeys(frame["kind"])])
    figure = go.Figure()
    for kind, part in frame.groupby("kind", sort=False):
        style = styles[str(kind)]
        figure.add_trace(
            go.Scatter(
                x=part["x"],
                y=part["y"],
                mode="markers",
                marker={
                    "color": style["color"],
                    "symbol": style["symbol"],
                    "size": 6,
                    "opacity": 0.7,
                },
                customdata=part[["label"]],
                hovertemplate=f"{safe(str(kind))}, label %{{customdata[0]}}<extra></extra>",
                name=str(kind),
            )
        )
    figure.update_layout(
        xaxis={"title": "first principal axis"}, yaxis={"title": "second principal axis"}
    )
    return figure


def histogram_figure(
    bins: Sequence[str], counts: Sequence[int], *, titles: tuple[str, str]
) -> go.Figure:
    """Counts as bars, one a bin."""
    bars = go.Bar(
        x=list(bins),
        y=list(counts),
        marker={"color": "#6355c4"},
        hovertemplate="%{x}: %{y}<extra></extra>",
    )
    figure = go.Figure(bars)
    figure.update_layout(
        bargap=0.05,
        xaxis={"title": titles[0], "type": "category"},
        yaxis={"title": titles[1]},
    )
    return figure


def ramp_figure(table: pd.DataFrame, *, styles: Mapping[str, Mapping[str, str]]) -> go.Figure:
    """The teacher's accuracy on mixed images over f.

    Args:
        table: row, f (0: anchor, 1: image), mean.
        styles: `row_styles`.
    """
    figure = go.Figure()
    for row, part in table.groupby("row", sort=False):
        style = styles[str(row)]
        figure.add_trace(
            go.Scatter(
                x=part["f"],
                y=part["mean"] * 100,
                mode="lines+markers",
                line={"color": style["color"], "dash": style["dash"], "width": 2},
                marker={"color": style["color"], "symbol": style["symbol"], "size": 7},
                name=str(row),
                hovertemplate=f"{safe(str(row))}<br>f = %{{x}}: %{{y:.1f}} %<extra></extra>",
            )
        )
    figure.update_layout(
        xaxis={"title": "f: 0 anchor, 1 image"}, yaxis={"title": "teacher accuracy, %"}
    )
    return figure
