"""Figures of sensitivity: response, heat map, importance, indices, dependence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.selection import MEAN
from dgsearch.report.figures.base import MOST_DOTS, NEUTRAL, SYMBOLS, around, compact, leads, safe
from dgsearch.report.figures.plain import Drawing, Part, bar, heatmap, scatter
from dgsearch.report.words import Unit, texts_apart

_PAIR_COLOURS = ("#6355c4", "#44aa99")  # of bars side by side
_PAIR_PATTERNS = ("", "/")


def response_figure(
    points: pd.DataFrame,
    summary: pd.DataFrame,
    *,
    axis: Mapping[str, Any],
    unit: Unit,
    colours: Mapping[str, str],
    reported: Sequence[tuple[str, float]] = (),
) -> Drawing:
    """The outcome over the values of one hyperparameter: the mean, then each target.

    Args:
        points: `response_points`: a dot a seed.
        summary: `response_summary`: means and intervals.
        axis: label, log, centre (None: unknown), default (None: unknown).
        unit: Of the outcome.
        colours: Of each domain and of the mean.
        reported: Horizontal lines: what it is and the number (0..1).
    """
    summary = unit.within(summary)
    domains = [name for name in dict.fromkeys(summary["domain"]) if name != MEAN]
    several = len(domains) > 1
    titles = ("mean of targets", "each target") if several else ()
    figure = Drawing.of_panels(1, 1 + several, titles=titles, gaps=(0.1, None))
    for place, domain in enumerate([MEAN, *domains] if several else domains):
        part = summary[summary["domain"] == domain]
        dots = points[points["domain"] == domain]
        column = 2 if several and domain != MEAN else 1
        style = {"color": colours.get(domain, NEUTRAL), "symbol": SYMBOLS[place % len(SYMBOLS)]}
        for trace in _response(dots, part, str(axis["label"]), unit, style):
            named = Part(trace | {"name": domain, "legendgroup": domain})
            figure.add_trace(named, row=1, column=column)
    numeric = pd.api.types.is_numeric_dtype(summary["value"])
    kind = ("log" if axis["log"] else "linear") if numeric else "category"
    figure.update_xaxes(title=axis["label"], type=kind)
    for column in range(1, 2 + several):
        mean = points["domain"] == MEAN
        chosen = points[mean == (column == 1)] if several else points
        bars = summary[(summary["domain"] == MEAN) & (column == 1)]
        limits = around(
            chosen["accuracy"] * unit.scale,
            bars[["low", "high"]] * unit.scale,
            least=0.005 * unit.scale,
        )
        figure.update_yaxes(title=unit.axis, range=limits, row=1, column=column)
    if numeric:
        _mark(figure, axis)
    for text, value in reported:
        figure.add_line(y=value * unit.scale, line={"dash": "dash"}, text=text)
    return figure


def _response(
    dots: pd.DataFrame, part: pd.DataFrame, label: str, unit: Unit, style: Mapping[str, str]
) -> list[Part]:
    """Dots of one domain, then the means over seeds joined by a line, with intervals."""
    domain = str(part["domain"].iloc[0])
    intervals = domain == MEAN or len(dots["domain"].unique()) == 0
    written = safe(label)
    shown = dots if len(dots) <= MOST_DOTS else dots.iloc[:0]
    known = [name for name in ("trial_number",) if name in shown]
    scaled = part[["low", "high"]] * unit.scale
    return [
        scatter(
            x=shown["value"],
            y=shown["accuracy"] * unit.scale,
            mode="markers",
            marker={"color": style["color"], "size": 6, "opacity": 0.45},
            customdata=shown[["seed", *known]],
            meta={"trial": 1} if known else None,
            hovertemplate=f"{written} = %{{x}}<br>seed %{{customdata[0]}}: %{{y:.4~g}}{unit.sign}",
            showlegend=False,
        ),
        scatter(
            x=part["value"],
            y=part["mean"] * unit.scale,
            mode="lines+markers",
            line={"color": style["color"], "width": 2},
            marker={"color": style["color"], "size": 8, "symbol": style["symbol"]},
            error_y={
                "array": scaled["high"] - part["mean"] * unit.scale,
                "arrayminus": part["mean"] * unit.scale - scaled["low"],
                "visible": intervals and bool(part["low"].notna().any()),
                "thickness": 1.2,
                "width": 4,
            },
            customdata=np.column_stack([part["n"], scaled["low"], scaled["high"]]),
            meta=leads(part),
            hovertemplate=f"{written} = %{{x}}<br>mean %{{y:.4~g}}{unit.sign}"
            "<br>n = %{customdata[0]}, 95% interval %{customdata[1]:.4~g} to "
            "%{customdata[2]:.4~g}",
            showlegend=domain != MEAN,
        ),
    ]


def _mark(figure: Drawing, axis: Mapping[str, Any]) -> None:
    """Vertical lines at the centre and at the default."""
    for key, dash in (("centre", "dot"), ("default", "dash")):
        value = axis[key]
        drawable = value is not None and not (axis["log"] and value <= 0)
        if drawable and not (key == "default" and value == axis["centre"]):
            figure.add_line(x=value, line={"dash": dash, "color": NEUTRAL, "width": 1})


def pair_figure(surface: pd.DataFrame, *, labels: tuple[str, str], unit: Unit) -> Drawing:
    """Mean outcome at each pair of values, with the interval on hover.

    Args:
        surface: `pair_surface`.
        labels: How the two hyperparameters are written.
        unit: Of the outcome.
    """
    surface = unit.within(surface)
    tables = {
        name: surface.pivot(index="second", columns="first", values=name)
        for name in ("common", "n", "low", "high")
    }
    means = tables["common"] * unit.scale
    hover = np.dstack(
        [tables["n"].fillna(0), tables["low"] * unit.scale, tables["high"] * unit.scale]
    )
    return Drawing(
        heatmap(
            z=means.to_numpy(),
            x=texts_apart(means.columns),
            y=texts_apart(means.index),
            customdata=hover,
            meta=_cell_leads(surface),
            texttemplate="%{z:.1f}" if unit.digits else "%{z:.3~g}",
            colorscale="Cividis",
            colorbar={"title": unit.axis, "thickness": 12},
            hovertemplate=(
                f"{safe(labels[0])} = %{{x}}, {safe(labels[1])} = %{{y}}"
                f"<br>mean %{{z:.4~g}}{unit.sign}, n = %{{customdata[0]}}"
                "<br>95% interval %{customdata[1]:.4~g} to "
                "%{customdata[2]:.4~g}<extra></extra>"
            ),
        ),
        layout={
            "xaxis": {"title": labels[0], "type": "category"},
            "yaxis": {"title": labels[1], "type": "category"},
        },
    )


def _cell_leads(surface: pd.DataFrame) -> dict[str, Any] | None:
    """`leads` of cells, by row and column; null where there is no cell."""
    if "behind" not in surface:
        return None
    table = surface.pivot(index="second", columns="first", values="behind")
    cells = table.astype(object).where(table.notna(), None)
    return {"means": cells.to_numpy().tolist()}


def share_figure(
    shares: pd.DataFrame, *, series: str, value: str, labels: Mapping[str, str], title: str
) -> Drawing:
    """Bars with intervals: a share of each hyperparameter, side by side for each series.

    Args:
        shares: With name, the series' column, the value's column, low, high.
        series: Column that tells the bars of one hyperparameter apart.
        value: Column of the length of the bars.
        labels: How each hyperparameter is written.
        title: Of the axis.
    """
    figure = Drawing()
    for place, (name, part) in enumerate(shares.groupby(series, sort=False)):
        figure.add_trace(
            bar(
                x=[labels[item] for item in part["name"]],
                y=part[value],
                name=str(name),
                marker={
                    "color": _PAIR_COLOURS[place % 2],
                    "pattern": {"shape": _PAIR_PATTERNS[place % 2]},
                },
                error_y={
                    "array": (part["high"] - part[value]).clip(lower=0),
                    "arrayminus": (part[value] - part["low"]).clip(lower=0),
                    "thickness": 1.2,
                },
                hovertemplate="%{x}: %{y:.2f}",
            )
        )
    figure.update_layout(barmode="group", yaxis={"title": title}, xaxis={"type": "category"})
    return figure


def strength_figure(found: pd.DataFrame, *, labels: Mapping[str, str]) -> Drawing:
    """Bars of importance over the limit of chance, with the band of chance up to 1.

    Args:
        found: `importance_rows`.
        labels: How each hyperparameter is written.
    """
    figure = Drawing()
    for place, (name, part) in enumerate(found.groupby("evaluator", sort=False)):
        figure.add_trace(
            bar(
                x=[labels[item] for item in part["name"]],
                y=part["strength"],
                name=str(name),
                marker={
                    "color": _PAIR_COLOURS[place % 2],
                    "pattern": {"shape": _PAIR_PATTERNS[place % 2]},
                },
                customdata=part[["share", "p"]],
                hovertemplate="%{x}: %{y:.2f} times the limit of chance"
                "<br>share %{customdata[0]:.2f}, p %{customdata[1]:.2g}",
            )
        )
    figure.add_band(y=(0, 1), fillcolor=NEUTRAL, opacity=0.25, layer="below")
    figure.add_line(y=1, line={"dash": "dash", "color": NEUTRAL}, text="chance")
    figure.update_layout(
        barmode="group",
        yaxis={"title": "importance over the limit of chance", "rangemode": "tozero"},
        xaxis={"type": "category"},
    )
    return figure


def dependence_figure(
    curves: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    unit: Unit,
    logarithmic: Collection[str] = (),
) -> Drawing:
    """Partial dependence of each hyperparameter, with the ICE curves behind it.

    Args:
        curves: `partial_dependence` by hyperparameter.
        labels: How each is written.
        unit: Of the outcome.
        logarithmic: Those on a logarithmic axis; one with a value of zero or less stays linear.
    """
    columns = min(2, len(curves))
    rows = -(-len(curves) // columns)
    figure = Drawing.of_panels(
        rows,
        columns,
        titles=[labels[name] for name in curves],
        gaps=(None, 0.18 if rows < 3 else 0.12),
    )
    for place, (name, frame) in enumerate(curves.items()):
        row, column = place // columns + 1, place % columns + 1
        ice = frame[frame["curve"] >= 0].sort_values("curve", kind="stable")
        mean = frame[frame["curve"] == -1]
        for part, width, opacity in ((_gapped(ice), 1, 0.25), (mean, 3, 1.0)):
            values = part["value"]
            figure.add_trace(
                scatter(
                    x=compact(values) if values.dtype == np.float64 else values,
                    y=compact(part["prediction"] * unit.scale),
                    mode="lines",
                    line={"color": "#6355c4" if width > 1 else NEUTRAL, "width": width},
                    opacity=opacity,
                    hoverinfo="x+y" if width > 1 else "skip",
                    showlegend=False,
                ),
                row=row,
                column=column,
            )
        if name in logarithmic and (frame["value"] > 0).all():
            figure.update_xaxes(type="log", row=row, column=column)
    figure.update_yaxes(title=unit.axis, matches="y")
    return figure


def _gapped(curves: pd.DataFrame) -> pd.DataFrame:
    """The curves below each other with a missing number between two, where the line breaks."""
    ends = np.flatnonzero(np.diff(curves["curve"].to_numpy(), append=-1) != 0)
    rows = np.insert(np.arange(len(curves)), ends + 1, ends)
    gapped = curves.iloc[rows].reset_index(drop=True)
    gapped.loc[ends + 1 + np.arange(len(ends)), "prediction"] = np.nan
    return gapped
