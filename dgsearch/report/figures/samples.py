"""Figures of what trials made: features in the plane, confidence, mixed images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dgsearch.diagnostics.declaring import Along, Diagnostic
from dgsearch.report.figures.base import row_styles, safe
from dgsearch.report.figures.plain import Drawing, bar, scatter


def projection_figure(points: Sequence[Sequence[Any]]) -> Drawing:
    """Features in the plane: kind, label, x, y of each; one colour and symbol a kind."""
    frame = pd.DataFrame(list(points), columns=["kind", "label", "x", "y"])
    styles = row_styles([str(kind) for kind in dict.fromkeys(frame["kind"])])
    figure = Drawing()
    for kind, part in frame.groupby("kind", sort=False):
        style = styles[str(kind)]
        figure.add_trace(
            scatter(
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
) -> Drawing:
    """Counts as bars, one a bin."""
    bars = bar(
        x=list(bins),
        y=list(counts),
        marker={"color": "#6355c4"},
        hovertemplate="%{x}: %{y}<extra></extra>",
    )
    figure = Drawing(bars)
    figure.update_layout(
        bargap=0.05,
        xaxis={"title": titles[0], "type": "category"},
        yaxis={"title": titles[1]},
    )
    return figure


def along_figure(
    table: pd.DataFrame,
    item: Diagnostic,
    along: Along,
    *,
    styles: Mapping[str, Mapping[str, str]],
) -> Drawing:
    """A diagnostic over what it is measured along; a share of 0..1 in per cent.

    Args:
        table: row, at, mean.
        item: What is drawn.
        along: Over what.
        styles: `row_styles`.
    """
    share = (item.low, item.high) == (0, 1)
    scale, sign = (100, " %") if share else (1, "")
    number = ":.1f" if share else ":.4g"
    figure = Drawing()
    for row, part in table.groupby("row", sort=False):
        style = styles[str(row)]
        figure.add_trace(
            scatter(
                x=part["at"],
                y=part["mean"] * scale,
                mode="lines+markers",
                line={"color": style["color"], "dash": style["dash"], "width": 2},
                marker={"color": style["color"], "symbol": style["symbol"], "size": 7},
                name=str(row),
                hovertemplate=(
                    f"{safe(str(row))}<br>{safe(along.symbol)} = %{{x}}: "
                    f"%{{y{number}}}{sign}<extra></extra>"
                ),
            )
        )
    figure.update_layout(
        xaxis={"title": safe(along.axis)},
        yaxis={"title": safe(along.short) + (", %" if share else "")},
    )
    return figure
