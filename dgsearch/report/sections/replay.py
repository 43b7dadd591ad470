"""Which rule that stops trials early would have saved how much, and at which loss?"""

from __future__ import annotations

from collections.abc import Iterator

from dgsearch.report.figures.replay import replay_figure
from dgsearch.report.parts import Block, Cell, Figure, Note, Rows, Section, Table
from dgsearch.report.replays import Replayed, advice_text, replayed, replayed_text
from dgsearch.report.view import StudyView
from dgsearch.report.words import given, number_cell, records


def replay_sections(view: StudyView) -> Iterator[Section]:
    """Nothing where too few of the design's points ran to the end."""
    found = replayed(view)
    if found is None:
        return
    blocks: list[Block] = [
        Note(advice_text(found.advice, view.unit)),
        Note(replayed_text(found)),
        _figure(view, found),
    ]
    yield Section("replay", "Stopping early, replayed: what each rule saves and loses", blocks)


def _figure(view: StudyView, found: Replayed) -> Figure:
    unit = view.unit
    rows: Rows = [
        [
            str(row["rule"]),
            Cell(f"{row['saved']:.0%}", row["saved"]),
            f"{row['saved_low']:.0%} to {row['saved_high']:.0%}",
            number_cell(row["hours"], 2),
            unit.cell(row["regret"]),
            unit.between(row["regret_low"], row["regret_high"]),
            Cell(f"{row['lost']:.0%}", row["lost"]),
            unit.cell(-row["target_regret"], signed=True)
            if given(row["target_regret"])
            else Cell("–"),
        ]
        for row in records(found.table)
    ]
    headings = (
        "rule", "time saved", "95% of orders", "hours saved", "regret", "95% of orders",
        "best lost", "choice on the targets",
    )  # fmt: skip
    return Figure(
        "replay",
        replay_figure(found.table, unit=unit, advised=found.advice.rule),
        "Time saved against regret on the selection split, one mark per rule; bars hold 95% of "
        "the orders of arrival. Right and low is good. The last column of the table is what the "
        "chosen trial reaches on the targets less what the best one by validation reaches there.",
        Table("replay", headings, rows, (False, *([True] * 7)), "Rules replayed"),
        height_px=460,
    )
