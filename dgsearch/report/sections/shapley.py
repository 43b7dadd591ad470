"""Shapley values of a study of coalitions: what each switch carries, and what two together."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dgsearch.analysis.equivalence import with_verdicts
from dgsearch.analysis.shapley import ShapleyValues
from dgsearch.designs.coalitions import Game
from dgsearch.designs.decisions import BETTER, WORSE
from dgsearch.report.coalitions import (
    by_size,
    finer,
    found_values,
    idle_sentences,
    incomplete,
)
from dgsearch.report.figures.shapley import interaction_figure, waterfall_figure
from dgsearch.report.parts import Block, Cell, Figure, Note, Rows, Section, Table, Warn
from dgsearch.report.verdicts import equivalence_words
from dgsearch.report.view import StudyView
from dgsearch.report.words import counted_in, p_cell, records
from dgsearch.wording import plural


def shapley_sections(view: StudyView) -> Iterator[Section]:
    """Nothing but for a study of coalitions."""
    game = view.design.game()
    if game is None:
        return
    found = found_values(view, game)
    if found is None:
        yield Section("shapley", "Shapley values", [Warn(incomplete(view, game))])
        return
    blocks: list[Block] = [*_notes(view, game, found), _values(view, found)]
    if len(found.pairs):
        blocks += [Note(_PAIRS), _pairs(view, found)]
    yield Section("shapley", "Shapley values: what each switch carries", blocks)


def _notes(view: StudyView, game: Game, found: ShapleyValues) -> Iterator[Block]:
    count, switches = len(game.coalitions), len(game.switches)
    what = (
        f"Every one of the {count} coalitions of {switches} switches was trained at every seed."
        if game.exact
        else f"{count} of the {2**switches} coalitions of {switches} switches were trained, along "
        f"{len(game.orders)} orders of adding them; intervals include the error of drawing orders."
    )
    yield Note(
        f"{what} A Shapley value is the mean of what a switch adds over all orders in which "
        f"switches could be added{counted_in(view.unit)}; the values sum up to the full method "
        "less the method without any. 'Alone' is what it adds to none of the others, 'last' what "
        "it adds to all of them (the usual ablation): where the two lie apart, it works together "
        "with others. Intervals are t intervals over seeds; p is the exact two-sided sign-flip "
        "test, Holm p is corrected for all switches."
    )
    yield Note(f"{_VERDICT} {equivalence_words(view)}")
    yield from (Note(sentence) for sentence in idle_sentences(found))
    lost = view.trials["seed"].nunique() - len(found.seeds)
    if lost:
        yield Warn(
            f"{plural(lost, 'seed')} left out: not every coalition has finished there. All "
            f"numbers of this section are based on the other {len(found.seeds)}."
        )


_VERDICT = (
    "Verdict: a switch is better or worse than none, and two together are above or below 0, where "
    "Holm p is at most 0.05 and the interval excludes 0; open otherwise."
)
_PAIRS = (
    "The interaction of two switches is what they add together beyond what each adds alone, as a "
    "mean over the coalitions of the others. Above zero they need each other; below zero one does "
    "what the other does."
)


def _values(view: StudyView, found: ShapleyValues) -> Figure:
    unit = finer(view.unit, found)
    ordered = _judged(view, by_size(found.values, absolute=False))
    rows: Rows = [
        [
            str(row["switch"]),
            Cell(str(row["n"]), row["n"]),
            unit.cell(row["value"], signed=True),
            unit.between(row["low"], row["high"], signed=True),
            p_cell(row["p"]),
            p_cell(row["p_holm"]),
            row["verdict"],
            p_cell(row["smallest_p"]),
            unit.cell(row["alone"], signed=True),
            unit.cell(row["last"], signed=True),
        ]
        for row in records(ordered)
    ]
    whole, none = found.whole, Cell("–")
    rows.append(
        [
            "full less none", Cell(str(len(found.seeds)), len(found.seeds)),
            unit.cell(whole["value"], signed=True),
            unit.between(whole["low"], whole["high"], signed=True), p_cell(whole["p"]),
            none, none, p_cell(whole["smallest_p"]), none, none,
        ]
    )  # fmt: skip
    headings = (
        "switch", "n", "Shapley value", "95% interval", "p", "Holm p", "verdict", "smallest p",
        "alone", "last",
    )  # fmt: skip
    return Figure(
        "shapley",
        waterfall_figure(ordered, none=found.none, full=found.full, unit=unit),
        f"From the method without any switch to the full method in {view.outcome_words}: each "
        "bar is a switch's Shapley value, its line the 95% interval of that step. "
        f"{view.unit.worse.replace('of zero is', 'is')}",
        Table("shapley", headings, rows, (False, *([True] * 9)), "Shapley values"),
        height_px=min(1400, 190 + 36 * len(rows)),
        table_open=True,
    )


def _judged(view: StudyView, table: pd.DataFrame, maximise: bool | None = None) -> pd.DataFrame:
    """The values with verdicts; none where orders were drawn, since no p knows of that."""
    compared = table.assign(pairs=table["n"], difference=table["value"])
    better = view.data.maximise if maximise is None else maximise
    judged = with_verdicts(compared, rope=view.rope, maximise=better)
    return judged.replace({"verdict": {"": "–"}})


def _pairs(view: StudyView, found: ShapleyValues) -> Figure:
    unit = view.unit
    signs = {BETTER: "above 0", WORSE: "below 0"}
    ordered = _judged(view, by_size(found.pairs), maximise=True).replace({"verdict": signs})
    rows: Rows = [
        [
            str(row["first"]),
            str(row["second"]),
            Cell(str(row["n"]), row["n"]),
            unit.cell(row["value"], signed=True),
            unit.between(row["low"], row["high"], signed=True),
            p_cell(row["p"]),
            p_cell(row["p_holm"]),
            row["verdict"],
        ]
        for row in records(ordered)
    ]
    headings = ("switch", "with", "n", "interaction", "95% interval", "p", "Holm p", "verdict")
    return Figure(
        "shapley-pairs",
        interaction_figure(ordered, unit=unit),
        f"Interaction of every two switches in {view.outcome_words}, with 95% t intervals over "
        "seeds, by size.",
        Table("shapley-pairs", headings, rows, (False, False, *([True] * 6)), "Interactions"),
        height_px=min(1400, 170 + 28 * len(rows)),
    )
