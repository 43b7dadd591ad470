"""The figure of tuning curves: the best of k trials, by number and by hours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from dgsearch.report.figures.base import compact, row_styles, safe
from dgsearch.report.figures.plain import Drawing, Part, scatter
from dgsearch.report.words import Unit

_OPACITY = 0.13


def tuning_figure(
    curves: Mapping[str, pd.DataFrame], *, unit: Unit, split: str = "validation"
) -> Drawing:
    """One line a group with its band, over trials and over hours.

    Args:
        curves: By group: trials, hours, median, low, high; infinite ends are not drawn.
        unit: Of the values.
        split: What they are measured on.
    """
    figure = Drawing.of_panels(1, 2, gaps=(0.05, None), shared_y=True)
    styles = row_styles(list(curves))
    for name, curve in curves.items():
        colour, dash = styles[name]["color"], styles[name]["dash"]
        for place, column in enumerate(("trials", "hours"), start=1):
            figure.add_trace(_band(curve, column, colour, unit), row=1, column=place)
            line = scatter(
                x=compact(curve[column]),
                y=compact(curve["median"] * unit.scale),
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2, "shape": "hv"},
                name=name,
                legendgroup=name,
                showlegend=place == 1,
                hovertemplate=f"{safe(name)}<br>{column} %{{x:.4~g}}: %{{y:.4~g}}{unit.sign}"
                "<extra></extra>",
            )
            figure.add_trace(line, row=1, column=place)
    shown = pd.concat([curve["median"] for curve in curves.values()]) * unit.scale
    margin = max(float(shown.max() - shown.min()), abs(float(shown.mean())) * 1e-3)
    figure.update_yaxes(range=[shown.min() - margin, shown.max() + margin / 2])
    figure.update_yaxes(title=f"best {split} {unit.axis}", column=1)
    figure.update_xaxes(title="trials", column=1)
    figure.update_xaxes(title="hours", column=2)
    return figure


def _band(curve: pd.DataFrame, column: str, colour: str, unit: Unit) -> Part:
    """The area between the ends of the band."""
    low = curve["low"].replace([-np.inf, np.inf], np.nan) * unit.scale
    high = curve["high"].replace([-np.inf, np.inf], np.nan) * unit.scale
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    both = pd.DataFrame({"x": curve[column], "low": low, "high": high}).dropna()
    return scatter(
        x=compact(pd.concat([both["x"], both["x"][::-1]])),
        y=compact(pd.concat([both["high"], both["low"][::-1]])),
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=f"rgba({red}, {green}, {blue}, {_OPACITY})",
        hoverinfo="skip",
        showlegend=False,
    )
