"""Sobol indices: which share of the variance each hyperparameter causes."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dgsearch.analysis.selection import hyperparameter_column
from dgsearch.analysis.sobol import outcomes_at, sobol_indices
from dgsearch.report.figures.response import share_figure
from dgsearch.report.parts import Cell, Figure, Note, Rows, Section, Table
from dgsearch.report.view import StudyView
from dgsearch.report.words import range_text, records


def sobol_section(view: StudyView) -> Iterator[Section]:
    """First and total index of each hyperparameter."""
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
            range_text(row["low"], row["high"]),
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
    _, *changes = view.design.changes(view.facts.space)  # the centre is no point of the sample
    points = [
        {hyperparameter_column(view.done, name): value for name, value in point.items()}
        for point in changes
    ]
    full = view.done.groupby("seed")["config_id"].nunique()
    seeds = full[full == full.max()].index
    done = view.done[view.done["seed"].isin(seeds) & (view.done["role"] == "point")]
    return len(points), len(seeds), outcomes_at(done, points, view.outcome)
