"""Several studies side by side, compared only where their data is the same."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dgsearch.analysis.equivalence import with_verdicts
from dgsearch.analysis.selection import MEAN
from dgsearch.analysis.studies import compare_studies
from dgsearch.report.figures.comparison import domain_figure
from dgsearch.report.parts import Block, Cell, Figure, Note, Rows, Section, Table
from dgsearch.report.sections.domains import chosen_rows
from dgsearch.report.sections.tuning import tuning_block, tuning_groups
from dgsearch.report.view import StudyView
from dgsearch.report.words import listed, number_cell, p_cell, records, short_cell

_HEADINGS = (
    "study", "group", "n", "mean", "deviation", "95% interval", "pairs", "difference",
    "its 95% interval", "p", "verdict",
)  # fmt: skip


def together_section(views: Sequence[StudyView]) -> Section:
    """What each study reaches, and differences to the first one's first row.

    Args:
        views: Two studies or more.
    """
    shown = [view for view in views if view.has_results]
    missing = [view.facts.name for view in views if not view.has_results]
    blocks: list[Block] = []
    if missing:
        blocks.append(Note(f"No trial has finished in {listed(missing)}."))
    own = [view for view in shown if view.facts.spec]
    foreign = [view.facts.name for view in shown if not view.facts.spec]
    if foreign:
        blocks.append(
            Note(
                f"dgsearch did not write {listed(foreign)}: what its values measure is unknown, "
                "so nothing is compared with them."
            )
        )
    if len(own) > 1:
        blocks += _compared(own)
    return Section("studies", "The studies side by side", blocks)


def _compared(views: Sequence[StudyView]) -> list[Block]:
    chosen = {view.facts.name: chosen_rows(view) for view in views}
    data = {view.facts.name: _data(view) for view in views}
    table = _judged(views[0], compare_studies(chosen, data, column=MEAN))
    unit = views[0].unit
    rows: Rows = [
        [
            str(row["study"]), str(row["row"]), short_cell(row["n"]), unit.cell(row["mean"]),
            unit.cell(row["deviation"]), unit.between(row["low"], row["high"]),
            short_cell(row["pairs"]) if row["pairs"] else Cell("–"),
            unit.cell(row["difference"], signed=True),
            unit.between(row["difference_low"], row["difference_high"], signed=True),
            p_cell(row["p"]) if row["pairs"] else number_cell(None),
            str(row["verdict"]) if row["pairs"] else "–",
        ]
        for row in records(table)
    ]  # fmt: skip
    labels = [f"{row['study']}: {row['row']}" for row in records(table)]
    drawn = table.assign(row=labels, domain=MEAN)
    numbers = Table("studies", _HEADINGS, rows, (False, False, *([True] * 8), False))
    figure = Figure(
        "studies",
        domain_figure(drawn, unit=unit, colours=views[0].colours),
        "Mean over the targets of each study's rows with 95% t intervals over seeds."
        + unit.ends_words(drawn),
        numbers,
        height_px=min(1400, 150 + 30 * len(drawn)),
    )
    return [Note(_explained(views, data)), figure, *_tuning(views, data)]


def _judged(view: StudyView, table: pd.DataFrame) -> pd.DataFrame:
    """A verdict on each difference; the region of equivalence is that of the first study."""
    ends = {"low": table["difference_low"], "high": table["difference_high"]}
    found = with_verdicts(table.assign(**ends), rope=view.rope, maximise=view.data.maximise, p="p")
    return table.assign(verdict=found["verdict"])


def _tuning(views: Sequence[StudyView], data: dict[str, str]) -> list[Block]:
    """Tuning curves of the studies that have the first one's data, where these are random."""
    alike = [
        view
        for view in views
        if data[view.facts.name] == data[views[0].facts.name]
        and view.design.random_points
        and view.metric == views[0].metric
    ]
    groups = {
        f"{view.facts.name}: {method}": table
        for view in alike
        for method, table in tuning_groups(view).items()
    }
    return [tuning_block(groups, alike[0])] if len(alike) > 1 and len(groups) > 1 else []


def _explained(views: Sequence[StudyView], data: dict[str, str]) -> str:
    first = views[0].facts.name
    others = [name for name in data if data[name] != data[first]]
    text = (
        f"Differences are to the first row of {first}, paired over the seeds that both have, by "
        "the two-sided sign-flip test, not corrected for their number. Each row is what its "
        "study's own selection rule chose."
    )
    if others:
        text += (
            f" {listed(others)} has other data (benchmark, source, targets or images) than "
            f"{first}: its numbers are shown and not compared."
            if len(others) == 1
            else f" {listed(others)} have other data (benchmark, source, targets or images) than "
            f"{first}: their numbers are shown and not compared."
        )
    return text


def _data(view: StudyView) -> str:
    """What was trained and tested on, as text that is equal where numbers may be compared."""
    facts = view.facts
    if not facts.spec:
        return facts.name  # nothing is known of it, so it equals no other
    data = facts.spec.data
    known = facts.facts.get("data_fingerprint")
    return repr((data.benchmark, sorted(data.source), sorted(data.targets), known))
