"""Every configuration against the reference, and the path from the default to the best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from dgsearch.analysis.path import ablation_path
from dgsearch.analysis.shared_seeds import balanced_trials
from dgsearch.analysis.statistics import PAIRS_FOR_FIVE_PERCENT
from dgsearch.analysis.surrogate import LEAST_CONFIGURATIONS, Surrogate, fit_surrogate
from dgsearch.report.comparisons import (
    MOST_COMPARED,
    compared,
    differences,
    elsewhere,
    elsewhere_words,
    reported_for,
)
from dgsearch.report.figures.comparison import difference_figure, path_figure
from dgsearch.report.marks import behind, behind_configurations, leading
from dgsearch.report.parts import Block, Cell, Figure, Note, Rows, Section, Table
from dgsearch.report.selecting import selection_words
from dgsearch.report.verdicts import power_sentence, verdict_words
from dgsearch.report.view import StudyView
from dgsearch.report.words import counted_in, number_cell, p_cell, records, short

_HEADINGS = (
    "group", "n", "mean", "deviation", "pairs", "difference", "95% interval", "p", "Holm p",
    "verdict", "smallest p", "detectable",
)  # fmt: skip


def ablation_section(view: StudyView) -> Iterator[Section]:
    """Every variant against the full method."""
    title = "Ablation: every variant against the full method"
    yield from _comparison(view, Section("ablation", title, []), "the full method")


def configuration_section(view: StudyView) -> Iterator[Section]:
    """Every configuration against the centre."""
    title = "Every configuration against the centre"
    yield from _comparison(view, Section("configurations", title, []), "the centre")


def _comparison(view: StudyView, empty: Section, reference: str) -> Iterator[Section]:
    table = compared(view)
    if len(table) < 2:
        return
    reported = reported_for(view, table)
    numbers = {label: float(str(entry["difference"])) for label, entry in reported.items()}
    others = table[table["config_id"] != view.reference]
    drawn = leading(others, behind_configurations(view, others["config_id"]))
    figure = Figure(
        "comparison",
        difference_figure(drawn, differences(view, table), unit=view.unit, reported=numbers),
        f"Difference to {reference} in {view.outcome_words}, paired over seeds. Grey dots: one "
        f"seed each. Diamonds: means with 95% t intervals. {view.unit.worse}",
        _table(view, table, reported),
        height_px=min(1400, 170 + 30 * len(others)),
        table_open=True,
    )
    blocks: list[Block] = [Note(text) for text in _explained(view, table, reported)]
    yield replace(empty, blocks=[*blocks, figure])


def _explained(view: StudyView, table: pd.DataFrame, reported: dict[str, Any]) -> list[str]:
    texts = [
        f"Differences are paired over seeds{counted_in(view.unit)}; deviation is the "
        "sample standard deviation (n - 1). p is the exact two-sided sign-flip test; Holm p is "
        "corrected for all rows; smallest p is the smallest that this many pairs can reach. "
        "Detectable is the true difference that one uncorrected test at 5% would find in 80% of "
        "such studies; below "
        f"{PAIRS_FOR_FIVE_PERCENT} pairs it is infinite.{elsewhere_words(view, table)}",
        f"{verdict_words(view)} {power_sentence(view, table)}".strip(),
    ]
    left_out = view.done["config_id"].nunique() - len(table)
    if left_out > 0:
        texts.append(
            f"Of the design's points the {MOST_COMPARED} of the {view.unit.best} "
            f"validation {view.unit.name} are shown; {left_out} are not."
        )
    if reported:
        first = next(iter(reported.values()))
        texts.append(
            f"Crosses show what the paper reports for its own ablation on {first['benchmark']} "
            f"({first['source']} as source), as read from a digest of the paper. The data "
            "differs, so only sign and order can be compared with ours."
        )
    return texts


def _table(view: StudyView, table: pd.DataFrame, reported: dict[str, Any]) -> Table:
    unit = view.unit
    rows: list[list[str | Cell]] = []
    for row, marked in zip(records(table), elsewhere(view, table), strict=True):
        itself = row["config_id"] == view.reference
        cells: list[str | Cell] = [
            row["label"],
            Cell(str(row["n"]), row["n"]),
            unit.cell(row["mean"]).marked(elsewhere=marked),
            unit.cell(row["deviation"]),
        ]
        if itself:
            cells += [Cell("reference"), *([Cell("–")] * 7)]
        else:
            cells += [
                Cell(str(row["pairs"]), row["pairs"]),
                unit.cell(row["difference"], signed=True),
                unit.between(row["low"], row["high"], signed=True),
                p_cell(row["p"]),
                p_cell(row["p_holm"]),
                str(row["verdict"]),
                p_cell(row["smallest_p"]),
                number_cell(row["detectable"] * unit.scale),
            ]
        if reported:
            entry = reported.get(row["label"])
            cells.append(unit.cell(entry["difference"], signed=True) if entry else Cell("–"))
        rows.append(cells)
    own = [unit.mean if name == "mean" else name for name in _HEADINGS]
    headings = [*own, *(["reported difference"] if reported else [])]
    numeric = [False, *([True] * (len(headings) - 1))]
    return Table("comparison", headings, rows, numeric, "Paired comparison")


def configurations(view: StudyView, outcome: str) -> pd.DataFrame:
    """One row a configuration of the design: its varied hyperparameters and mean outcome.

    Means are over the seeds that the configurations share; one that lacks a seed is left out.
    """
    columns = list(view.varied.values())
    points = view.done[view.done["trial_number"].isin(view.spread["trial_number"])]
    points = points[points["role"] == "point"].dropna(subset=[outcome, *columns])
    points = balanced_trials(points, outcome)
    grouped = points.groupby("config_id", sort=False, observed=True)
    table = grouped[columns].first().assign(outcome=grouped[outcome].mean())
    return table.reset_index(drop=True).rename(
        columns={column: name for name, column in view.varied.items()}
    )


def surrogate_of(view: StudyView, outcome: str) -> Surrogate | None:
    """A surrogate of the design's configurations; None where they are too few."""
    return surrogate_for(view, configurations(view, outcome))


def surrogate_for(view: StudyView, table: pd.DataFrame) -> Surrogate | None:
    """`surrogate_of` for `configurations` that are known already."""
    if len(table) < LEAST_CONFIGURATIONS or len(view.varied) < 2:
        return None
    return fit_surrogate(table[list(view.varied)], table["outcome"].tolist())


def path_section(view: StudyView) -> Iterator[Section]:
    """From the centre to the configuration chosen by validation, one change at a time."""
    if not view.centre:
        return
    table = configurations(view, "value")
    if table.empty:
        return
    end = _chosen_values(view)
    if end is None:
        return
    surrogate = surrogate_for(view, table)
    path = ablation_path(
        table, start=view.centre, end=end, surrogate=surrogate, maximise=view.data.maximise
    )
    if len(path) < 2:
        return
    labels = _path_labels(view, path)
    rows: Rows = [
        [str(step), label, view.unit.cell(row["outcome"]), str(row["source"])]
        for step, (label, row) in enumerate(zip(labels, records(path), strict=True))
    ]
    headings = ("step", "change", f"validation {view.unit.axis}", "from")
    guessed = int((path["source"] == "surrogate").sum())
    note = (
        "Of the changes that lead from the centre to the configuration of the best "
        f"validation {view.unit.name}, the one that helps most comes first. Numbers are those of "
        f"{selection_words(view)}, means over the seeds that the configurations share; the "
        "end of the path was chosen among noisy numbers, so its value is optimistic."
    )
    if guessed and surrogate:
        note += (
            f" {guessed} steps were never run and are predicted by a random forest, whose "
            f"out-of-bag error is {view.unit.text(surrogate.error)} {view.unit.step}."
        )
    figure = Figure(
        "path",
        path_figure(leading(path, _path_trials(view, path)), labels=labels, unit=view.unit),
        f"Validation {view.unit.name} after each change. Filled: executed trials. Hollow: "
        "predicted, not run.",
        Table("path", headings, rows, (True, False, True, False)),
    )
    yield Section("path", "Ablation path from the centre to the best", [Note(note), figure])


def _path_trials(view: StudyView, path: pd.DataFrame) -> list[list[Any]]:
    """The trials of the configuration that each step reaches; none where it was not run."""
    points = view.done[view.done["trial_number"].isin(view.spread["trial_number"])]
    points = points[points["role"] == "point"]
    reached = dict(view.centre)
    found = []
    for row in records(path):
        if row["name"]:
            reached[row["name"]] = row["after"]
        own = points
        for name, column in view.varied.items():
            own = own[own[column] == reached[name]]
        found.append(behind(view, own["trial_number"] if row["source"] == "trials" else ()))
    return found


def _chosen_values(view: StudyView) -> dict[str, Any] | None:
    """Values of the configuration that was chosen; None where none was."""
    chosen = view.done[view.done["config_id"] == view.chosen]
    if chosen.empty:
        return None
    return {name: chosen[column].iloc[0] for name, column in view.varied.items()}


def _path_labels(view: StudyView, path: pd.DataFrame) -> list[str]:
    """What each step of the path changes."""
    return ["centre"] + [
        f"{view.label(row['name'])}: {short(row['before'])} → {short(row['after'])}"
        for row in records(path.iloc[1:])
    ]
