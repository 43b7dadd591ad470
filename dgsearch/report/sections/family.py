"""Every method of a family at its chosen configuration against the one they are compared with."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dgsearch.analysis.statistics import PAIRS_FOR_FIVE_PERCENT
from dgsearch.report.comparisons import compared, differences, elsewhere, elsewhere_words
from dgsearch.report.figures.comparison import difference_figure
from dgsearch.report.parts import Cell, Figure, Note, Section, Table
from dgsearch.report.verdicts import power_sentence, verdict_words
from dgsearch.report.view import StudyView, selection_domains
from dgsearch.report.words import counted_in, listed, number_cell, p_cell, records
from dgsearch.wording import plural

_MEANS = ("validation", "mean")
_HEADINGS = (
    "method", "chosen configuration", "of", "validation", "n", "mean",
    "standard error", "pairs", "difference", "95% interval", "p", "Holm p", "verdict",
    "smallest p", "detectable",
)  # fmt: skip


def family_sections(view: StudyView) -> Iterator[Section]:
    """The comparison of methods; nothing without a reference."""
    table = compared(view)
    if len(table) < 2:
        return
    method = view.facts.method
    others = table[table["config_id"] != view.reference]
    figure = Figure(
        "family",
        difference_figure(others, differences(view, table), unit=view.unit, reported={}),
        f"Difference to {method} in {view.outcome_words}, paired over seeds. Grey dots: one seed "
        f"each. Diamonds: means with 95% t intervals. {view.unit.worse}",
        _table(view, table),
        height_px=min(1400, 170 + 30 * len(others)),
        table_open=True,
    )
    told = (_budget(view), _tests(view) + elsewhere_words(view, table), _verdicts(view, table))
    notes = [Note(text) for text in told]
    yield Section("family", f"Family: every method against {method}", [*notes, figure])


def _budget(view: StudyView) -> str:
    each = view.design.budget
    counts = view.family["configurations"]
    whole = (
        f"Each method was trained at {plural(each, 'configuration')}"
        if (counts == each).all()
        else f"Each method is planned at {plural(each, 'configuration')} (finished: see 'of')"
    )
    return (
        f"{whole} and the same seeds: its centre, then points of a Sobol sequence over the shared "
        f"ranges and its own. The row shows the one with the {view.unit.best} mean "
        f"{view.unit.name} on the validation split over the seeds; " + _took_part(view)
    )


def _took_part(view: StudyView) -> str:
    targets = [name for name in selection_domains(view) if name in view.targets]
    if not targets:
        return "no target domain was used to choose it."
    return f"labelled validation images of the target {listed(targets)} were used to choose it."


def _tests(view: StudyView) -> str:
    return (
        f"Differences are paired over seeds{counted_in(view.unit)}. p is the exact two-sided "
        "sign-flip test; Holm p is corrected for all rows; smallest p is the smallest that "
        "this many pairs can reach. Detectable is the true difference that one uncorrected test "
        f"at 5% would find in 80% of such studies; below {PAIRS_FOR_FIVE_PERCENT} pairs it is "
        "infinite."
    )


def _verdicts(view: StudyView, table: pd.DataFrame) -> str:
    return f"{verdict_words(view)} {power_sentence(view, table)}".strip()


def _table(view: StudyView, table: pd.DataFrame) -> Table:
    rows = [
        [*_own_cells(view, row, marked=marked), *_difference_cells(view, row)]
        for row, marked in zip(records(table), elsewhere(view, table), strict=True)
    ]
    numeric = [False, False, *([True] * (len(_HEADINGS) - 2))]
    headings = [
        f"{name},{view.unit.sign}" if view.unit.sign and name in _MEANS else name
        for name in _HEADINGS
    ]
    return Table("family", headings, rows, numeric, "Methods at their chosen configurations")


def _own_cells(view: StudyView, row: dict[str, object], *, marked: bool) -> list[str | Cell]:
    config_id = str(row["config_id"])
    return [
        str(row["method"]),
        view.settings[config_id],
        Cell(str(row["configurations"]), float(str(row["configurations"]))),
        view.unit.cell(row["value"]),
        Cell(str(row["n"]), float(str(row["n"]))),
        view.unit.cell(row["mean"]).marked(elsewhere=marked),
        view.unit.cell(row["standard_error"]),
    ]


def _difference_cells(view: StudyView, row: dict[str, object]) -> list[str | Cell]:
    if row["config_id"] == view.reference:
        return [Cell("reference"), *([Cell("–")] * 7)]
    unit = view.unit
    return [
        Cell(str(row["pairs"]), float(str(row["pairs"]))),
        unit.cell(row["difference"], signed=True),
        unit.between(row["low"], row["high"], signed=True),
        p_cell(row["p"]),
        p_cell(row["p_holm"]),
        str(row["verdict"]),
        p_cell(row["smallest_p"]),
        number_cell(float(str(row["detectable"])) * unit.scale),
    ]
