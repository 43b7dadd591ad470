"""Shapley values of a study of coalitions: what each switch carries, and what two together."""

from __future__ import annotations

from collections.abc import Iterator

from dgsearch.analysis.shapley import ShapleyValues
from dgsearch.designs.coalitions import Game
from dgsearch.report.coalitions import by_size, found_values, incomplete
from dgsearch.report.figures.shapley import interaction_figure, waterfall_figure
from dgsearch.report.parts import Block, Cell, Figure, Note, Rows, Section, Table, Warn
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
    lost = view.trials["seed"].nunique() - len(found.seeds)
    if lost:
        yield Warn(
            f"{plural(lost, 'seed')} left out: not every coalition has finished there. All "
            f"numbers of this section are based on the other {len(found.seeds)}."
        )


_PAIRS = (
    "The interaction of two switches is what they add together beyond what each adds alone, as a "
    "mean over the coalitions of the others. Above zero they need each other; below zero one does "
    "what the other does."
)


def _values(view: StudyView, found: ShapleyValues) -> Figure:
    unit = view.unit
    ordered = by_size(found.values, absolute=False)
    rows: Rows = [
        [
            str(row["switch"]),
            Cell(str(row["n"]), row["n"]),
            unit.cell(row["value"], signed=True),
            unit.between(row["low"], row["high"], signed=True),
            p_cell(row["p"]),
            p_cell(row["p_holm"]),
            p_cell(row["smallest_p"]),
            unit.cell(row["alone"], signed=True),
            unit.cell(row["last"], signed=True),
        ]
        for row in records(ordered)
    ]
    whole = unit.cell(found.full - found.none, signed=True)
    rows.append(["full less none", Cell(str(len(found.seeds))), whole, *([Cell("–")] * 6)])
    headings = (
        "switch", "n", "Shapley value", "95% interval", "p", "Holm p", "smallest p", "alone",
        "last",
    )  # fmt: skip
    return Figure(
        "shapley",
        waterfall_figure(ordered, none=found.none, full=found.full, unit=unit),
        f"From the method without any switch to the full method in {view.outcome_words}: each "
        "bar is a switch's Shapley value, its line the 95% interval of that step. "
        f"{view.unit.worse.replace('of zero is', 'is')}",
        Table("shapley", headings, rows, (False, *([True] * 8)), "Shapley values"),
        height_px=min(1400, 190 + 36 * len(rows)),
        table_open=True,
    )


def _pairs(view: StudyView, found: ShapleyValues) -> Figure:
    unit = view.unit
    ordered = by_size(found.pairs)
    rows: Rows = [
        [
            str(row["first"]),
            str(row["second"]),
            Cell(str(row["n"]), row["n"]),
            unit.cell(row["value"], signed=True),
            unit.between(row["low"], row["high"], signed=True),
            p_cell(row["p"]),
            p_cell(row["p_holm"]),
        ]
        for row in records(ordered)
    ]
    headings = ("switch", "with", "n", "interaction", "95% interval", "p", "Holm p")
    return Figure(
        "shapley-pairs",
        interaction_figure(ordered, unit=unit),
        f"Interaction of every two switches in {view.outcome_words}, with 95% t intervals over "
        "seeds, by size.",
        Table("shapley-pairs", headings, rows, (False, False, *([True] * 5)), "Interactions"),
        height_px=min(1400, 170 + 28 * len(rows)),
    )
