"""Hyperparameters together: pairs, partial dependence."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping

import pandas as pd

from dgsearch.analysis.sensitivity import pair_surface
from dgsearch.analysis.surrogate import Surrogate, mean_moves, partial_dependence
from dgsearch.report.figures.response import dependence_figure, pair_figure
from dgsearch.report.marks import behind, leading
from dgsearch.report.parts import ELSEWHERE, Block, Cell, Figure, Note, Rows, Section, Table
from dgsearch.report.sections.ablation import surrogate_of
from dgsearch.report.view import StudyView
from dgsearch.report.words import listed, records, short_cell
from dgsearch.wording import plural

_MOST_PAIRED = 4  # hyperparameters, so that there are six pairs
_MOST_DEPENDENCES = 8


@functools.lru_cache(maxsize=1)
def _surrogate(view: StudyView) -> Surrogate | None:
    """The forest of the study; it takes seconds to fit, and both sections need it."""
    return surrogate_of(view, view.outcome)


@functools.lru_cache(maxsize=1)
def _curves(view: StudyView) -> Mapping[str, pd.DataFrame]:
    """Partial dependence by hyperparameter, for both sections; none where nothing predicts."""
    surrogate = _surrogate(view)
    if surrogate is None or not surrogate.useful:
        return {}
    return {name: partial_dependence(surrogate, name) for name in view.varied}


def _most_important(view: StudyView, most: int) -> tuple[list[str], str]:
    """The hyperparameters that are drawn, in the order of the study, and what is said of the rest.

    Where there are more than are drawn, those count most over whose values the prediction moves
    most; where nothing predicts the outcome, the first ones are drawn.
    """
    names = list(view.varied)
    if len(names) <= most:
        return names, ""
    kept, reason = names[:most], "first in the study"
    if curves := _curves(view):
        best = sorted(names, key=lambda name: -mean_moves(curves[name]))[:most]
        kept, reason = [name for name in names if name in best], "that move the prediction most"
    left = listed([view.label(name) for name in names if name not in kept])
    return kept, f" Drawn are the {plural(most, 'hyperparameter')} {reason}. Left out: {left}."


def pair_section(view: StudyView) -> Iterator[Section]:
    """The outcome over each pair of hyperparameters."""
    names, left = _most_important(view, _MOST_PAIRED)
    blocks: list[Block] = []
    for first, second in itertools.combinations(names, 2):
        others = [column for name, column in view.varied.items() if name not in (first, second)]
        surface = pair_surface(view.spread, first, second, targets=view.targets, others=others)
        if surface["first"].nunique() < 2 or surface["second"].nunique() < 2:
            continue
        labels = (view.label(first), view.label(second))
        drawn = leading(surface, [behind(view, own) for own in surface["trials"]])
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
                pair_figure(drawn, labels=labels, unit=view.unit),
                f"{view.unit.name.capitalize()} at each pair of {labels[0]} and {labels[1]}: mean "
                "over the seeds that the cells share and over the other hyperparameters."
                + _mark_words(surface),
                Table(f"pair-{first}-{second}", headings, rows, (True,) * 6),
                height_px=380,
            )
        )
    if blocks:
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
    surrogate = _surrogate(view)
    if surrogate is None:
        return
    unit = view.unit
    error = (
        f"A random forest fitted to {surrogate.configurations} configurations errs by "
        f"{unit.text(surrogate.error)} {unit.step} on configurations that a tree was not fitted "
        "to (out of bag); predicting the mean of the others errs by "
        f"{unit.text(surrogate.naive_error)}. Its out-of-bag R² is {surrogate.r2:.2f}."
    ).replace("  ", " ")
    if not surrogate.useful:
        text = (
            f"{error} It knows nothing that the mean does not, so its partial dependence is not "
            "shown: over these ranges the hyperparameters explain less than the noise."
        )
        yield Section("dependence", "Partial dependence", [Note(text)])
        return
    names, left = _most_important(view, _MOST_DEPENDENCES)
    curves = {name: _curves(view)[name] for name in names}
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
        f"configurations (ICE). Lines that cross speak of interaction.{left}",
        Table("dependence", ("hyperparameter", "value", "mean prediction"), rows,
              (False, True, True)),
        height_px=200 + 220 * -(-len(names) // 2),
    )  # fmt: skip
    yield Section("dependence", "Partial dependence", [Note(error), figure])
