"""Figures of Shapley values: the way from none to the full method, and pairs of switches."""

from __future__ import annotations

import pandas as pd

from dgsearch.report.figures.base import NEUTRAL, error_bars
from dgsearch.report.figures.plain import Drawing, Part, bar, scatter
from dgsearch.report.words import Unit

_MORE, _LESS = "#0072b2", "#d55e00"


def waterfall_figure(values: pd.DataFrame, *, none: float, full: float, unit: Unit) -> Drawing:
    """Bars that lead from the method without any switch to the full method.

    Args:
        values: `ShapleyValues.values`, in the order of the bars.
        none: Outcome without any switch.
        full: Outcome of the full method.
        unit: Of the outcome.
    """
    ends = none + values["value"].cumsum()
    starts = ends - values["value"]
    names = ["none", *values["switch"], "full"]
    figure = Drawing([_steps(values, starts, unit), _doubt(values, starts, ends, unit)])
    figure.add_trace(
        scatter(
            x=[none * unit.scale, full * unit.scale],
            y=["none", "full"],
            mode="markers",
            marker={"color": NEUTRAL, "size": 11, "symbol": "diamond"},
            hovertemplate="%{y}: %{x:.4~g}" + unit.sign,
            name="method without any, and with all",
        )
    )
    for place, level in enumerate([none, *ends]):
        figure.add_shape(_link(level * unit.scale, top=len(names) - 1 - place))
    figure.update_layout(
        xaxis={"title": unit.axis},
        yaxis={
            "type": "category",
            "categoryorder": "array",
            "categoryarray": names[::-1],
            "ticksuffix": " ",
        },
        barmode="overlay",
    )
    return figure


def _steps(values: pd.DataFrame, starts: pd.Series[float], unit: Unit) -> Part:
    """What each switch adds to those above it."""
    return bar(
        y=values["switch"],
        x=values["value"] * unit.scale,
        base=starts * unit.scale,
        orientation="h",
        marker={"color": [_MORE if value >= 0 else _LESS for value in values["value"]]},
        opacity=0.75,
        width=0.6,
        customdata=values["value"] * unit.scale,
        hovertemplate=f"%{{y}}: %{{customdata:+.3~g}} {unit.step}",
        showlegend=False,
    )


def _doubt(
    values: pd.DataFrame, starts: pd.Series[float], ends: pd.Series[float], unit: Unit
) -> Part:
    """The interval of each step, from where it begins."""
    moved = values.assign(low=values["low"] + starts, high=values["high"] + starts, end=ends)
    return scatter(
        x=ends * unit.scale,
        y=values["switch"],
        mode="markers",
        marker={"color": "black", "size": 6, "symbol": "line-ns-open"},
        error_x=error_bars(moved, unit.scale, middle="end"),
        hoverinfo="skip",
        name="95% interval of the step",
    )


def _link(level: float, *, top: int) -> dict[str, object]:
    """A line from one bar to the one below it; rows are counted from the bottom."""
    line = {"color": NEUTRAL, "width": 1, "dash": "dot"}
    return {"type": "line", "x0": level, "x1": level, "y0": top, "y1": top - 1, "line": line}


def interaction_figure(pairs: pd.DataFrame, *, unit: Unit) -> Drawing:
    """The interaction of every two switches with its interval.

    Args:
        pairs: `ShapleyValues.pairs`, in the order of the rows.
        unit: Of the outcome.
    """
    names = (pairs["first"] + " × " + pairs["second"]).tolist()
    figure = Drawing(
        scatter(
            x=pairs["value"] * unit.scale,
            y=names,
            mode="markers",
            marker={"color": "#6355c4", "size": 9, "symbol": "diamond"},
            error_x=error_bars(pairs, unit.scale, middle="value"),
            hovertemplate=f"%{{y}}: %{{x:+.3~g}} {unit.step}",
            name="mean, 95% interval",
        )
    )
    figure.add_line(x=0, line={"color": NEUTRAL, "width": 1})
    figure.update_layout(
        xaxis={"title": f"interaction{', ' + unit.step if unit.step else ''}"},
        yaxis={"type": "category", "categoryarray": names[::-1], "ticksuffix": " "},
    )
    return figure
