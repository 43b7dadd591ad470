"""How a study went: its best value so far, and all its configurations as lines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from dgsearch.analysis.selection import finished
from dgsearch.database.snapshot import Floats
from dgsearch.report.figures.base import MOST_DOTS
from dgsearch.report.figures.foreign import lines_figure, progress_figure
from dgsearch.report.parts import Cell, Figure, Rows, Section, Table
from dgsearch.report.view import StudyView
from dgsearch.report.words import short, short_cell
from dgsearch.wording import plural

_MOST_ROWS = 200
_MOST_AXES = 12


def history_sections(view: StudyView) -> Iterator[Section]:
    """Both about the validation values of the design's own points."""
    done = finished(view.points).dropna(subset=["value"]).sort_values("trial_number")
    if len(done) < 2:
        return
    yield _history(view, done)
    yield from _parallel(view, done)


def _history(view: StudyView, done: pd.DataFrame) -> Section:
    values = done["value"].to_numpy(np.float64) * view.unit.scale
    numbers = done["trial_number"].to_numpy(np.int64)
    better = np.maximum if view.data.maximise else np.minimum
    best = better.accumulate(values)
    changes = np.flatnonzero(np.r_[True, best[1:] != best[:-1]])
    rows: Rows = [
        [
            short_cell(int(numbers[at])),
            view.names.get(str(done["config_id"].iloc[at]), "–"),
            short_cell(done["seed"].iloc[at]),
            Cell(view.unit.text(best[at] / view.unit.scale), float(best[at])),
        ]
        for at in changes[-_MOST_ROWS:]
    ]
    dots = "Dots: one trial each. " if len(values) <= MOST_DOTS else ""
    figure = Figure(
        "history",
        progress_figure(numbers, values, best, f"validation {view.unit.axis}"),
        f"{dots}Line: the {view.unit.best} validation {view.unit.name} of a single trial so far; "
        "it favours lucky seeds, so configurations are not chosen by it. The table has the "
        "trials that improved it.",
        Table(
            "history",
            ("trial", "configuration", "seed", "best so far"),
            rows,
            (True, False, True, True),
        ),
    )
    return Section("history", "History", [figure])


def _parallel(view: StudyView, done: pd.DataFrame) -> Iterator[Section]:
    """One line per configuration, with the mean over its seeds."""
    groups = done.groupby("config_id", sort=False)
    first = groups.head(1).set_index("config_id")
    means = groups["value"].mean().reindex(first.index)
    varying = [name for name, column in view.varied.items() if first[column].nunique() > 1]
    if len(varying) < 2 or means.nunique() < 2:
        return
    shown = varying[:_MOST_AXES]
    places = {view.label(name): _places(view, first[view.varied[name]], name) for name in shown}
    title = f"validation {view.unit.axis}"
    places[title] = means.to_numpy(np.float64)
    sign = 1.0 if view.data.maximise else -1.0
    rows: Rows = [
        [label, *_ends(own, first[view.varied[name]])]
        for (label, own), name in zip(places.items(), shown, strict=False)
    ]
    rows.append([title, view.unit.cell(means.min()), view.unit.cell(means.max())])
    left = len(varying) - len(shown)
    cut = f" {plural(left, 'further hyperparameter')} left out." if left else ""
    figure = Figure(
        "parallel",
        lines_figure(places, sign * places[title], first["trial_number"].to_numpy(np.int64)),
        "One line per configuration, coloured by the fifth of its mean on the right. Each axis "
        f"runs from its lowest place (bottom) to its highest (top).{cut}",
        Table("parallel", ("axis", "bottom", "top"), rows, (False, True, True)),
    )
    yield Section("parallel", "Parallel coordinates", [figure])


def _places(view: StudyView, values: pd.Series[float], name: str) -> Floats:
    """Numbers, on a logarithmic axis where that is declared; of choices their places."""
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        places, _ = pd.factorize(values.astype(str), sort=True)
        return places.astype(np.float64)
    numbers: Floats = np.asarray(values.astype("float64"), np.float64)
    if view.is_log(name) and np.nanmin(numbers) > 0:
        return np.log(numbers).astype(np.float64)
    return numbers


def _ends(places: Floats, values: pd.Series[float]) -> list[Cell]:
    """What lies at the bottom and at the top of an axis."""
    found = [int(np.nanargmin(places)), int(np.nanargmax(places))]
    return [Cell(short(values.iloc[at])) for at in found]
