"""Cost: time of each stage, of an epoch, memory; accuracy against cost; overhead of methods."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dgsearch.analysis.cost import LAST, OTHER, cost_table, overheads, stage_seconds
from dgsearch.report.figures.training import cost_figure, stage_figure
from dgsearch.report.marks import behind, leading
from dgsearch.report.parts import ELSEWHERE, Block, Cell, Figure, Note, Rows, Section, Table
from dgsearch.report.view import StudyView
from dgsearch.report.words import number_cell, range_text, records, short_cell

_PLAIN = "erm"  # the method that overheads are counted against


def cost_sections(view: StudyView) -> Iterator[Section]:
    """Nothing for trials whose time is unknown."""
    if view.done["wall_s"].isna().all():
        return
    done = view.detailed[view.detailed["trial_number"].isin(view.done["trial_number"])]
    blocks: list[Block] = [Note(_explained(view))]
    stages = stage_seconds(done, view.data.stages)
    if len(stages):
        blocks.append(_stages(stages))
    costs = cost_table(done, view.data.scores, targets=view.targets, maximise=view.data.maximise)
    if len(costs):
        blocks.append(_costs(view, costs))
    blocks += _overheads(view)
    yield Section("cost", "Cost", blocks)


def _explained(view: StudyView) -> str:
    concurrent = view.spec.resources.concurrent
    beside = (
        "Trials ran one at a time."
        if concurrent == 1
        else "Trials that ran in parallel slowed each other down: compare the ratios, not the "
        "seconds."
    )
    spared = view.trials["saved_s"].sum()
    return (
        "Seconds are for a trial that trains all its stages itself: a stage taken from the "
        f"store counts with its original cost. Sharing stages saved {spared:.0f} of "
        f"{spared + view.trials['wall_s'].sum():.0f} seconds in this study. {beside}"
    )


def _stages(stages: pd.DataFrame) -> Figure:
    order = [name for name in dict.fromkeys(stages["stage"]) if name not in (LAST, OTHER)]
    rows: Rows = [
        [str(row["row"]), str(row["stage"]), short_cell(row["n"]), number_cell(row["seconds"]),
         Cell(f"{row['taken'] * 100:.0f} %", row["taken"])]
        for row in records(stages)
    ]  # fmt: skip
    headings = ("group", "stage", "trials", "seconds", "taken from the store")
    return Figure(
        "stages",
        stage_figure(stages, names=[*order, LAST, OTHER]),
        "Mean seconds of each stage of a trial.",
        Table("stages", headings, rows, (False, False, True, True, True)),
        height_px=min(1000, 190 + 34 * stages["row"].nunique()),
    )


def _costs(view: StudyView, costs: pd.DataFrame) -> Figure:
    rows: Rows = [
        [
            str(row["row"]), short_cell(row["n"]),
            view.unit.cell(row["accuracy"]).marked(elsewhere=bool(row["elsewhere"])),
            view.unit.between(row["low"], row["high"]), number_cell(row["seconds"]),
            number_cell(row["epoch_s"], 2), number_cell(row["memory_mb"], 0),
            ("yes" if row["efficient"] else "no") if row["ranked"] else "not compared",
        ]
        for row in records(costs)
    ]  # fmt: skip
    headings = (
        "group", "n", "mean of targets", "95% interval", "seconds", "seconds an epoch",
        "peak memory, MB", "Pareto-optimal",
    )  # fmt: skip
    return Figure(
        "cost",
        cost_figure(_marked(_leading(view, costs)), unit=view.unit),
        f"Mean {view.unit.name} over the targets with 95% t intervals, against the seconds of a "
        "trial. The line joins the groups that no cheaper group beats on the seeds that they "
        "share." + _mark_words(costs) + view.unit.ends_words(costs),
        Table("cost", headings, rows, (False, *([True] * 6), False)),
    )


def _leading(view: StudyView, costs: pd.DataFrame) -> pd.DataFrame:
    """The means with the trials that they are over."""
    done = view.detailed[view.detailed["trial_number"].isin(view.done["trial_number"])]
    own = done.groupby("row", sort=False)["trial_number"]
    found = {row: behind(view, numbers) for row, numbers in own}
    return leading(costs, [found[row] for row in costs["row"]])


def _marked(costs: pd.DataFrame) -> pd.DataFrame:
    """The groups' names with the mark of a mean over other seeds."""
    marks = costs["elsewhere"].map({True: ELSEWHERE, False: ""})
    return costs.assign(row=costs["row"].astype(str) + marks)


def _mark_words(costs: pd.DataFrame) -> str:
    if not costs["elsewhere"].any():
        return ""
    return f" {ELSEWHERE} marks a mean over other seeds: do not compare it with the others."


def _overheads(view: StudyView) -> list[Block]:
    """Time and memory as multiples of plain training, paired over seeds."""
    table = overheads(view.done, reference=_PLAIN)
    others = table[table["row"] != _PLAIN]
    if others.empty:
        return []
    rows: Rows = [
        [str(row["row"]), str(row["measure"]), short_cell(row["pairs"]),
         number_cell(row["ratio"], 2), range_text(row["low"], row["high"])]
        for row in records(others)
    ]  # fmt: skip
    headings = ("group", "measure", "pairs", f"multiple of {_PLAIN}", "95% interval")
    caption = f"Overhead: each group as a multiple of {_PLAIN}, paired over seeds, geometric mean"
    return [Table("overhead", headings, rows, (False, False, True, True, True), caption)]
