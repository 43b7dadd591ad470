"""Diagnostics: failure signatures in words, curves, and what goes with accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from dgsearch.analysis.diagnostics import (
    diagnostic_correlations,
    diagnostic_series,
    last_diagnostics,
)
from dgsearch.analysis.selection import MEAN, with_target_mean
from dgsearch.analysis.signatures import signatures
from dgsearch.report.expectations import expectation_sentences
from dgsearch.report.figures.base import row_styles
from dgsearch.report.figures.samples import ramp_figure
from dgsearch.report.figures.training import correlation_figure, curves_figure
from dgsearch.report.meanings import FIXED, MIXED, metric_label, signature_words
from dgsearch.report.parts import Block, Cell, Figure, Note, Rows, Section, Table, Warn
from dgsearch.report.sections.samples import sample_sections
from dgsearch.report.sections.training import panel_height
from dgsearch.report.view import StudyView
from dgsearch.report.words import number_cell, plural, range_text, records, short_cell

__all__ = ["diagnostic_sections"]

_PANELS = 8  # of one figure
_MOST_FIGURES = 4
_LEFT_OUT = ("epoch_s",)  # cost has it
_LEAST_CONFIGURATIONS = 5  # for a correlation with an interval


def diagnostic_sections(view: StudyView) -> Iterator[Section]:
    """What training reported besides accuracy, and what trials stored to look at."""
    train = view.data.scores[view.data.scores["split"] == "train"]
    if len(train):
        yield from _signatures(view)
        series = diagnostic_series(view.detailed, train)
        yield from _series(view, series[~series["metric"].isin(_LEFT_OUT)])
        yield from _correlations(view)
    yield from sample_sections(view)


def _signatures(view: StudyView) -> Iterator[Section]:
    if not view.has_results:
        return
    accuracies = with_target_mean(view.data.trials, view.targets)  # whatever metric selects
    known = accuracies.set_index("trial_number")[f"accuracy/{MEAN}"]
    trials = view.detailed.assign(**{f"accuracy/{MEAN}": view.detailed["trial_number"].map(known)})
    found = signatures(trials, last_diagnostics(view.data.scores))
    expected = expectation_sentences(view)
    if found.empty and not expected:
        return
    blocks: list[Block] = []
    for name, part in found[found["seen"]].groupby("signature", sort=False):
        number, meaning = signature_words(str(name))
        numbers = ", ".join(f"{row['row']} {row['number']:.3g}" for row in records(part.head(6)))
        more = f" and {len(part) - 6} more rows" if len(part) > 6 else ""
        side = "above" if part["number"].iloc[0] > part["bound"].iloc[0] else "below"
        blocks.append(
            Warn(f"{meaning} ({number} {side} {part['bound'].iloc[0]:g}: {numbers}{more}.)")
        )
    passed = int((~found.groupby("signature")["seen"].any()).sum()) if len(found) else 0
    if len(found):
        blocks.append(
            Note(
                f"{passed} of {plural(found['signature'].nunique(), 'failure check')} passed. The "
                "bounds are this project's choice; the table has all numbers, taken at the last "
                "epoch."
            )
        )
        blocks.append(_signature_table(found))
    blocks += [Note(text) for text in expected]
    yield Section("signatures", "Failure checks", blocks)


def _signature_table(found: pd.DataFrame) -> Table:
    rows: Rows = [
        [
            str(row["signature"]), signature_words(row["signature"])[0], str(row["row"]),
            short_cell(row["n"]), Cell(f"{row['number']:.3g}", row["number"]),
            Cell(f"{row['bound']:g}", row["bound"]), "seen" if row["seen"] else "passed",
        ]
        for row in records(found)
    ]  # fmt: skip
    headings = ("failure check", "number", "group", "trials", "value", "bound", "verdict")
    numeric = (False, False, False, True, True, True, False)
    return Table("signatures", headings, rows, numeric, "Failure signatures with their numbers")


def _series(view: StudyView, series: pd.DataFrame) -> Iterator[Section]:
    """Every diagnostic over epochs, eight to a figure; what does not move, as a table."""
    metrics = [str(name) for name in dict.fromkeys(series["metric"])]
    fixed = [name for name in metrics if name in FIXED]
    moving = [name for name in metrics if name not in FIXED and not name.startswith(MIXED)]
    blocks: list[Block] = []
    for first in range(0, min(len(moving), _PANELS * _MOST_FIGURES), _PANELS):
        chosen = moving[first : first + _PANELS]
        blocks.append(_panels(series, chosen, number=first // _PANELS + 1))
    if len(moving) > _PANELS * _MOST_FIGURES:
        left = len(moving) - _PANELS * _MOST_FIGURES
        blocks.append(Note(f"{left} further diagnostics are stored and not drawn."))
    ramp = series[series["metric"].str.startswith(MIXED)]
    if len(ramp):
        blocks.append(_ramp(ramp))
    if fixed:
        blocks.append(_fixed_table(series[series["metric"].isin(fixed)]))
    if blocks:
        yield Section("diagnostics", "Diagnostics", blocks)


def _panels(series: pd.DataFrame, metrics: Sequence[str], *, number: int) -> Figure:
    own = series[series["metric"].isin(list(metrics))].rename(columns={"metric": "column"})
    panels: Mapping[str, str] = {name: metric_label(name) for name in metrics}
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


def _ramp(series: pd.DataFrame) -> Figure:
    """Teacher accuracy on mixed images from anchor to image."""
    last = series.sort_values("epoch").drop_duplicates(["metric", "row"], keep="last")
    table = last.assign(f=last["metric"].str.removeprefix(MIXED).astype(float)).sort_values("f")
    rows: Rows = [
        [str(row["row"]), short_cell(row["f"]), short_cell(row["n"]), number_cell(row["mean"], 3)]
        for row in records(table)
    ]
    return Figure(
        "mixed-images",
        ramp_figure(table, styles=row_styles(list(dict.fromkeys(table["row"])))),
        "The teacher's accuracy on mixed images, from the anchor alone (f = 0) to the student's "
        "image alone (f = 1). Good anchors keep the whole line high.",
        Table("mixed-images", ("group", "f", "trials", "teacher accuracy"), rows,
              (False, True, True, True)),
    )  # fmt: skip


def _fixed_table(series: pd.DataFrame) -> Table:
    last = series.sort_values("epoch", kind="stable").drop_duplicates(
        ["metric", "row"], keep="last"
    )
    rows: Rows = [
        [metric_label(str(row["metric"])), str(row["row"]), short_cell(row["n"]),
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
    found = diagnostic_correlations(own, view.data.scores, targets=view.targets)
    found = found[(found["n"] >= _LEAST_CONFIGURATIONS) & ~found["metric"].isin(_LEFT_OUT)]
    if found.empty:
        return
    ordered = found.sort_values("rho", ascending=False)
    rows: Rows = [
        [metric_label(str(row["metric"])), short_cell(row["n"]), number_cell(row["rho"], 2),
         range_text(row["low"], row["high"])]
        for row in records(ordered)
    ]  # fmt: skip
    headings = ("diagnostic", "configurations", "rank correlation", "95% interval")
    labels = {str(name): metric_label(str(name)) for name in found["metric"]}
    note = (
        "Rank correlation of each diagnostic at the last epoch with the "
        f"{view.outcome_words}, across configurations: of each the mean over its seeds, less the "
        f"mean of each seed. Intervals are not corrected for the {len(found)} looks: about one in "
        "twenty misses zero by chance. A correlation across configurations is no proof of a cause."
    )
    figure = Figure(
        "diagnostic-correlations",
        correlation_figure(found, labels=labels),
        f"Does a diagnostic go with {view.unit.name}? Right of zero: configurations that have "
        f"more of it have a higher {view.unit.name}. Bars: 95% intervals.",
        Table("diagnostic-correlations", headings, rows, (False, True, True, True)),
        height_px=150 + 26 * len(found),
    )
    yield Section("diagnostics-accuracy", "Diagnostics against accuracy", [Note(note), figure])
