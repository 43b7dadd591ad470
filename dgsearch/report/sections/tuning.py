"""How much tuning does a method take? The best of k trials, by number and by hours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from dgsearch.analysis.shared_seeds import balanced_trials
from dgsearch.analysis.tuning import Trials, trials_until, tuning_curve
from dgsearch.report.figures.tuning import tuning_figure
from dgsearch.report.parts import Block, Cell, Figure, Note, Rows, Section, Table, Warn
from dgsearch.report.view import StudyView
from dgsearch.report.words import Unit, given, number_cell, records, split_words
from dgsearch.wording import plural, were

_LEAST = 3  # configurations
_MOST_ROWS = 60


def tuning_sections(view: StudyView) -> Iterator[Section]:
    """For designs whose points stand for draws from the ranges, and for searches."""
    groups = tuning_groups(view)
    if not groups:
        return
    blocks: list[Block] = [Note(_explained(view) + _begun_with(view)), *_warnings(view)]
    blocks.append(tuning_block(groups, view))
    if len(groups) > 1:
        blocks.append(_until(view, groups))
    yield Section("tuning", "Tuning curves: what the best of k trials reaches", blocks)


def tuning_groups(view: StudyView) -> dict[str, pd.DataFrame]:
    """The configurations that a curve is made of, by method.

    Returns:
        For each method one row a configuration in the order of its first trial: value and
        outcome (means over the seeds that the method's configurations share), hours (mean of a
        trial at one seed, with what shared stages spared). Empty where the design has none.
    """
    if not (view.design.random_points or view.design.proposals):
        return {}
    alone = view.spread["trial_number"]
    done = view.done[view.done["trial_number"].isin(alone) | (view.done["role"] == "variant")]
    found = {}
    for method, own in done.groupby("method", sort=False, observed=True):
        shared = balanced_trials(own, view.outcome)
        shared = shared.assign(hours=(shared["wall_s"] + shared["saved_s"].fillna(0.0)) / 3600)
        grouped = shared.groupby("config_id", sort=False, observed=True)
        table = grouped.agg(
            value=("value", "mean"), outcome=(view.outcome, "mean"), hours=("hours", "mean")
        )
        if len(table.dropna(subset=["value"])) >= _LEAST:
            found[str(method)] = table.dropna(subset=["value"])
    return found


def tuning_block(groups: dict[str, pd.DataFrame], view: StudyView) -> Figure:
    """The curves of several groups: the figure, and its table.

    Args:
        groups: `tuning_groups`, of one study or of several.
        view: A study of the same unit and direction.
    """
    drawn, split = view.design.random_points, split_words(view.facts)
    curves = {
        name: _curve(view, own) if drawn else _in_order(view, own) for name, own in groups.items()
    }
    return Figure(
        "tuning",
        tuning_figure(curves, unit=view.unit, split=split),
        f"Left by number of trials, right by hours of one trial after another: the median best "
        f"{split} {view.unit.name} of k random trials, with a 95% band for all k at once."
        if drawn
        else f"The best {split} {view.unit.name} so far, in the order of the search.",
        _table(curves, view.unit),
        height_px=430,
    )


def _curve(view: StudyView, own: pd.DataFrame) -> pd.DataFrame:
    """The curve of configurations that stand for random draws."""
    table = tuning_curve(
        own["value"].tolist(),
        outcomes=own["outcome"].tolist(),
        ends=view.unit.bounds or (-math.inf, math.inf),
        maximise=view.data.maximise,
    )
    return table.assign(hours=table["trials"] * own["hours"].mean())


def _in_order(view: StudyView, own: pd.DataFrame) -> pd.DataFrame:
    """The best so far of a search that learns: its order is no chance, so there is no band."""
    best = own["value"].cummax() if view.data.maximise else own["value"].cummin()
    nan = np.full(len(own), math.nan)
    return pd.DataFrame(
        {
            "trials": np.arange(1, len(own) + 1),
            "median": best.to_numpy(),
            "low": nan,
            "high": nan,
            "expected": nan,
            "outcome": nan,
            "hours": own["hours"].cumsum().to_numpy(),
        }
    )


def _explained(view: StudyView) -> str:
    if not view.design.random_points:
        return (
            "Each proposal of this search depends on earlier outcomes. Its trials are not "
            "independent draws, so what another search of the same kind would reach is unknown: "
            'the curve has no band. A search with sampler = "random" has one.'
        )
    return (
        "Points, the centre among them, are taken as independent draws from the ranges. The curve "
        f"is the median of the best of k of them by validation {view.unit.name}, as a mean over "
        "the shared seeds. The band holds the true curve at all k at once with 95% probability "
        "(exact for continuous values; too wide, never too narrow, with ties). Where its end lies "
        "at the limit of the scale, so few trials do not tell. Expected is the mean of the best "
        "of k; 'on the targets' is what the trial so chosen reaches there on average."
    )


def _begun_with(view: StudyView) -> str:
    """What the sampler was given: known points, and the trials of another study."""
    text = ""
    points = len(view.design.enqueued(view.facts.spaces[view.facts.method]))
    if points:
        text += f" {plural(points, 'configuration')} {were(points)} given"
        text += " by the study file (enqueue), not proposed."
    if view.design.learns_from:
        text += f" The sampler also learned from finished trials of {view.design.learns_from!r}"
        text += ", which are counted nowhere here."
    return text


def _warnings(view: StudyView) -> list[Block]:
    stopped = int((view.spread["state"] == "PRUNED").sum())
    points = len(view.spread)
    if not stopped:
        return []
    verbs = f"{were(stopped)} stopped early and {'is' if stopped == 1 else 'are'}"
    return [
        Warn(
            f"{stopped} of {plural(points, 'trial')} {verbs} left out: the curve is that of the "
            f"survivors, and lies too {'low' if view.unit.lower else 'high'}."
        )
    ]


def _table(curves: dict[str, pd.DataFrame], unit: Unit) -> Table:
    rows: Rows = []
    for name, curve in curves.items():
        step = max(1, -(-len(curve) * len(curves) // _MOST_ROWS))
        shown = curve.iloc[sorted({*range(0, len(curve), step), len(curve) - 1})]
        rows += [
            [
                name,
                Cell(str(row["trials"]), row["trials"]),
                number_cell(row["hours"], 2),
                unit.cell(row["median"]),
                _band(unit, row["low"], row["high"]),
                unit.cell(row["expected"]),
                unit.cell(row["outcome"]),
            ]
            for row in records(shown)
        ]
    headings = ("method", "trials", "hours", "best", "95% band", "expected", "on the targets")
    return Table("tuning", headings, rows, (False, *([True] * 6)), "Tuning curves")


def _band(unit: Unit, low: float, high: float) -> str:
    if not given(low) or not given(high):
        return "–"
    ends = [
        unit.text(end) if math.isfinite(end) else ("−∞" if end < 0 else "∞") for end in (low, high)
    ]
    return " to ".join(ends)


def _until(view: StudyView, groups: dict[str, pd.DataFrame]) -> Table:
    """How many trials each method takes until it is as good as the reference at its best."""
    names = list(groups)
    reference = view.facts.method if view.facts.method in groups else names[0]
    maximise = view.data.maximise
    own = groups[reference]["value"]
    level = float(own.max() if maximise else own.min())
    rows: Rows = []
    for name, table in groups.items():
        found = trials_until(table["value"].tolist(), level, maximise=maximise)
        hours = float(table["hours"].mean())
        rows.append([name, Cell(str(len(table))), *_trial_cells(found, hours)])
    headings = ("method", "configurations", "trials", "95% band", "hours")
    caption = (
        f"Trials until the median of the best is at least the best of {reference}, "
        f"{view.unit.text(level)}{view.unit.sign} validation {view.unit.name}"
    )
    return Table("trials-until", headings, rows, (False, *([True] * 4)), caption)


def _trial_cells(found: Trials, hours: float) -> Sequence[str | Cell]:
    ends = [f"{end:.0f}" if math.isfinite(end) else "never shown" for end in found[1:]]
    return [
        number_cell(found.needed, 0),
        " to ".join(ends),
        number_cell(found.needed * hours, 2),
    ]
