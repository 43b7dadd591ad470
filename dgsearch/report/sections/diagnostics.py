"""Diagnostics: failure checks in words, what the papers claim, curves, and correlations."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from dgsearch.analysis.comparison import LEVEL, compare_columns
from dgsearch.analysis.diagnostics import (
    diagnostic_correlations,
    diagnostic_series,
    last_diagnostics,
)
from dgsearch.analysis.failure_checks import failure_checks, out_of_bounds
from dgsearch.analysis.selection import MEAN, with_target_mean
from dgsearch.analysis.sensitivity import response_points
from dgsearch.diagnostics.declaring import Along, Diagnostic, FailureCheck
from dgsearch.report.comparisons import compared, reported_for
from dgsearch.report.figures.base import row_styles
from dgsearch.report.figures.samples import along_figure
from dgsearch.report.figures.training import correlation_figure, curves_figure
from dgsearch.report.parts import Block, Cell, Figure, Note, Rows, Section, Table, Warn
from dgsearch.report.sections.samples import sample_sections
from dgsearch.report.sections.training import panel_height
from dgsearch.report.view import StudyView
from dgsearch.report.words import number_cell, range_text, records, short, short_cell
from dgsearch.wording import p_text, plural


def expectation_sentences(view: StudyView) -> list[str]:
    """Whether larger values are worse where that is expected, and variants behave as reported."""
    beyond = [
        _beyond(view, item.hyperparameter, item.enough)
        for item in view.facts.expectations
        if item.hyperparameter in view.varied
    ]
    return [text for text in beyond if text] + _variants(view)


def _beyond(view: StudyView, name: str, best: float) -> str:
    """Values above the one that is enough against it, paired over seeds."""
    points = response_points(view.points, name, centre=view.centre, targets=view.targets)
    own = points[(points["domain"] == MEAN) & (points["value"] >= best)]
    wide = own.pivot_table(index="seed", columns="value", values="accuracy", observed=True)
    if best not in wide or len(wide.columns) < 2:
        return ""
    table = compare_columns(wide, best)
    parts = [_value_words(view, row) for row in records(table[table["row"] != best])]
    return f"{view.label(name)} above {best:g}, against {best:g}: {'; '.join(parts)}."


def _value_words(view: StudyView, row: dict[str, Any]) -> str:
    unit = view.unit
    text = f"{short(row['row'])} gives {unit.signed(row['difference'])} {unit.step}"
    if row["p_holm"] <= LEVEL:
        return (
            f"{text}, {'worse' if (row['difference'] < 0) != unit.lower else 'better'} ({_p(row)})"
        )
    return f"{text}, not established ({_p(row)})"


def _p(row: dict[str, Any]) -> str:
    return f"{plural(row['pairs'], 'pair')}, Holm p = {p_text(row['p_holm'])}"


def _variants(view: StudyView) -> list[str]:
    """Reported effects of removing a loss, beside ours."""
    table = compared(view)
    reported = reported_for(view, table)
    unit = view.unit
    sentences = []
    for row in records(table):
        entry = reported.get(row["label"])
        if entry is None:
            continue
        theirs = float(str(entry["difference"]))
        same = (theirs < 0) == (row["difference"] < 0)
        told = row["p_holm"] <= LEVEL
        verdict = (
            "the sign agrees" if same and told else
            "the sign is the opposite" if told else
            "these seeds establish no difference"
        )  # fmt: skip
        sentences.append(
            f"{row['label']}: {unit.signed(row['difference'])} {unit.step} here ({_p(row)}), "
            f"{unit.signed(theirs)} reported on {entry['benchmark']}: {verdict}."
        )
    return sentences


_PANELS = 8  # of one figure
_MOST_FIGURES = 4
_LEAST_CONFIGURATIONS = 5  # for a correlation with an interval


def diagnostic_sections(view: StudyView) -> Iterator[Section]:
    """What training reported besides accuracy, and what trials stored to look at."""
    train = view.data.scores[view.data.scores["split"] == "train"]
    if len(train):
        yield from _signatures(view)
        series = diagnostic_series(view.detailed, train)
        yield from _series(view, series[series["metric"].map(_is_drawn(view)).astype(bool)])
        yield from _correlations(view)
    yield from sample_sections(view)


@functools.lru_cache(maxsize=1)
def _last(view: StudyView) -> pd.DataFrame:
    """`last_diagnostics` of the study."""
    return last_diagnostics(view.data.scores)


def _signatures(view: StudyView) -> Iterator[Section]:
    if not view.has_results:
        return
    accuracies = with_target_mean(view.data.trials, view.targets)  # whatever metric selects
    known = accuracies.set_index("trial_number")[f"accuracy/{MEAN}"]
    trials = view.detailed.assign(**{f"accuracy/{MEAN}": view.detailed["trial_number"].map(known)})
    declared, last = view.facts.diagnostics, _last(view)
    found = failure_checks(trials, last, declared)
    expected = expectation_sentences(view)
    outside = _outside(view, last)
    if found.empty and not expected and not outside:
        return
    checks = {check.name: check for _, check in declared.checks()}
    blocks: list[Block] = [*outside]
    for name, part in found[found["seen"]].groupby("check", sort=False):
        check = checks[str(name)]
        numbers = ", ".join(f"{row['row']} {row['number']:.3g}" for row in records(part.head(6)))
        more = f" and {len(part) - 6} more rows" if len(part) > 6 else ""
        side = "above" if part["number"].iloc[0] > part["bound"].iloc[0] else "below"
        blocks.append(
            Warn(
                f"{check.sentence} ({check.number} {side} {part['bound'].iloc[0]:g}: "
                f"{numbers}{more}.)"
            )
        )
    passed = int((~found.groupby("check")["seen"].any()).sum()) if len(found) else 0
    if len(found):
        blocks.append(
            Note(
                f"{passed} of {plural(found['check'].nunique(), 'failure check')} passed. "
                "dgsearch chose the bounds. The table lists all numbers at the last epoch."
            )
        )
        blocks.append(_signature_table(found, checks))
    blocks += [Note(text) for text in expected]
    yield Section("signatures", "Failure checks", blocks)


def _outside(view: StudyView, last: pd.DataFrame) -> list[Block]:
    """Diagnostics that lie outside the bounds that their method declares."""
    label = view.facts.diagnostics.label
    return [
        Warn(
            f"{label(str(row['metric']))}: {plural(row['trials'], 'trial')} reported a value "
            f"outside its bounds, the worst {row['worst']:.4g}. Its method declares what it can "
            "be, so one of the two is wrong."
        )
        for row in records(out_of_bounds(last, view.facts.diagnostics))
    ]


def _is_drawn(view: StudyView) -> Callable[[str], bool]:
    """Whether the sections on diagnostics show a number."""

    def drawn(metric: str) -> bool:
        declared = view.facts.diagnostics.find(metric)
        return declared is None or declared.drawn

    return drawn


def _signature_table(found: pd.DataFrame, checks: Mapping[str, FailureCheck]) -> Table:
    rows: Rows = [
        [
            str(row["check"]), checks[row["check"]].number, str(row["row"]),
            short_cell(row["n"]), Cell(f"{row['number']:.3g}", row["number"]),
            Cell(f"{row['bound']:g}", row["bound"]), "seen" if row["seen"] else "passed",
        ]
        for row in records(found)
    ]  # fmt: skip
    headings = ("failure check", "number", "group", "trials", "value", "bound", "verdict")
    numeric = (False, False, False, True, True, True, False)
    return Table("signatures", headings, rows, numeric, "Failure checks and their numbers")


def _series(view: StudyView, series: pd.DataFrame) -> Iterator[Section]:
    """Every diagnostic over epochs, eight to a figure; what does not move, as a table."""
    known = view.facts.diagnostics
    metrics = [str(name) for name in dict.fromkeys(series["metric"])]
    declared = {name: known.find(name) for name in metrics}
    single = {name: item for name, item in declared.items() if not item or not item.along}
    fixed = [name for name, item in single.items() if item and item.fixed]
    moving = [name for name in single if name not in fixed]
    blocks: list[Block] = []
    for first in range(0, min(len(moving), _PANELS * _MOST_FIGURES), _PANELS):
        chosen = moving[first : first + _PANELS]
        blocks.append(_panels(view, series, chosen, number=first // _PANELS + 1))
    if len(moving) > _PANELS * _MOST_FIGURES:
        left = len(moving) - _PANELS * _MOST_FIGURES
        blocks.append(Note(f"{left} further diagnostics are stored and not drawn."))
    for item in known.along():
        own = series[series["metric"].str.startswith(item.name)]
        if item.along and len(own):
            blocks.append(_along(own, item, item.along))
    if fixed:
        blocks.append(_fixed_table(view, series[series["metric"].isin(fixed)]))
    if blocks:
        yield Section("diagnostics", "Diagnostics", blocks)


def _panels(
    view: StudyView, series: pd.DataFrame, metrics: Sequence[str], *, number: int
) -> Figure:
    own = series[series["metric"].isin(list(metrics))].rename(columns={"metric": "column"})
    panels: Mapping[str, str] = {name: view.facts.diagnostics.label(name) for name in metrics}
    last = own.sort_values("epoch", kind="stable").drop_duplicates(["column", "row"], keep="last")
    rows: Rows = [
        [
            panels[row["column"]], str(row["row"]), short_cell(row["epoch"]),
            short_cell(row["n"]), Cell(f"{row['mean']:.4g}", row["mean"]),
            f"{row['low']:.4g} to {row['high']:.4g}",
        ]
        for row in records(last)
    ]  # fmt: skip
    headings = ("diagnostic", "group", "epoch", "trials", "mean", "10% to 90% of trials")
    return Figure(
        f"diagnostics-{number}",
        curves_figure(own, panels=panels, styles=row_styles(list(dict.fromkeys(series["row"])))),
        "Mean over trials at every epoch, one panel each; the table has the last epoch.",
        Table(f"diagnostics-{number}", headings, rows, (False, False, True, True, True, True)),
        height_px=panel_height(len(metrics)),
    )


def _along(series: pd.DataFrame, item: Diagnostic, along: Along) -> Figure:
    """A diagnostic at the last epoch over what it is measured along."""
    last = series.sort_values("epoch").drop_duplicates(["metric", "row"], keep="last")
    at = last["metric"].str.removeprefix(item.name).astype(float)
    table = last.assign(at=at).sort_values("at")
    rows: Rows = [
        [str(row["row"]), short_cell(row["at"]), short_cell(row["n"]), number_cell(row["mean"], 3)]
        for row in records(table)
    ]
    return Figure(
        along.figure,
        along_figure(table, item, along, styles=row_styles(list(dict.fromkeys(table["row"])))),
        along.caption,
        Table(along.figure, ("group", along.symbol, "trials", along.short), rows,
              (False, True, True, True)),
    )  # fmt: skip


def _fixed_table(view: StudyView, series: pd.DataFrame) -> Table:
    last = series.sort_values("epoch", kind="stable").drop_duplicates(
        ["metric", "row"], keep="last"
    )
    label = view.facts.diagnostics.label
    rows: Rows = [
        [label(str(row["metric"])), str(row["row"]), short_cell(row["n"]),
         Cell(f"{row['mean']:.4g}", row["mean"]), f"{row['low']:.4g} to {row['high']:.4g}"]
        for row in records(last)
    ]  # fmt: skip
    headings = ("diagnostic", "group", "trials", "mean", "10% to 90% of trials")
    caption = "Diagnostics of networks that the last stage does not change"
    return Table("fixed", headings, rows, (False, False, True, True, True), caption)


def _correlations(view: StudyView) -> Iterator[Section]:
    """Does a diagnostic go with accuracy, across configurations of the method?"""
    if not view.has_results:
        return
    own = view.trials[view.trials["method"] == view.facts.method]
    found = diagnostic_correlations(own, _last(view), targets=view.targets)
    drawn = found["metric"].map(_is_drawn(view)).astype(bool)
    found = found[(found["n"] >= _LEAST_CONFIGURATIONS) & drawn]
    if found.empty:
        return
    label = view.facts.diagnostics.label
    ordered = found.sort_values("rho", ascending=False)
    rows: Rows = [
        [label(str(row["metric"])), short_cell(row["n"]), number_cell(row["rho"], 2),
         range_text(row["low"], row["high"])]
        for row in records(ordered)
    ]  # fmt: skip
    headings = ("diagnostic", "configurations", "rank correlation", "95% interval")
    labels = {str(name): label(str(name)) for name in found["metric"]}
    note = (
        "Rank correlation of each diagnostic at the last epoch with the "
        f"{view.outcome_words}, across configurations: of each the mean over its seeds, less the "
        f"mean of each seed. Intervals are not corrected for the {len(found)} comparisons: about "
        "one in twenty misses zero by chance. A correlation across configurations does not prove "
        "a cause."
    )
    figure = Figure(
        "diagnostic-correlations",
        correlation_figure(found, labels=labels),
        f"Does a diagnostic correlate with {view.unit.name}? Right of zero: configurations with "
        f"more of it have a higher {view.unit.name}. Bars: 95% intervals.",
        Table("diagnostic-correlations", headings, rows, (False, True, True, True)),
        height_px=150 + 26 * len(found),
    )
    yield Section("diagnostics-accuracy", "Diagnostics against accuracy", [Note(note), figure])
