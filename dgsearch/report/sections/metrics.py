"""What a study recorded besides the metric that it compares by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from dgsearch.analysis.statistics import mean_interval
from dgsearch.report.parts import Cell, Rows, Section, Table
from dgsearch.report.sections.domains import chosen_trials
from dgsearch.report.view import StudyView
from dgsearch.report.words import ACCURACY, Unit, epoch_rule, given, unit_of


def metric_sections(view: StudyView) -> Iterator[Section]:
    """One table of every other metric; nothing where accuracy alone was recorded."""
    known: Mapping[str, Any] = view.facts.facts.get("metrics") or {}
    others = [name for name in known if name != view.metric]
    if not others:
        return
    chosen = chosen_trials(view)[["trial_number", "row"]]
    stored = view.data.trials.drop(columns="row", errors="ignore")
    trials = chosen.merge(stored, on="trial_number")
    units = {name: unit_of(known[name]) if name != "accuracy" else ACCURACY for name in others}
    better = [
        f"{unit.name}{unit.counted} ({'higher' if _higher(known[name]) else 'lower'} is better)"
        for name, unit in units.items()
    ]
    rows: Rows = [
        [str(row), *(_cell(_over_targets(part, name, view), unit) for name, unit in units.items())]
        for row, part in trials.groupby("row", sort=False)
    ]
    caption = (
        "Every other metric that was recorded, mean over the targets at the "
        f"{epoch_rule(view.facts)}: mean ± standard error over seeds. Nothing was chosen by them, "
        "so nothing is bold."
    )
    headings = ("group", *better)
    numeric = (False, *([True] * len(others)))
    yield Section("metrics", "Other metrics", [Table("metrics", headings, rows, numeric, caption)])


def _over_targets(trials: pd.DataFrame, metric: str, view: StudyView) -> pd.Series[Any]:
    """Each trial's mean over the targets; missing where one of them is."""
    kind = "accuracy" if metric == "accuracy" else f"metric/{metric}"
    columns = [f"{kind}/{target}" for target in view.targets]
    return trials.reindex(columns=columns).mean(axis=1, skipna=False)


def _higher(metric: Mapping[str, Any]) -> bool:
    return bool(metric.get("higher_is_better", True))


def _cell(values: pd.Series[Any], unit: Unit) -> Cell:
    """Mean and standard error; the mean alone of one seed, a dash of none."""
    found = mean_interval([float(value) for value in values if given(value)])
    if not found.n:
        return Cell("–")
    cell = unit.cell(found.mean)
    if found.n < 2:
        return cell
    return Cell(f"{cell.text} ± {unit.cell(found.standard_error).text}", cell.number)
