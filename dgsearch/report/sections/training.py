"""Training: learning curves, what halving stopped and whether it is safe, source and target."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dgsearch.analysis.selection import MEAN, finished
from dgsearch.analysis.shared_seeds import shared_trials
from dgsearch.analysis.training import (
    early_against_final,
    learning_curves,
    selection_gap,
    source_against_target,
    source_target_correlation,
    stopped_trials,
)
from dgsearch.report.figures.base import MOST_DOTS, row_styles
from dgsearch.report.figures.training import (
    curves_figure,
    rank_figure,
    scatter_figure,
    stops_figure,
)
from dgsearch.report.marks import behind_configurations, leading
from dgsearch.report.parts import ELSEWHERE, Block, Cell, Figure, Note, Rows, Section, Table
from dgsearch.report.selecting import selection_words
from dgsearch.report.view import StudyView
from dgsearch.report.words import given, number_cell, range_text, records, short_cell
from dgsearch.wording import plural, were

_MOST_ROWS = 400  # of a table behind a figure
_SAFE = 0.7  # rank correlation from which an early epoch is called a fair judge
_VALIDATION = "validation"


def training_sections(view: StudyView) -> Iterator[Section]:
    """Each where the study has what it needs."""
    yield from _curves(view)
    yield from _halving(view)
    yield from _source_and_target(view)


def panel_height(panels: int) -> int:
    """Pixels of a figure of so many panels in two columns."""
    return 130 + 250 * -(-panels // 2)


def _epoch_table(view: StudyView) -> tuple[pd.DataFrame, dict[str, str]]:
    """Numbers of every epoch, and what each column is."""
    if view.epochs.empty:
        return view.data.curves.rename(columns={"value": "shown"}), {"shown": view.unit.name}
    panels = {"validation": _VALIDATION, MEAN: MEAN}
    if len(view.targets) > 1:
        panels |= {name: f"target {name}" for name in view.targets}
    return view.epochs, panels


def _curves(view: StudyView) -> Iterator[Section]:
    epochs, panels = _epoch_table(view)
    trials = finished(view.detailed)
    if epochs.empty or epochs["epoch"].nunique() < 2:
        return
    shown, apart = shared_trials(trials)
    table = learning_curves(shown, epochs, columns=list(panels))
    if table.empty:
        return
    names = {row: f"{row}{ELSEWHERE * (row in apart)}" for row in dict.fromkeys(trials["row"])}
    table = table.assign(row=table["row"].map(names))
    last = table[table["epoch"] == table.groupby(["row", "column"])["epoch"].transform("max")]
    numbers: Rows = [
        [
            str(row["row"]), panels[row["column"]], short_cell(row["epoch"]), short_cell(row["n"]),
            view.unit.cell(row["mean"]), view.unit.between(row["low"], row["high"]),
        ]
        for row in records(table if len(table) <= _MOST_ROWS else last)
    ]  # fmt: skip
    headings = ("group", f"{view.unit.name} on", "epoch", "trials", "mean", "10% to 90% of trials")
    caption = "Mean over finished trials at every epoch, one panel each. "
    if apart or len(shown) < len(trials):
        caption += "Means are over the seeds that the groups share. "
    caption += f"{ELSEWHERE} marks a group without them: do not compare it. " * bool(apart)
    if len(table) > _MOST_ROWS:
        caption += "The table has the last epoch. "
    figure = Figure(
        "learning-curves",
        curves_figure(
            table,
            panels=panels,
            styles=row_styles(list(names.values())),
            axis=view.unit.axis,
            scale=view.unit.scale,
        ),
        caption
            + "The trials of a group differ in seed and, where it has several, in configuration.",
        Table("learning-curves", headings, numbers, (False, False, True, True, True, True)),
        height_px=panel_height(len(panels)),
    )  # fmt: skip
    yield Section("curves", "Learning curves", [figure])


def _halving(view: StudyView) -> Iterator[Section]:
    stops = stopped_trials(view.trials, view.data.curves)
    ranks = early_against_final(view.own, view.data.curves, maximise=view.data.maximise)
    blocks: list[Block] = []
    if len(stops):
        blocks += _stops(view, stops)
    if len(ranks) and ranks["rho"].notna().any():
        blocks += _ranks(view, ranks)
    if blocks:
        yield Section(
            "halving", "Early stopping: what was stopped, and whether that is safe", blocks
        )


def _stops(view: StudyView, stops: pd.DataFrame) -> list[Block]:
    counts = stops.groupby("rung").agg(
        stopped=("trial_number", "count"), low=("value", "min"), high=("value", "max")
    )
    rows: Rows = [
        [short_cell(int(row["rung"])), short_cell(int(row["stopped"])),
         view.unit.between(row["low"], row["high"])]
        for row in records(counts.reset_index())
    ]  # fmt: skip
    dots = "" if len(stops) <= MOST_DOTS else f" More than {MOST_DOTS}: counts instead of dots."
    return [
        Note(
            f"{plural(len(stops), 'trial')} of {len(view.trials)} {were(len(stops))} stopped "
            f"before the last epoch. {'Its value is' if len(stops) == 1 else 'Their values are'} "
            "excluded from every mean on this page."
        ),
        Figure(
            "stops",
            stops_figure(stops, unit=view.unit),
            f"Value of each stopped trial at the epoch where it was stopped, and what it would "
            f"have had to reach.{dots}",
            Table("stops", ("epoch", "stopped", "values"), rows, (True, True, True)),
        ),
    ]


def _ranks(view: StudyView, ranks: pd.DataFrame) -> list[Block]:
    rows: Rows = [
        [
            short_cell(row["epoch"]), short_cell(row["n"]), number_cell(row["rho"], 2),
            range_text(row["low"], row["high"]),
            Cell(f"{row['kept'] * 100:.0f} %", row["kept"]),
        ]
        for row in records(ranks)
    ]  # fmt: skip
    headings = ("epoch", "trials", "rank correlation", "95% interval", "best third kept")
    return [
        Note(_safety(view, ranks)),
        Figure(
            "ranks",
            rank_figure(ranks),
            "How the value at each epoch ranks trials of full length, compared with their last "
            "value: Spearman's correlation with 95% intervals, and the share of the final best "
            "third that was in the best third at that epoch.",
            Table("ranks", headings, rows, (True,) * 5),
        ),
    ]


def _safety(view: StudyView, ranks: pd.DataFrame) -> str:
    """Whether an early epoch is a fair judge of the last one, with the numbers."""
    grace = view.spec.halving and view.spec.halving.grace_epochs
    if grace in set(ranks["epoch"]):
        own = ranks[ranks["epoch"] == grace].iloc[0]
        where = f"At epoch {grace}, the first where halving may stop a trial,"
    else:
        own = ranks.iloc[(len(ranks) - 1) // 3]
        where = f"A third of the way, at epoch {own['epoch']:.0f},"
    text = (
        f"{where} the values of {own['n']:.0f} full-length trials have a rank correlation of "
        f"{own['rho']:.2f} with their last values"
    )
    if not given(own["low"]):
        return f"{text}; so few trials give no interval."
    text += f" (95% interval {own['low']:.2f} to {own['high']:.2f})"
    if own["low"] >= _SAFE:
        verdict = f"above {_SAFE} throughout: stopping there loses little"
    elif own["high"] < _SAFE:
        verdict = f"below {_SAFE} throughout: stopping there discards good trials"
    else:
        verdict = f"{_SAFE} lies inside it, so this study cannot say whether that is safe"
    return f"{text}, {verdict}. Trials that were stopped have no last value and are not counted."


def _source_and_target(view: StudyView) -> Iterator[Section]:
    """Can the validation split select for the targets?"""
    table = source_against_target(view.own, targets=view.targets).dropna(
        subset=["validation", "target"]
    )
    if len(table) < 3:
        return
    if len(table) <= MOST_DOTS:  # each has a mark, which names it and leads to its trials
        table = table.assign(text=table["config_id"].map(view.names))
        table = leading(table, behind_configurations(view, table["config_id"]))
    best = table.sort_values("validation", ascending=not view.data.maximise)
    shown = table if len(table) <= _MOST_ROWS else best.head(_MOST_ROWS)
    rows: Rows = [
        [view.names[row["config_id"]], short_cell(row["n"]), view.unit.cell(row["validation"]),
         view.unit.cell(row["target"])]
        for row in records(shown)
    ]  # fmt: skip
    figure = Figure(
        "source-target",
        scatter_figure(
            table,
            x="validation",
            y="target",
            titles=(f"{_VALIDATION} {view.unit.axis}", f"mean target {view.unit.axis}"),
            styles=row_styles(list(dict.fromkeys(table["row"]))),
            scales=(view.unit.scale, view.unit.scale),
        ),
        _marks(len(table)),
        Table(
            "source-target",
            ("configuration", "n", "validation", "mean of targets"),
            rows,
            (False, True, True, True),
        ),
    )
    yield Section(
        "source-target",
        "Can validation select for the targets?",
        [Note(_selection(view, table)), figure],
    )


def _selection(view: StudyView, table: pd.DataFrame) -> str:
    """What the correlation says, and what choosing by validation costs."""
    found = source_target_correlation(table)
    words = f"over {plural(len(table), 'configuration')}: rank correlation "
    words += f"{found.rho:.2f}" if given(found.rho) else "not defined"
    if given(found.low):
        words += f", 95% interval {found.low:.2f} to {found.high:.2f}"
        if found.low <= 0 <= found.high:
            words += "; that validation can select for the targets is not shown"
    unit = view.unit
    gap = selection_gap(table, maximise=view.data.maximise)
    return (
        f"Validation is on {selection_words(view)}. Against target {unit.name}, {words}. "
        f"Choosing by validation costs {unit.text(gap)} {unit.step} against the configuration "
        "that is best on the targets themselves; it was selected from noisy means, so the "
        "true cost is smaller."
    )


def _marks(count: int) -> str:
    if count > MOST_DOTS:
        return f"{count} configurations as counts in cells, too many for one mark each."
    table = f" The table has the {_MOST_ROWS} of the best validation." * (count > _MOST_ROWS)
    return f"One mark per configuration: the mean over its seeds.{table}"
