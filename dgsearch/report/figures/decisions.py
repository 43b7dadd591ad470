"""Figure of an adaptive study's decisions: each point's difference, its interval, the margin."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from dgsearch.designs.decisions import BETTER, EQUIVALENT, OPEN, WAITING, WORSE
from dgsearch.report.figures.base import NEUTRAL, error_bars, leads
from dgsearch.report.figures.plain import Drawing, scatter
from dgsearch.report.words import Unit

_STYLES = {
    BETTER: ("#0072b2", "triangle-right"),
    WORSE: ("#d55e00", "triangle-left"),
    EQUIVALENT: ("#009e73", "diamond"),
    OPEN: (NEUTRAL, "circle-open"),
    WAITING: (NEUTRAL, "x"),
}


def decision_figure(
    decisions: pd.DataFrame, *, unit: Unit, words: Mapping[str, str], margin: float
) -> Drawing:
    """Mean differences to the baseline with repeated intervals, by verdict.

    Args:
        decisions: `seed_decisions` with a column `label`; rows without a difference are left out.
        unit: Of the outcome.
        words: How each verdict is written.
        margin: Differences within plus and minus this count as none; 0..1.
    """
    figure = Drawing()
    shown = decisions.dropna(subset=["difference"])
    for verdict, (colour, symbol) in _STYLES.items():
        part = shown[shown["verdict"] == verdict]
        if part.empty:
            continue
        figure.add_trace(
            scatter(
                x=part["difference"] * unit.scale,
                y=part["label"],
                mode="markers",
                marker={"color": colour, "size": 10, "symbol": symbol},
                error_x=error_bars(part, unit.scale, middle="difference"),
                customdata=np.column_stack([part["seeds"], part["pairs"]]),
                meta=leads(part),
                hovertemplate=f"%{{y}}: %{{x:+.3~g}} {unit.step}"
                "<br>%{customdata[0]} seeds, %{customdata[1]} pairs",
                name=words[verdict],
            )
        )
    edge = margin * unit.scale
    figure.add_band(x=(-edge, edge), fillcolor=NEUTRAL, opacity=0.12)
    figure.add_line(x=0, line={"color": NEUTRAL, "width": 1})
    labels = shown["label"].tolist()[::-1]
    figure.update_layout(
        xaxis={"title": f"difference, {unit.step}"},
        yaxis={"type": "category", "categoryarray": labels, "ticksuffix": " "},
    )
    return figure
