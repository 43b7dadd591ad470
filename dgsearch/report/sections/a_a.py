"""What training alone does to a difference: A against A', the same configuration."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from dgsearch.analysis.noise import noise_floor
from dgsearch.analysis.selection import MEAN
from dgsearch.analysis.statistics import mean_interval
from dgsearch.designs.a_a import second_seeds
from dgsearch.report.parts import Note, Rows, Section, Table
from dgsearch.report.view import StudyView
from dgsearch.report.words import short_cell

_SEEDS = 8  # of the example


def a_a_sections(view: StudyView) -> Iterator[Section]:
    """One table: each outcome, A less A', and the noise of one difference."""
    own = view.done[view.done["config_id"] == view.reference]
    if own.empty:
        return
    columns = {
        f"mean of {name}" if name == MEAN else name: f"accuracy/{name}"
        for name in (MEAN, *view.targets)
    }
    columns = {name.replace("mean of mean", "mean"): column for name, column in columns.items()}
    rows: Rows = []
    for name, column in (*columns.items(), ("validation", "value")):
        floor = noise_floor(own[column].astype("float64").tolist())
        apart = mean_interval(_differences(view, own, column))
        rows.append(
            [
                name,
                short_cell(apart.n),
                view.unit.cell(apart.mean, signed=True),
                view.unit.between(apart.low, apart.high, signed=True),
                short_cell(floor.n),
                view.unit.cell(floor.deviation),
                view.unit.between(floor.low, floor.high),
            ]
        )
    headings = (
        "outcome", "pairs", f"A' less A, {view.unit.step}", "95% interval", "trials",
        f"noise of one difference, {view.unit.step}", "95% interval of the noise",
    )  # fmt: skip
    table = Table("noise", headings, rows, (False, *([True] * 6)), "A against A'")
    title = "Noise: the same configuration twice"
    yield Section("noise", title, [Note(_explained(view, own)), table])


def _differences(view: StudyView, own: pd.DataFrame, column: str) -> list[float]:
    """A' less A, where both trials of a pair have finished."""
    by_seed = own.drop_duplicates("seed").set_index("seed")[column].astype("float64")
    first, second = list(view.spec.seeds), list(second_seeds(view.spec.seeds))
    pairs = by_seed.reindex(second).to_numpy() - by_seed.reindex(first).to_numpy()
    return [float(value) for value in pairs if not math.isnan(value)]


def _explained(view: StudyView, own: pd.DataFrame) -> str:
    floor = noise_floor(own[view.outcome].astype("float64").tolist())
    text = (
        "A and A' are one configuration at other seeds: a true difference is 0, and what is seen "
        "is the noise of training. A seed decides the validation split, initial weights and the "
        "order of images. The noise is the standard deviation of the difference of two trials; "
        "its interval is a chi-square interval, for outcomes that are roughly normal."
    )
    if math.isnan(floor.deviation):
        return text
    half = 1.96 * floor.deviation / math.sqrt(_SEEDS)
    return (
        f"{text} With it, a change that does nothing shows a mean difference within about "
        f"±{view.unit.text(half)} {view.unit.step}".rstrip()
        + f" over {_SEEDS} pairs in 95% of cases."
    )
