"""Hyperparameters together: pairs, partial dependence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pandas as pd

from dgsearch.analysis.sensitivity import pair_surface
from dgsearch.analysis.surrogate import partial_dependence
from dgsearch.report.figures.response import dependence_figure, pair_figure
from dgsearch.report.parts import ELSEWHERE, Block, Cell, Figure, Note, Rows, Section, Table
from dgsearch.report.sections.ablation import surrogate_of
from dgsearch.report.view import StudyView
from dgsearch.report.words import records, short_cell

_MOST_PAIRS = 6
_MOST_DEPENDENCES = 8


def pair_section(view: StudyView) -> Iterator[Section]:
    """The outcome over each pair of hyperparameters."""
    all_pairs = list(itertools.combinations(view.varied, 2))
    blocks: list[Block] = []
    for first, second in all_pairs[:_MOST_PAIRS]:
        others = [column for name, column in view.varied.items() if name not in (first, second)]
        surface = pair_surface(view.spread, first, second, targets=view.targets, others=others)
        if surface["first"].nunique() < 2 or surface["second"].nunique() < 2:
            continue
        labels = (view.label(first), view.label(second))
        rows: Rows = [
            [
                short_cell(row["first"]), short_cell(row["second"]), Cell(str(row["n"]), row["n"]),
                view.unit.cell(row["mean"]).marked(elsewhere=bool(row["elsewhere"])),
                view.unit.cell(row["deviation"]),
                view.unit.between(row["low"], row["high"]),
            ]
            for row in records(surface)
        ]  # fmt: skip
        headings = (*labels, "n", "mean", "deviation", "95% interval")
        blocks.append(
            Figure(
                f"pair-{first}-{second}",
                pair_figure(surface, labels=labels, unit=view.unit),
                f"{view.unit.name.capitalize()} at each pair of {labels[0]} and {labels[1]}: mean "
                "over the seeds that the cells share and over the other hyperparameters."
                + _mark_words(surface),
                Table(f"pair-{first}-{second}", headings, rows, (True,) * 6),
                height_px=380,
            )
        )
    if blocks:
        cut = len(all_pairs) - _MOST_PAIRS
        left = f" {cut} further pairs are not drawn." if cut > 0 else ""
        note = Note(
            "The colour scale of each map spans its own cells, so a strong pattern can still be "
            f"a small effect: read the numbers, and the intervals in the tables.{left}"
        )
        yield Section("pairs", "Pairs of hyperparameters", [note, *blocks])


def _mark_words(surface: pd.DataFrame) -> str:
    if not surface["elsewhere"].any():
        return ""
    return (
        f" {ELSEWHERE} in the table marks a mean over other seeds; a cell that lacks a shared "
        "seed stays empty in the map."
    )


def dependence_section(view: StudyView) -> Iterator[Section]:
    """What a surrogate predicts over each hyperparameter."""
    surrogate = surrogate_of(view, view.outcome)
    if surrogate is None:
        return
    unit = view.unit
    error = (
        f"A random forest fitted to {surrogate.configurations} configurations errs by "
        f"{unit.text(surrogate.error)} {unit.step} on configurations left out "
        f"(cross-validation); predicting their mean errs by {unit.text(surrogate.naive_error)}. "
        f"Its out-of-bag R² is {surrogate.r2:.2f}."
    ).replace("  ", " ")
    if not surrogate.useful:
        text = (
            f"{error} It knows nothing that the mean does not, so its partial dependence is not "
            "shown: over these ranges the hyperparameters explain less than the noise."
        )
        yield Section("dependence", "Partial dependence", [Note(text)])
        return
    names = list(view.varied)[:_MOST_DEPENDENCES]
    curves = {name: partial_dependence(surrogate, name) for name in names}
    labels = {name: view.label(name) for name in names}
    rows: Rows = [
        [labels[name], short_cell(row["value"]), unit.cell(row["prediction"])]
        for name, frame in curves.items()
        for row in records(frame[frame["curve"] == -1])
    ]
    figure = Figure(
        "dependence",
        dependence_figure(
            curves,
            labels=labels,
            unit=unit,
            logarithmic=[name for name in names if view.is_log(name)],
        ),
        "What the surrogate predicts over each hyperparameter: thick, the mean; thin, single "
        "configurations (ICE). Lines that cross speak of interaction.",
        Table("dependence", ("hyperparameter", "value", "mean prediction"), rows,
              (False, True, True)),
        height_px=200 + 220 * -(-len(names) // 2),
    )  # fmt: skip
    yield Section("dependence", "Partial dependence", [Note(error), figure])
