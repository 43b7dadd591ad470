"""The figure of rules that stop trials early: time saved against regret."""

from __future__ import annotations

import pandas as pd

from dgsearch.analysis.stopping import HalvingRule
from dgsearch.report.figures.base import error_bars, row_styles
from dgsearch.report.figures.plain import Drawing, scatter
from dgsearch.report.words import Unit


def replay_figure(table: pd.DataFrame, *, unit: Unit, advised: HalvingRule | None) -> Drawing:
    """One mark a rule, one colour and symbol a kind of rule.

    Args:
        table: `analysis.replay.replay`.
        unit: Of the regret.
        advised: The rule that is recommended; it has a ring.
    """
    kinds = table["rule"].str.replace(r"(,| of \d).*", "", regex=True)
    kinds = kinds.where(~kinds.str.contains("epoch"), "first epochs, then the top")
    styles = row_styles(list(dict.fromkeys(kinds)))
    figure = Drawing()
    for kind, part in table.groupby(kinds, sort=False):
        style = styles[str(kind)]
        x = part.rename(columns={"saved_low": "low", "saved_high": "high"})
        y = part.rename(columns={"regret_low": "low", "regret_high": "high"})
        figure.add_trace(
            scatter(
                x=part["saved"] * 100,
                y=part["regret"] * unit.scale,
                cliponaxis=False,  # most regrets are 0: half of each mark would be cut
                mode="markers",
                marker={"color": style["color"], "symbol": style["symbol"], "size": 9},
                error_x=error_bars(x, 100.0, middle="saved") | {"thickness": 0.6},
                error_y=error_bars(y, unit.scale, middle="regret") | {"thickness": 0.6},
                customdata=part[["rule"]],
                hovertemplate="%{customdata[0]}: %{x:.0f} % saved, regret %{y:.3~g} " + unit.step,
                name=str(kind),
            )
        )
    if advised is not None:
        own = table[table["rule"] == advised.name]
        figure.add_trace(
            scatter(
                x=own["saved"] * 100,
                y=own["regret"] * unit.scale,
                cliponaxis=False,
                mode="markers",
                marker={"color": "black", "symbol": "circle-open", "size": 17},
                hoverinfo="skip",
                name="recommended",
            )
        )
    step = f", {unit.step}" if unit.step else ""
    figure.update_layout(
        xaxis={"title": "time saved, %"}, yaxis={"title": f"regret{step}", "rangemode": "tozero"}
    )
    return figure
