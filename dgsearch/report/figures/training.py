"""Figures of training: curves, halving, rank correlations, diagnostics, cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from dgsearch.report.figures.base import (
    MOST_DOTS,
    NEUTRAL,
    density,
    error_bars,
    leads,
    row_styles,
    safe,
)
from dgsearch.report.figures.plain import Drawing, bar, scatter
from dgsearch.report.words import Unit


def curves_figure(
    curves: pd.DataFrame,
    *,
    panels: Mapping[str, str],
    styles: Mapping[str, Mapping[str, str]],
    axis: str = "",
    scale: float = 1.0,
) -> Drawing:
    """Means over epochs, one panel a column, one line a row.

    Args:
        curves: With column (or metric as `column`), row, epoch, mean, low, high.
        panels: Title of each panel, by its column.
        styles: `row_styles`.
        axis: Title of the vertical axes.
        scale: Of the numbers.
    """
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Drawing.of_panels(
        rows, columns, titles=list(panels.values()), gaps=(0.1, min(0.18, 0.4 / rows))
    )
    for place, column in enumerate(panels):
        own = curves[curves["column"] == column]
        for row, part in own.groupby("row", sort=False):
            style = styles[str(row)]
            single = part["epoch"].nunique() == 1
            figure.add_trace(
                scatter(
                    x=part["epoch"],
                    y=part["mean"] * scale,
                    mode="markers" if single else "lines",
                    line={"color": style["color"], "dash": style["dash"], "width": 2},
                    marker={"color": style["color"], "symbol": style["symbol"]},
                    error_y=error_bars(part, scale) if single else None,
                    name=str(row),
                    legendgroup=str(row),
                    showlegend=place == 0,
                    hovertemplate=f"{safe(str(row))}<br>epoch %{{x}}: %{{y:.4~g}}<extra></extra>",
                ),
                row=place // columns + 1,
                column=place % columns + 1,
            )
    figure.update_xaxes(title="epoch", row=rows)
    figure.update_yaxes(title=axis)
    return figure


def stops_figure(stops: pd.DataFrame, *, unit: Unit) -> Drawing:
    """Where halving stopped whom: each trial's value at its rung, and the cut-offs."""
    figure = Drawing()
    if len(stops) > MOST_DOTS:
        axes = {"x": "epoch", "y": unit.name}
        figure.add_trace(density(stops["rung"], stops["value"] * unit.scale, "stopped", axes))
    else:
        for column, symbol, colour, name in (
            ("cutoff", "line-ew-open", NEUTRAL, "cut-off at that moment"),
            ("value", "x-thin-open", "#a8324f", "stopped trial"),
        ):
            figure.add_trace(
                scatter(
                    x=stops["rung"],
                    y=stops[column] * unit.scale,
                    mode="markers",
                    marker={"color": colour, "size": 10, "symbol": symbol, "line": {"width": 2}},
                    customdata=stops[["trial_number"]],
                    meta={"trial": 0},
                    hovertemplate="trial %{customdata[0]}, epoch %{x}: %{y:.4~g}",
                    name=name,
                )
            )
    rungs = sorted({int(rung) for rung in stops["rung"]})
    figure.update_layout(
        xaxis={"title": "epoch of the rung", "tickvals": rungs}, yaxis={"title": unit.axis}
    )
    return figure


def rank_figure(ranks: pd.DataFrame) -> Drawing:
    """Rank correlation of early and final values, with intervals, over epochs."""
    figure = Drawing(
        [
            scatter(
                x=ranks["epoch"],
                y=ranks["rho"],
                error_y=error_bars(ranks, 1.0, middle="rho"),
                mode="lines+markers",
                marker={"color": "#6355c4", "size": 8},
                hovertemplate="epoch %{x}: %{y:.2f}",
                name="rank correlation with the last epoch",
            ),
            scatter(
                x=ranks["epoch"],
                y=ranks["kept"],
                mode="lines+markers",
                line={"dash": "dot"},
                marker={"color": "#44aa99", "size": 7, "symbol": "square"},
                hovertemplate="epoch %{x}: %{y:.0%}",
                name="share of the final best third kept",
            ),
        ]
    )
    figure.update_layout(
        xaxis={"title": "epoch"}, yaxis={"title": "correlation, share", "range": [-1.05, 1.05]}
    )
    return figure


def scatter_figure(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    titles: tuple[str, str],
    styles: Mapping[str, Mapping[str, str]],
    scales: tuple[float, float] = (1.0, 1.0),
) -> Drawing:
    """One dot a configuration, or counts where they are too many.

    Args:
        frame: With the columns x, y, row and text (for the hover).
        x: Column.
        y: Column.
        titles: Of the axes.
        styles: `row_styles`.
        scales: Of x and y.
    """
    figure = Drawing()
    if len(frame) > MOST_DOTS:
        axes = {"x": titles[0], "y": titles[1]}
        figure.add_trace(density(frame[x] * scales[0], frame[y] * scales[1], "trials", axes))
    else:
        for row, part in frame.groupby("row", sort=False):
            style = styles[str(row)]
            figure.add_trace(
                scatter(
                    x=part[x] * scales[0],
                    y=part[y] * scales[1],
                    mode="markers",
                    marker={"color": style["color"], "symbol": style["symbol"], "size": 8},
                    text=part["text"],
                    meta=leads(part),
                    hovertemplate="%{text}<br>%{x:.4~g}, %{y:.4~g}",
                    name=str(row),
                )
            )
    figure.update_layout(xaxis={"title": titles[0]}, yaxis={"title": titles[1]})
    return figure


def correlation_figure(correlations: pd.DataFrame, *, labels: Mapping[str, str]) -> Drawing:
    """Rank correlation of each diagnostic with accuracy, with its interval."""
    shown = correlations.sort_values("rho")
    names = [labels.get(metric, metric) for metric in shown["metric"]]
    figure = Drawing(
        scatter(
            x=shown["rho"],
            y=names,
            mode="markers",
            marker={"color": "#6355c4", "size": 8, "symbol": "diamond"},
            error_x=error_bars(shown, 1.0, middle="rho"),
            customdata=shown[["n"]],
            hovertemplate="%{y}: %{x:.2f}, n = %{customdata[0]}<extra></extra>",
        )
    )
    figure.add_line(x=0, line={"color": NEUTRAL, "width": 1})
    figure.update_layout(
        xaxis={"title": "rank correlation", "range": [-1.05, 1.05]},
        yaxis={"type": "category", "ticksuffix": " "},
    )
    return figure


def stage_figure(stages: pd.DataFrame, *, names: Sequence[str]) -> Drawing:
    """Mean seconds of each stage as stacked bars, one bar a row."""
    styles = row_styles(names)
    shapes = ("", "/", "\\", "x", "-", "|", "+", ".")
    figure = Drawing()
    rows = list(dict.fromkeys(stages["row"]))[::-1]
    for place, stage in enumerate(names):
        part = stages[stages["stage"] == stage]
        figure.add_trace(
            bar(
                y=part["row"],
                x=part["seconds"],
                orientation="h",
                name=stage,
                marker={
                    "color": styles[stage]["color"],
                    "pattern": {"shape": shapes[place % len(shapes)]},
                },
                hovertemplate=f"%{{y}}, {safe(stage)}: %{{x:.1f}} s<extra></extra>",
            )
        )
    figure.update_layout(
        barmode="stack",
        xaxis={"title": "seconds a trial"},
        yaxis={"type": "category", "categoryarray": rows, "ticksuffix": " "},
    )
    return figure


def cost_figure(costs: pd.DataFrame, *, unit: Unit) -> Drawing:
    """Accuracy against seconds; the efficient rows are joined."""
    figure = Drawing()
    front = costs[costs["efficient"]].sort_values("seconds")
    figure.add_trace(
        scatter(
            x=front["seconds"],
            y=front["accuracy"] * unit.scale,
            mode="lines",
            line={"color": NEUTRAL, "dash": "dot", "shape": "hv"},
            name="nothing cheaper is better",
            hoverinfo="skip",
        )
    )
    styles = row_styles(costs["row"].tolist())
    for place in range(len(costs)):
        part = costs.iloc[place : place + 1]
        row = str(part["row"].iloc[0])
        figure.add_trace(
            scatter(
                x=part["seconds"],
                y=part["accuracy"] * unit.scale,
                error_y=error_bars(unit.within(part), unit.scale, middle="accuracy"),
                mode="markers",
                marker={
                    "color": styles[row]["color"],
                    "symbol": styles[row]["symbol"],
                    "size": 10,
                },
                name=row,
                meta=leads(part),
                hovertemplate=f"{safe(row)}<br>%{{x:.1f}} s, %{{y:.4~g}}{unit.sign}"
                "<extra></extra>",
            )
        )
    figure.update_layout(xaxis={"title": "seconds a trial"}, yaxis={"title": unit.axis})
    return figure
