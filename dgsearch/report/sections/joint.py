"""Hyperparameters together: pairs, importance, Sobol indices, partial dependence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pandas as pd
from pydantic import TypeAdapter

from dgsearch.analysis.selection import hyperparameter_column
from dgsearch.analysis.sensitivity import pair_surface
from dgsearch.analysis.sobol import outcomes_at, sobol_indices
from dgsearch.analysis.surrogate import partial_dependence
from dgsearch.designs.sobol import Sobol, sobol_points
from dgsearch.report.figures.response import dependence_figure, pair_figure, share_figure
from dgsearch.report.parts import ELSEWHERE, Block, Cell, Figure, Note, Rows, Section, Table
from dgsearch.report.sections.ablation import surrogate_of
from dgsearch.report.sections.importance import importance_section
from dgsearch.report.view import StudyView
from dgsearch.report.words import records, short_cell

__all__ = ["joint_sections"]

_MOST_PAIRS = 6
_MOST_DEPENDENCES = 8


def joint_sections(view: StudyView) -> Iterator[Section]:
    """For designs that move several hyperparameters at once."""
    if not (view.is_crossed or view.kind == "foreign") or len(view.varied) < 2:
        return
    yield from _pairs(view)
    yield from importance_section(view)
    yield from _sobol(view)
    yield from _dependence(view)


def _pairs(view: StudyView) -> Iterator[Section]:
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
                _cell_mean(view, row), view.unit.cell(row["deviation"]),
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


def _cell_mean(view: StudyView, row: dict[str, Any]) -> Cell:
    cell = view.unit.cell(row["mean"])
    return Cell(cell.text + ELSEWHERE * bool(row["elsewhere"]), cell.number)


def _mark_words(surface: pd.DataFrame) -> str:
    if not surface["elsewhere"].any():
        return ""
    return (
        f" {ELSEWHERE} in the table marks a mean over other seeds; a cell that lacks a shared "
        "seed stays empty in the map."
    )


def _sobol(view: StudyView) -> Iterator[Section]:
    if view.kind != "sobol":
        return
    points, seeds, outcomes = _sobol_outcomes(view)
    missing = int(pd.Series(outcomes).isna().sum())
    if missing:
        text = f"{missing} of {points} points have no finished trial; finish the study."
        yield Section("sobol", "Sobol indices", [Note(text)])
        return
    names = list(view.facts.varied)
    found = sobol_indices(names, outcomes)
    labels = {name: view.label(name) for name in names}
    rows: Rows = [
        [
            labels[row["name"]], str(row["kind"]), Cell(f"{row['index']:.2f}", row["index"]),
            f"{row['low']:.2f} to {row['high']:.2f}",
        ]
        for row in records(found)
    ]  # fmt: skip
    table = Table(
        "sobol", ("hyperparameter", "order", "index", "95% interval"), rows,
        (False, False, True, True),
    )  # fmt: skip
    figure = Figure(
        "sobol",
        share_figure(found, series="kind", value="index", labels=labels, title="Sobol index"),
        "First-order and total Sobol index of each hyperparameter with 95% intervals.",
        table,
    )
    note = (
        f"Of the variance of the {view.outcome_words} over the ranges, the share that a "
        "hyperparameter causes alone (first) and with others (total; Saltelli 2010). From "
        f"{points} points, mean over {seeds} seeds; the intervals are bootstraps over "
        "base points. What is left of the seeds' noise counts as interaction. A first index whose "
        "interval holds 0 is not established."
    )
    yield Section("sobol", "Sobol indices", [Note(note), figure])


def _sobol_outcomes(view: StudyView) -> tuple[int, int, list[float]]:
    """How many points and seeds the design has, and the mean outcome at each point."""
    design: Sobol = TypeAdapter(Sobol).validate_python(dict(view.facts.spec["design"]))
    points = [
        {hyperparameter_column(view.done, name): value for name, value in point.items()}
        for point in sobol_points(design, view.facts.space)
    ]
    full = view.done.groupby("seed")["config_id"].nunique()
    seeds = full[full == full.max()].index
    done = view.done[view.done["seed"].isin(seeds) & (view.done["role"] == "point")]
    return len(points), len(seeds), outcomes_at(done, points, view.outcome)


def _dependence(view: StudyView) -> Iterator[Section]:
    surrogate = surrogate_of(view, view.outcome)
    if surrogate is None:
        return
    unit = view.unit
    error = (
        f"A random forest fitted to {surrogate.configurations} configurations errs by "
        f"{unit.text(surrogate.error)} {unit.step} on configurations left out "
        f"(cross-validation); predicting their mean errs by {unit.text(surrogate.naive_error)}."
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
