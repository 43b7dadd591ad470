"""Two objectives against each other: every configuration, those on the front joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from dgsearch.report.figures.base import NEUTRAL, safe
from dgsearch.report.figures.plain import Drawing, scatter

_KINDS = (
    ("on the front", "#0072B2", "circle", 11),
    ("not on the front", NEUTRAL, "circle", 7),
    ("violates a constraint", NEUTRAL, "x", 7),
)


def front_figure(
    table: pd.DataFrame,
    called: Mapping[str, str],
    *,
    names: Sequence[str],
    axes: Sequence[str],
) -> Drawing:
    """The first objective upwards, the second to the right.

    Args:
        table: `front_table`.
        called: Name of each configuration by config_id.
        names: The two objectives.
        axes: How they are written.
    """
    figure = Drawing()
    upwards, right = names
    efficient = table[table["efficient"]].sort_values(right)
    figure.add_trace(
        scatter(
            x=efficient[right],
            y=efficient[upwards],
            mode="lines",
            line={"color": NEUTRAL, "dash": "dot"},
            showlegend=False,
            hoverinfo="skip",
        )
    )
    on, within = table["efficient"], table["feasible"]
    parts = (table[on], table[~on & within], table[~within])
    for (kind, colour, symbol, size), part in zip(_KINDS, parts, strict=True):
        if len(part):
            figure.add_trace(
                scatter(
                    x=part[right],
                    y=part[upwards],
                    mode="markers",
                    marker={"color": colour, "symbol": symbol, "size": size},
                    name=kind,
                    text=[safe(called.get(str(each), str(each))) for each in part["config_id"]],
                    hovertemplate="%{text}<br>%{x:.4~g}, %{y:.4~g}<extra></extra>",
                )
            )
    figure.update_layout(xaxis={"title": axes[1]}, yaxis={"title": axes[0]})
    return figure
