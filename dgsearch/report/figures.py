"""Figures: an analysis frame in, a plotly figure out; nothing is computed here.

Accuracies are shown in per cent. A domain has the same colour in every figure of a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dgsearch.analysis.selection import MEAN

__all__ = ["domain_colours", "response_figure"]

# Okabe and Ito's palette, told apart by colour-blind readers; grey is kept for the mean.
_PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MEAN_COLOUR = "#7a828b"
_PADDING = 0.15  # of the range of the dots, above and below them


def domain_colours(domains: Sequence[str]) -> dict[str, str]:
    """A colour for each domain and one for their mean."""
    colours = {name: _PALETTE[place % len(_PALETTE)] for place, name in enumerate(domains)}
    return colours | {MEAN: _MEAN_COLOUR}


def response_figure(
    points: pd.DataFrame,
    summary: pd.DataFrame,
    *,
    label: str,
    log: bool,
    centre: Any,
    colours: Mapping[str, str],
) -> go.Figure:
    """Accuracy over the values of one hyperparameter: the mean of the targets, then each target.

    Args:
        points: `response_points`: a dot per seed.
        summary: `response_summary`: means and intervals.
        label: How the hyperparameter is written.
        log: Whether its axis is logarithmic.
        centre: The value that was kept while other hyperparameters moved; marked.
        colours: Of each domain and of the mean.
    """
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=("mean of targets", "each target"), horizontal_spacing=0.1
    )
    for domain, part in summary.groupby("domain", sort=False):
        name, column = str(domain), 1 if domain == MEAN else 2
        dots = points[points["domain"] == domain]
        figure.add_trace(_dots(dots, name, label, colours[name]), row=1, col=column)
        figure.add_trace(_means(part, name, label, colours[name]), row=1, col=column)
    numeric = pd.api.types.is_numeric_dtype(summary["value"])
    figure.update_xaxes(title=label, type=("log" if log else "linear") if numeric else "category")
    for column, mean in ((1, True), (2, False)):
        shown = points.loc[(points["domain"] == MEAN) == mean, "accuracy"] * 100
        figure.update_yaxes(title="accuracy, %", range=_range(shown), col=column)
    if numeric and not (log and centre <= 0):
        figure.add_vline(x=centre, line={"dash": "dot", "color": _MEAN_COLOUR, "width": 1})
    return figure


def _range(shown: pd.Series[float]) -> list[float] | None:
    """Limits of an axis around the dots, so that wide intervals do not flatten the figure."""
    if shown.empty:
        return None
    low, high = float(shown.min()), float(shown.max())
    margin = max((high - low) * _PADDING, 0.5)
    return [low - margin, high + margin]


def _dots(dots: pd.DataFrame, name: str, label: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=dots["value"],
        y=dots["accuracy"] * 100,
        mode="markers",
        marker={"color": colour, "size": 6, "opacity": 0.5},
        customdata=dots[["seed"]],
        hovertemplate=(
            f"{name}, seed %{{customdata[0]}}<br>{label} = %{{x}}: %{{y:.1f}} %<extra></extra>"
        ),
        legendgroup=name,
        showlegend=False,
        name=name,
    )


def _means(part: pd.DataFrame, name: str, label: str, colour: str) -> go.Scatter:
    """Means over seeds joined by a line; the mean of the targets with its intervals."""
    intervals = part.assign(low=part["low"] * 100, high=part["high"] * 100)
    return go.Scatter(
        x=part["value"],
        y=part["mean"] * 100,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"color": colour, "size": 8, "symbol": "diamond"},
        error_y={
            "type": "data",
            "array": intervals["high"] - part["mean"] * 100,
            "arrayminus": part["mean"] * 100 - intervals["low"],
            "visible": name == MEAN and bool(part["low"].notna().any()),
            "thickness": 1.2,
            "width": 4,
        },
        customdata=intervals[["n", "low", "high"]],
        hovertemplate=(
            f"{name}<br>{label} = %{{x}}: mean %{{y:.1f}} %, n = %{{customdata[0]}}"
            "<br>95% interval %{customdata[1]:.1f} to %{customdata[2]:.1f}<extra></extra>"
        ),
        legendgroup=name,
        showlegend=name != MEAN,
        name=name,
    )
