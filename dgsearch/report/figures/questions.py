"""Figures of open questions that no other page has: multiples, shares by bin, accuracy by gap."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dgsearch.report.figures.base import NEUTRAL, error_bars, row_styles, safe
from dgsearch.report.figures.plain import Drawing, bar, scatter
from dgsearch.report.words import Unit


def ratio_figure(ratios: pd.DataFrame) -> Drawing:
    """Multiples of a reference with their intervals, one colour a measure, equal ratios alike.

    Args:
        ratios: label, measure, ratio, low, high, pairs.
    """
    measures = [str(name) for name in dict.fromkeys(ratios["measure"])]
    styles = row_styles(measures)
    labels = list(dict.fromkeys(ratios["label"]))[::-1]
    figure = Drawing()
    for place, measure in enumerate(measures):
        part = ratios[ratios["measure"] == measure]
        offset = (place - (len(measures) - 1) / 2) * 0.3
        figure.add_trace(
            scatter(
                x=part["ratio"],
                y=[labels.index(label) - offset for label in part["label"]],
                mode="markers",
                marker={
                    "color": styles[measure]["color"],
                    "symbol": styles[measure]["symbol"],
                    "size": 9,
                },
                error_x=error_bars(part, 1.0, middle="ratio"),
                customdata=np.column_stack([part["label"], part["pairs"]]),
                hovertemplate=f"%{{customdata[0]}}, {safe(measure)}: %{{x:.2f}} times, "
                "%{customdata[1]} pairs<extra></extra>",
                name=measure,
            )
        )
    figure.add_line(x=1, line={"color": NEUTRAL, "width": 1})
    figure.update_layout(
        xaxis={"title": "multiple of plain training", "type": "log", "dtick": "D2"},
        yaxis={
            "tickvals": list(range(len(labels))),
            "ticktext": labels,
            "ticksuffix": " ",
            "range": [-0.6, len(labels) - 0.4],
            "zeroline": False,
        },
    )
    return figure


def shares_figure(shares: pd.DataFrame, *, titles: tuple[str, str]) -> Drawing:
    """Bars of mean shares with intervals over seeds, side by side for each row.

    Args:
        shares: row, bin_low, bin_high, mean, low, high (shares, 0..1).
        titles: Of the axes.
    """
    styles = row_styles([str(row) for row in dict.fromkeys(shares["row"])])
    figure = Drawing()
    for row, part in shares.groupby("row", sort=False):
        edges = zip(part["bin_low"], part["bin_high"], strict=True)
        bins = [f"{low:.2g}–{high:.2g}" for low, high in edges]
        figure.add_trace(
            bar(
                x=bins,
                y=part["mean"] * 100,
                error_y=error_bars(part, 100.0),
                marker={"color": styles[str(row)]["color"]},
                name=str(row),
                hovertemplate=f"{safe(str(row))}, %{{x}}: %{{y:.1f}} %<extra></extra>",
            )
        )
    figure.update_layout(
        barmode="group",
        xaxis={"title": titles[0], "type": "category"},
        yaxis={"title": titles[1]},
    )
    return figure


def gap_figure(table: pd.DataFrame, *, unit: Unit) -> Drawing:
    """Accuracy over the gap between the domains, one line a row.

    Args:
        table: domain, row, gap (0..1), mean, low, high, n; the smallest gap first in each row.
        unit: Of the outcome.
    """
    styles = row_styles([str(row) for row in dict.fromkeys(table["row"])])
    figure = Drawing()
    for row, part in table.groupby("row", sort=False):
        style = styles[str(row)]
        figure.add_trace(
            scatter(
                x=part["gap"] * 100,
                y=part["mean"] * unit.scale,
                mode="lines+markers",
                line={"color": style["color"], "dash": style["dash"], "width": 2},
                marker={"color": style["color"], "symbol": style["symbol"], "size": 8},
                error_y=error_bars(unit.within(part), unit.scale),
                customdata=np.column_stack([part["domain"], part["n"]]),
                hovertemplate=f"{safe(str(row))}, %{{customdata[0]}}: %{{y:.4~g}}{unit.sign}, "
                "gap %{x:.1f} %, n = %{customdata[1]}<extra></extra>",
                name=str(row),
            )
        )
    figure.update_layout(
        xaxis={"title": "gap: share of the domain that the teacher gets wrong, %"},
        yaxis={"title": unit.axis},
    )
    return figure
