"""Seeds of an adaptive study: how many each point took, and what they decided."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dgsearch.analysis.adaptive import REFERENCE
from dgsearch.report.figures.decisions import decision_figure
from dgsearch.report.marks import behind_configurations, leading
from dgsearch.report.parts import Cell, Figure, Note, Rows, Section, Table
from dgsearch.report.seed_decisions import decided, spared_sentence, verdict_words
from dgsearch.report.view import StudyView
from dgsearch.report.words import records
from dgsearch.wording import plural


def seed_sections(view: StudyView) -> Iterator[Section]:
    """Seeds and decisions of a design that decides over seeds."""
    table = decided(view)
    words = verdict_words(view)
    others = table[table["verdict"] != REFERENCE]
    drawn = leading(others, behind_configurations(view, others["config_id"]))
    figure = Figure(
        "seeds",
        decision_figure(drawn, unit=view.unit, words=words, margin=view.plan.rule.margin),
        f"Mean paired difference in {view.outcome_words} with the repeated interval of the latest "
        "look. Band: the margin. Left of zero is worse.",
        _table(view, table, words),
        height_px=min(1400, 170 + 30 * len(others)),
        table_open=True,
    )
    title = "Seeds taken, and what they decided"
    notes = [Note(_explained(view)), Note(spared_sentence(view))]
    yield Section("seeds", title, [*notes, figure])


def _explained(view: StudyView) -> str:
    plan = view.plan
    rule, unit = plan.rule, view.unit
    return (
        f"Every configuration began with {plural(rule.first, 'seed')}. One that was open took "
        "another, and the reference too where it lacked it, until the interval of its difference "
        f"left 0 out or lay within ±{unit.text(rule.margin)} {unit.step}, or "
        f"{plural(rule.cap, 'seed')} were reached. That is up to {plural(rule.looks, 'look')} at "
        f"each of {plural(rule.points, 'configuration')}; so each interval is a t interval at "
        f"{rule.level * 100:.5g}%, and all of them together cover their true differences with at "
        f"least {rule.confidence * 100:g}% probability (Bonferroni), for differences that are "
        "roughly normal. They are wider than those elsewhere on this page, which take the number "
        "of seeds as fixed beforehand."
    )


def _table(view: StudyView, table: pd.DataFrame, words: dict[str, str]) -> Table:
    rows: Rows = []
    for row in records(table):
        itself = row["verdict"] == REFERENCE
        seeds = Cell(str(row["seeds"]), row["seeds"])
        if itself:
            rows.append([row["label"], seeds, *([Cell("–")] * 3), words[REFERENCE]])
            continue
        rows.append(
            [
                row["label"],
                seeds,
                Cell(str(row["pairs"]), row["pairs"]),
                view.unit.cell(row["difference"], signed=True),
                view.unit.between(row["low"], row["high"], signed=True),
                words[row["verdict"]],
            ]
        )
    headings = (
        "configuration", "seeds", "pairs", f"difference, {view.unit.step}", "repeated interval",
        "decision",
    )  # fmt: skip
    numeric = (False, True, True, True, True, False)
    return Table("seeds", headings, rows, numeric, "Seeds and decisions")
