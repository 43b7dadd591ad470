"""Figures of studies that dgsearch did not write: history, slices, fronts, branches, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from dgsearch.analysis.foreign import ForeignTrials, Parameter, best_so_far
from dgsearch.database.snapshot import Floats, Ints
from dgsearch.report.figures.base import MOST_DOTS, NEUTRAL, safe
from dgsearch.report.figures.plain import Drawing, Part, contour, scatter

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_FIFTHS = ("#fde725", "#5ec962", "#21918c", "#3b528b", "#440154")  # Viridis, worst to best
_MOST_LINES = 300


def history_figure(trials: ForeignTrials, title: str) -> Drawing:
    """Every finished trial, and the best so far."""
    return progress_figure(trials.numbers, trials.values, best_so_far(trials), title)


def progress_figure(numbers: Ints, values: Floats, best: Floats, title: str) -> Drawing:
    """A mark for each trial where these are few, and a line of the best so far.

    Args:
        numbers: Of the trials.
        values: Of each.
        best: Of it and those before; NaN before the first.
        title: Of the vertical axis.
    """
    figure = Drawing()
    if len(values) <= MOST_DOTS:
        figure.add_trace(
            scatter(
                x=numbers, y=values, mode="markers", name="trial",
                marker={"color": NEUTRAL, "size": 6, "opacity": 0.6},
                customdata=numbers, meta={"trial": 0},
                hovertemplate="trial %{x}: %{y:.4~g}<extra></extra>",
            )
        )  # fmt: skip
    steps = np.flatnonzero(np.r_[True, best[1:] != best[:-1], True][: len(best)])
    shown = np.unique(np.r_[steps, len(best) - 1])
    shown = shown[~np.isnan(best[shown])]
    figure.add_trace(
        scatter(
            x=numbers[shown], y=best[shown], mode="lines", name="best so far",
            line={"color": _COLOURS[1], "width": 2, "shape": "hv"},
            hovertemplate="trial %{x}: best so far %{y:.4~g}<extra></extra>",
        )
    )  # fmt: skip
    return figure.update_layout(xaxis={"title": "trial"}, yaxis={"title": title})


def slice_figure(
    trials: ForeignTrials, parameter: Parameter, summary: pd.DataFrame, title: str
) -> Drawing:
    """Every trial over one hyperparameter, with the mean and interval of each group."""
    choice = bool(parameter.labels)
    active = parameter.active
    figure = Drawing()
    order = list(summary["place"])
    if active.sum() <= MOST_DOTS:
        places = parameter.places[active]
        x = [parameter.text(at) for at in places] if choice else places
        figure.add_trace(
            scatter(
                x=x, y=trials.values[active], mode="markers", showlegend=False,
                marker={"color": _COLOURS[0], "size": 6, "opacity": 0.45},
                customdata=trials.numbers[active], meta={"trial": 0},
                hovertemplate=f"{safe(parameter.name)} = %{{x}}<br>"
                "trial %{customdata}: %{y:.4~g}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_trace(_means(summary, list(summary["label"]) if choice else order, choice))
    axis: dict[str, object] = {"title": {"text": parameter.name, "standoff": 12}}
    if choice:
        axis |= {"type": "category", "categoryorder": "array",
                 "categoryarray": list(summary["label"])}  # fmt: skip
    else:
        axis["type"] = "log" if parameter.log else "linear"
    return figure.update_layout(xaxis=axis, yaxis={"title": title})


def _means(summary: pd.DataFrame, x: Sequence[object], choice: bool) -> Part:
    """The mean of each group with its interval; joined by a line where x is a number."""
    high, mean, low = (summary[name].tolist() for name in ("high", "mean", "low"))
    return scatter(
        x=x,
        y=mean,
        mode="markers" if choice else "lines+markers",
        marker={"color": NEUTRAL, "size": 9, "symbol": "diamond"},
        line={"color": NEUTRAL, "width": 2},
        error_y={
            "array": [_less(*ends) for ends in zip(high, mean, strict=True)],
            "arrayminus": [_less(*ends) for ends in zip(mean, low, strict=True)],
            "visible": bool(summary["low"].notna().any()),
            "thickness": 1.2,
            "width": 4,
        },
        showlegend=False,
        customdata=summary["n"],
        hovertemplate="mean %{y:.4~g}, n = %{customdata}<extra></extra>",
    )


def _less(high: float, low: float) -> float:
    """A difference of two floats; infinite where a float does not hold it."""
    return float(high) - float(low)


def front_figure(table: pd.DataFrame, names: Sequence[str], front: str) -> Drawing:
    """Two objectives of every finished trial, with the front marked.

    Args:
        table: trial_number, a column of each objective, and a column of bools.
        names: Columns of the two objectives.
        front: The column of bools: whether no other trial dominates it.
    """
    figure = Drawing()
    for on_front, name, colour in ((False, "dominated", NEUTRAL), (True, "front", _COLOURS[1])):
        part = table[table[front] == on_front]
        figure.add_trace(
            scatter(
                x=part[names[0]], y=part[names[1]], mode="markers", name=name,
                marker={"color": colour, "size": 8 if on_front else 6,
                        "symbol": "diamond" if on_front else "circle"},
                customdata=part["trial_number"], meta={"trial": 0},
                hovertemplate="trial %{customdata}: %{x:.4~g}, %{y:.4~g}<extra></extra>",
            )
        )  # fmt: skip
    return figure.update_layout(xaxis={"title": names[0]}, yaxis={"title": names[1]})


def contour_figure(
    surface: pd.DataFrame, trials: ForeignTrials, pair: tuple[Parameter, Parameter], title: str
) -> Drawing:
    """A prediction over two numbers as a contour map, with the trials as dots.

    Args:
        surface: `pair_of`: first, second, prediction.
        trials: The study.
        pair: The two hyperparameters.
        title: Of the prediction.
    """
    table = surface.pivot_table(index="second", columns="first", values="prediction")
    figure = Drawing(
        contour(
            z=table.to_numpy(), x=table.columns.to_numpy(), y=table.index.to_numpy(),
            colorscale="Cividis", reversescale=trials.sign < 0, line={"width": 0.5},
            colorbar={"title": title, "thickness": 12},
            hovertemplate=f"{safe(pair[0].name)} = %{{x}}<br>{safe(pair[1].name)} = %{{y}}"
            "<br>prediction %{z:.4~g}<extra></extra>",
        )
    )  # fmt: skip
    own = np.flatnonzero(trials.counted)[:MOST_DOTS]
    figure.add_trace(
        scatter(
            x=pair[0].places[own], y=pair[1].places[own], mode="markers", showlegend=False,
            marker={"color": "white", "size": 4, "line": {"color": "#222", "width": 0.7}},
            customdata=np.column_stack([trials.numbers[own], trials.values[own]]),
            meta={"trial": 0},
            hovertemplate="trial %{customdata[0]}: %{customdata[1]:.4~g}<extra></extra>",
        )
    )  # fmt: skip
    axes = [{"title": item.name, "type": "log" if item.log else "linear"} for item in pair]
    return figure.update_layout(xaxis=axes[0], yaxis=axes[1])


def parallel_figure(trials: ForeignTrials, parameters: Sequence[Parameter]) -> Drawing:
    """One line a trial across the hyperparameters, coloured by the fifth of its value.

    Each axis runs from the lowest to the highest place seen; a line breaks where a trial lacks
    the hyperparameter.
    """
    places = {item.name: item.scaled for item in parameters}
    return lines_figure(places, trials.sign * trials.values, trials.numbers)


def lines_figure(places: Mapping[str, Floats], merit: Floats, numbers: Ints) -> Drawing:
    """One line a trial over several axes, coloured by the fifth of its merit.

    Args:
        places: Of each axis: the number of every trial, NaN where it has none; some differ.
        merit: Of each trial; higher is better.
        numbers: Of the trials.
    """
    names = list(places)
    columns = [
        (own - np.nanmin(own)) / (np.nanmax(own) - np.nanmin(own)) for own in places.values()
    ]
    heights = np.column_stack(columns)
    ranks = merit.argsort(kind="stable").argsort()
    fifths = ranks * 5 // max(len(ranks), 1)
    figure = Drawing()
    step = -(-len(heights) // _MOST_LINES)
    words = ("worst fifth", "second worst", "middle", "second best", "best fifth")
    for fifth in range(5):
        use = (fifths == fifth) & (np.arange(len(heights)) % step == 0)
        chosen = heights[use]
        y = np.hstack([chosen, np.full((len(chosen), 1), np.nan)]).ravel().astype(np.float32)
        x = [*names, names[-1]] * len(chosen)
        figure.add_trace(
            scatter(
                x=x, y=y, mode="lines+markers", name=words[fifth], opacity=0.6,
                line={"color": _FIFTHS[fifth], "width": 1.2}, marker={"size": 4},
                customdata=np.repeat(numbers[use], len(names) + 1), meta={"trial": 0},
                hovertemplate="trial %{customdata}<extra></extra>",
            )
        )  # fmt: skip
    return figure.update_layout(
        xaxis={"type": "category", "categoryorder": "array", "categoryarray": names},
        yaxis={"title": "lowest to highest place"},
    )


def timeline_figure(trials: pd.DataFrame) -> Drawing:
    """When each trial ran, by how it ended.

    Args:
        trials: trial_number, state, started_at, finished_at (UTC); both given.
    """
    figure = Drawing()
    for place, (state, part) in enumerate(trials.groupby("state", observed=True)):
        gaps = [None] * len(part)
        starts, ends = part["started_at"], part["finished_at"]
        x = [item for row in zip(starts, ends, gaps, strict=True) for item in row]
        y = [item for at in part["trial_number"] for item in (at, at, None)]
        figure.add_trace(
            scatter(
                x=x, y=y, mode="lines+markers", name=str(state), marker={"size": 4},
                line={"color": _COLOURS[place % len(_COLOURS)], "width": 3},
                customdata=y, meta={"trial": 0}, hovertemplate="trial %{y}: %{x}<extra></extra>",
            )
        )  # fmt: skip
    return figure.update_layout(xaxis={"title": "time, UTC"}, yaxis={"title": "trial"})


def intermediate_figure(curves: pd.DataFrame, stopped: Sequence[int], title: str) -> Drawing:
    """The intermediate values of each trial; trials stopped early apart.

    Args:
        curves: `read_curves` of one study, finite values.
        stopped: Numbers of the trials that were pruned.
        title: Of the vertical axis.
    """
    figure = Drawing()
    numbers = curves["trial_number"].unique()
    numbers = numbers[:: -(-len(numbers) // _MOST_LINES)]
    pruned = set(stopped)
    for name, colour, own in (
        ("not pruned", _COLOURS[0], [at for at in numbers if at not in pruned]),
        ("pruned", _COLOURS[1], [at for at in numbers if at in pruned]),
    ):
        x: list[float | None] = []
        y: list[float | None] = []
        shown: list[int] = []
        for number, part in curves[curves["trial_number"].isin(own)].groupby("trial_number"):
            shown += [int(str(number))] * (len(part) + 1)
            x += [*part["epoch"], None]
            y += [*part["value"], None]
        figure.add_trace(
            scatter(
                x=x, y=y, mode="lines+markers", name=name, opacity=0.5, marker={"size": 3},
                line={"color": colour, "width": 1.2},
                customdata=shown, meta={"trial": 0},
                hovertemplate="trial %{customdata}, step %{x}: %{y:.4~g}<extra></extra>",
            )
        )  # fmt: skip
    return figure.update_layout(xaxis={"title": "step"}, yaxis={"title": title})
