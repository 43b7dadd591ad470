"""Figures of comparisons: differences to a reference, the ablation path, rows per domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from dgsearch.analysis.selection import MEAN
from dgsearch.report.figures.base import NEUTRAL, SYMBOLS, error_bars, leads, safe
from dgsearch.report.figures.plain import Drawing, Part, scatter
from dgsearch.report.words import Unit


def difference_figure(
    compared: pd.DataFrame, dots: pd.DataFrame, *, unit: Unit, reported: Mapping[str, float]
) -> Drawing:
    """Paired differences to the reference: every seed, the mean, its interval.

    Args:
        compared: Rows of `compare_columns` with a column `label`, the reference left out.
        dots: One row a seed and row: label, seed, difference.
        unit: Of the outcome.
        reported: The paper's difference by label, where one is reported.
    """
    figure = Drawing()
    shown = compared.iloc[::-1]
    figure.add_trace(
        scatter(
            x=dots["difference"] * unit.scale,
            y=dots["label"],
            mode="markers",
            marker={"color": NEUTRAL, "size": 5, "opacity": 0.5},
            customdata=dots[["seed"]],
            meta={"seed": True},
            hovertemplate=f"%{{y}}<br>seed %{{customdata[0]}}: %{{x:+.3~g}} {unit.step}",
            name="one seed",
        )
    )
    figure.add_trace(
        scatter(
            x=shown["difference"] * unit.scale,
            y=shown["label"],
            mode="markers",
            marker={"color": "#6355c4", "size": 9, "symbol": "diamond"},
            error_x=error_bars(shown, unit.scale, middle="difference"),
            customdata=np.column_stack([shown["pairs"], shown["p"], shown["p_holm"]]),
            meta=leads(shown, shown["label"].tolist()),
            hovertemplate=f"%{{y}}: %{{x:+.3~g}} {unit.step}, %{{customdata[0]}} pairs"
            "<br>p = %{customdata[1]:.2~g}, Holm %{customdata[2]:.2~g}",
            name="mean, 95% interval",
        )
    )
    known = [label for label in shown["label"] if label in reported]
    if known:
        figure.add_trace(_reported(known, reported, unit))
    figure.add_line(x=0, line={"color": NEUTRAL, "width": 1})
    figure.update_layout(
        xaxis={"title": f"difference{', ' + unit.step if unit.step else ''}"},
        yaxis={"type": "category", "categoryarray": shown["label"].tolist(), "ticksuffix": " "},
    )
    return figure


def _reported(known: Sequence[str], reported: Mapping[str, float], unit: Unit) -> Part:
    return scatter(
        x=[reported[label] * unit.scale for label in known],
        y=list(known),
        mode="markers",
        marker={"color": "#a8324f", "size": 10, "symbol": "x-thin-open"},
        hovertemplate="%{y}: %{x:+.3~g} points, reported",
        name="reported by the paper, on its own data",
    )


def path_figure(path: pd.DataFrame, *, labels: Sequence[str], unit: Unit) -> Drawing:
    """The outcome after each change on the way to the best configuration.

    Args:
        path: `ablation_path`.
        labels: What each step does.
        unit: Of the outcome.
    """
    figure = Drawing()
    figure.add_trace(
        scatter(
            x=list(labels),
            y=path["outcome"] * unit.scale,
            mode="lines",
            line={"color": NEUTRAL, "width": 1},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    for source, symbol, name in (
        ("trials", "circle", "executed trials"),
        ("surrogate", "circle-open", "predicted by the surrogate"),
    ):
        part = path["source"] == source
        figure.add_trace(
            scatter(
                x=[text for text, use in zip(labels, part, strict=True) if use],
                y=path.loc[part, "outcome"] * unit.scale,
                mode="markers",
                marker={"size": 11, "symbol": symbol, "color": "#6355c4"},
                meta=leads(path[part]) if source == "trials" else None,
                name=name,
                hovertemplate="%{x}: %{y:.4~g}" + unit.sign,
            )
        )
    figure.update_layout(
        xaxis={"type": "category", "categoryarray": list(labels)}, yaxis={"title": unit.axis}
    )
    return figure


def domain_figure(table: pd.DataFrame, *, unit: Unit, colours: Mapping[str, str]) -> Drawing:
    """Each row's mean with its 95% interval on every domain.

    Args:
        table: With row, domain, mean, low, high, n.
        unit: Of the outcome.
        colours: Of each domain and of the mean.
    """
    figure = Drawing()
    rows = list(dict.fromkeys(table["row"]))[::-1]
    domains = list(dict.fromkeys(table["domain"]))
    for place, domain in enumerate(domains):
        part = table[table["domain"] == domain]
        offset = (place - (len(domains) - 1) / 2) * 0.7 / max(len(domains), 1)
        figure.add_trace(
            scatter(
                x=part["mean"] * unit.scale,
                y=[rows.index(row) - offset for row in part["row"]],
                mode="markers",
                marker={
                    "color": colours.get(domain, NEUTRAL),
                    "size": 9 if domain == MEAN else 7,
                    "symbol": SYMBOLS[place % len(SYMBOLS)],
                },
                error_x=error_bars(unit.within(part), unit.scale),
                customdata=np.column_stack([part["row"], part["n"]]),
                meta=leads(part, part["row"].tolist()),
                hovertemplate=f"%{{customdata[0]}}, {safe(domain)}: %{{x:.4~g}}{unit.sign}, "
                "n = %{customdata[1]}",
                name=domain,
            )
        )
    figure.update_layout(
        xaxis={"title": unit.axis},
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": rows,
            "ticksuffix": " ",
            "range": [-0.6, len(rows) - 0.4],
            "zeroline": False,
        },
    )
    return figure
