"""What the trials of a foreign study say besides one value: fronts, steps, times, attributes."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping

import numpy as np
import pandas as pd

from dgsearch.analysis.foreign import ForeignTrials, pareto_front
from dgsearch.database.frames import ATTRIBUTE
from dgsearch.report.figures.foreign import front_figure, intermediate_figure, timeline_figure
from dgsearch.report.parts import Block, Figure, Note, Rows, Section, Table
from dgsearch.report.sections.records import error_blocks
from dgsearch.report.study_data import StudyData
from dgsearch.report.words import PLAIN, number_cell, records, short, short_cell
from dgsearch.wording import plural

_MOST_ROWS = 500
_MOST_ATTRIBUTES = 12
_MOST_FRONT = 4000  # trials; the time grows with their square
_LONGEST = 80  # characters of an attribute


def front_sections(data: StudyData) -> Iterator[Section]:
    """The Pareto front of several objectives."""
    objectives = data.declared.objectives
    done = data.trials[data.trials["state"] == "COMPLETE"]
    columns = [item.column for item in objectives]
    values = done[columns].to_numpy(np.float64, na_value=np.nan)
    feasible = ~done["trial_number"].isin(data.infeasible).to_numpy()
    known = ~np.isnan(values).any(axis=1) & feasible
    if len(objectives) < 2 or not known.any():
        return
    done, values = done[known].head(_MOST_FRONT), values[known][:_MOST_FRONT]
    front = pareto_front(values, [1.0 if item.maximised else -1.0 for item in objectives])
    names = [item.name or item.column for item in objectives]
    names = names if len(set(names)) == len(names) else columns
    table = pd.DataFrame(values, columns=names)
    table.insert(0, "trial_number", done["trial_number"].to_numpy(), allow_duplicates=True)
    table.columns = pd.Index(["trial_number", *(f"objective {name}" for name in names)])
    table["on front"] = front
    headings = list(table.columns[1:-1])
    rows: Rows = [
        [short_cell(row["trial_number"]), *(PLAIN.cell(row[name]) for name in headings)]
        for row in records(table[front].head(_MOST_ROWS))
    ]
    blocks: list[Block] = [Note(_front_note(int(front.sum()), len(front), int(known.sum())))]
    numbers = Table("front", ("trial", *headings), rows, (True,) * (1 + len(headings)))
    for place, pair in enumerate(list(itertools.combinations(headings, 2))[:3]):
        name = "front" if place == 0 else f"front-{place + 1}"
        caption = (
            f"{pair[0]} and {pair[1]} of every finished trial"
            f"{' that violates no constraint' if data.infeasible else ''}; diamonds: the Pareto "
            "front."
        )
        table_of = numbers if place == 0 else Table(name, numbers.headings, rows, numbers.numeric)
        blocks.append(Figure(name, front_figure(table, pair, "on front"), caption, table_of))
    yield Section("front", "Pareto front", blocks)


def _front_note(on_front: int, compared: int, finished: int) -> str:
    """How many trials are on the front, and what is left out."""
    verb = "is" if on_front == 1 else "are"
    left = (
        f" Only the first {compared} finished trials are compared." if finished > compared else ""
    )
    cut = f" The table has the first {_MOST_ROWS}." if on_front > _MOST_ROWS else ""
    return (
        f"{plural(on_front, 'trial')} of {compared} {verb} on the Pareto front: no other trial is "
        f"at least as good in every objective and better in one.{left}{cut}"
    )


def intermediate_sections(data: StudyData, title: str) -> Iterator[Section]:
    """The values that trials reported while they ran, and what pruning stopped."""
    curves = data.curves[np.isfinite(data.curves["value"])]
    if curves.empty:
        return
    pruned = data.trials.loc[data.trials["state"] == "PRUNED", "trial_number"]
    last = curves.sort_values("epoch", kind="stable").drop_duplicates("trial_number", keep="last")
    stopped = last[last["trial_number"].isin(pruned)].sort_values("trial_number")
    rows: Rows = [
        [short_cell(row["trial_number"]), short_cell(row["epoch"]), PLAIN.cell(row["value"])]
        for row in records(stopped.head(_MOST_ROWS))
    ]
    left = len(data.curves) - len(curves)
    infinite = f" {plural(left, 'value')} that are not finite are not drawn." if left else ""
    figure = Figure(
        "intermediate",
        intermediate_figure(curves, pruned.tolist(), title),
        "Intermediate values of each trial; of more than 300 trials an even choice. The table "
        f"has the pruned trials with their last step.{infinite}",
        Table("intermediate", ("trial", "last step", "value there"), rows, (True, True, True)),
    )
    verb = "was" if len(pruned) == 1 else "were"
    cut = f" The table has the first {_MOST_ROWS}." if len(stopped) > _MOST_ROWS else ""
    note = Note(f"{plural(len(pruned), 'trial')} of {len(data.trials)} {verb} pruned.{cut}")
    yield Section("intermediate", "Intermediate values", [note, figure])


def timeline_sections(data: StudyData) -> Iterator[Section]:
    """When trials ran."""
    known = data.trials.dropna(subset=["started_at", "finished_at"])
    if len(known) < 2:
        return
    known = known[["trial_number", "state", "started_at", "finished_at", "duration_s"]]
    rows: Rows = [
        [str(state), short_cell(len(part)), number_cell(part["duration_s"].median()),
         number_cell(part["duration_s"].sum())]
        for state, part in known.groupby("state", observed=True)
    ]  # fmt: skip
    headings = ("state", "trials", "median seconds", "seconds in all")
    figure = Figure(
        "timeline",
        timeline_figure(known.head(3000)),
        "When each trial ran. Lines above each other at one time ran in parallel."
        + (" The first 3000 trials are drawn." if len(known) > 3000 else ""),
        Table("timeline", headings, rows, (False, True, True, True)),
    )
    yield Section("timeline", "Timeline", [figure])


def foreign_trials_section(data: StudyData, trials: ForeignTrials) -> Section:
    """Every trial with its state, hyperparameters, values and user attributes."""
    frame = data.trials
    objectives = data.declared.objectives
    blocks: list[Block] = []
    if len(frame) > _MOST_ROWS:
        frame = listed_foreign_trials(data)
        blocks.append(
            Note(
                f"The {_MOST_ROWS} trials of the best value, of {len(data.trials)}. All of them: "
                "dgsearch export."
            )
        )
    attributes = [str(name) for name in frame.columns if str(name).startswith(ATTRIBUTE)]
    names = {item.column: item.name for item in trials.parameters}
    columns = [name for name in data.declared.distributions if name in frame]
    shown = attributes[:_MOST_ATTRIBUTES]
    if len(attributes) > len(shown):
        left = len(attributes) - len(shown)
        blocks.append(Note(f"{plural(left, 'further attribute')} in the frame of trials."))
    rows = _trial_rows(frame, data, columns, shown)
    headings = [
        "trial", "state", *(item.name or item.column for item in objectives),
        *(names.get(name, name) for name in columns), "seconds", *shown,
    ]  # fmt: skip
    numeric = [True, False, *([True] * (len(headings) - 2))]
    blocks += error_blocks(data.trials)
    return Section(
        "trials", "Trials", [*blocks, Table("trials", headings, rows, numeric, "Trials")]
    )


def listed_foreign_trials(data: StudyData) -> pd.DataFrame:
    """Every trial, or of many those of the best value."""
    frame = data.trials
    if len(frame) <= _MOST_ROWS:
        return frame
    objective = data.declared.objectives[data.objective]
    order = frame[objective.column].to_numpy(np.float64, na_value=np.nan)
    best = np.argsort(-order if objective.maximised else order, kind="stable")[:_MOST_ROWS]
    chosen: pd.DataFrame = frame.iloc[np.sort(best)]
    return chosen


def _trial_rows(
    frame: pd.DataFrame, data: StudyData, columns: list[str], attributes: list[str]
) -> Rows:
    choices = {name for name in columns if frame[name].dtype == object}
    return [
        [
            short_cell(row["trial_number"]), _state(row, data),
            *(short_cell(row[item.column]) for item in data.declared.objectives),
            *(_cell(row[name], missing=name not in choices) for name in columns),
            number_cell(row["duration_s"]),
            *(_cell(row[name]) for name in attributes),
        ]
        for row in frame.to_dict("records")
    ]  # fmt: skip


def _state(row: Mapping[Hashable, object], data: StudyData) -> str:
    """How a trial ended, and whether it violates a constraint."""
    violates = row["trial_number"] in data.infeasible
    return f"{row['state']}, violates a constraint" if violates else str(row["state"])


def _cell(value: object, *, missing: bool = False) -> str:
    """A hyperparameter or an attribute as text; "–" where there is none.

    Args:
        value: Any; pandas' <NA> where there is none.
        missing: Whether None also stands for none; in a column of choices it is one of them.
    """
    if value is None:
        return "–" if missing else "None"
    if isinstance(value, list | dict | tuple):
        return str(value)[:_LONGEST]
    return short(value)[:_LONGEST]
