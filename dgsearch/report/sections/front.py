"""What a search weighs: its Pareto front, and how many proposals keep to its constraints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from dgsearch.analysis.front import front_table, infeasible
from dgsearch.report.figures.front import front_figure
from dgsearch.report.parts import Block, Figure, Note, Rows, Section, Table
from dgsearch.report.view import StudyView
from dgsearch.report.words import listed, number_cell, range_text, records, short_cell
from dgsearch.study.objectives import COSTS, Goal
from dgsearch.wording import plural

_MOST = 30  # rows of a table


def front_sections(view: StudyView) -> Iterator[Section]:
    """Nothing for a search of one objective without constraints."""
    goal = view.goal
    trials = view.weighed
    trials = trials[trials["role"] == "point"]
    if (len(goal.names) == 1 and not goal.limits) or trials.empty:
        return
    blocks: list[Block] = []
    if goal.limits:
        blocks.append(Note(_kept(trials, goal)))
    if len(goal.names) > 1:
        blocks += _fronts(view, trials, goal)
    title = "Pareto front" if len(goal.names) > 1 else "Constraints"
    yield Section("front", title, blocks)


def _kept(trials: pd.DataFrame, goal: Goal) -> str:
    """How many configurations violate the constraints."""
    beyond, total = len(infeasible(trials, goal)), trials["config_id"].nunique()
    texts = [
        f"{each.name} {'<=' if each.at_most else '>='} {each.bound:g}" for each in goal.limits
    ]
    return (
        f"Constraints: {listed(texts)}. {beyond} of {plural(total, 'configuration')} with a "
        f"finished trial {'violates' if beyond == 1 else 'violate'} one or more of them by the "
        "mean over their seeds, and cannot be chosen."
        + (" No configuration keeps to all, so all may be chosen." if beyond == total else "")
    )


def _fronts(view: StudyView, trials: pd.DataFrame, goal: Goal) -> Iterator[Block]:
    """Every proposal at the seed that all have; then those that were repeated."""
    first = trials[trials["seed"] == view.spec.seeds[0]]
    table = front_table(first, goal)
    if len(table):
        yield _figure(view, table, goal)
    counts = trials.groupby("config_id")["seed"].nunique()
    repeated = trials[trials["config_id"].isin(counts[counts > 1].index)]
    again = front_table(repeated, goal)
    if len(again):
        caption = (
            f"Repeated configurations over {plural(int(again['seeds'].max()), 'shared seed')}: "
            "means with 95% t intervals"
        )
        yield _table(view, again, goal, name="repeated", caption=caption)


def _figure(view: StudyView, table: pd.DataFrame, goal: Goal) -> Figure:
    on = int(table["efficient"].sum())
    caption = (
        f"Each proposal at seed {view.spec.seeds[0]}, by the first two objectives. "
        f"{on} of {plural(len(table), 'configuration')} {'is' if on == 1 else 'are'} on the "
        f"Pareto front of {listed([_words(view, name) for name in goal.names])}: no other one "
        "within the constraints is at least as good in all and better in one. One seed carries "
        "no interval; the repeated configurations below do."
    )
    shown = table.sort_values(["efficient", "feasible"], ascending=False, kind="stable")
    return Figure(
        "front",
        front_figure(
            _as_written(view, table),
            view.names,
            axes=[_axis(view, name) for name in goal.names[:2]],
            names=goal.names[:2],
        ),
        caption,
        _table(view, shown.head(_MOST), goal, name="front", caption=""),
    )


def _as_written(view: StudyView, table: pd.DataFrame) -> pd.DataFrame:
    """The selecting metric as the tables write it, such as in per cent."""
    if view.metric not in table:
        return table
    return table.assign(**{view.metric: table[view.metric] * view.unit.scale})


def _table(view: StudyView, table: pd.DataFrame, goal: Goal, *, name: str, caption: str) -> Table:
    rows: Rows = []
    for row in records(table):
        cells: list[Any] = [view.names.get(row["config_id"], row["config_id"])]
        cells.append(short_cell(row["seeds"]))
        for objective in goal.names:
            cells += _numbers(view, row, objective)
        cells.append("yes" if row["efficient"] else "no" if row["feasible"] else "infeasible")
        rows.append(cells)
    headings = ["configuration", "seeds"]
    for objective in goal.names:
        headings += [_axis(view, objective), "95% interval"]
    numeric = (False, True, *([True] * (2 * len(goal.names))), False)
    return Table(name, (*headings, "Pareto-optimal"), rows, numeric, caption)


def _numbers(view: StudyView, row: Mapping[Any, Any], name: str) -> list[Any]:
    """Mean and interval of an objective as cells."""
    low, high = row[f"{name}/low"], row[f"{name}/high"]
    if name == view.metric:
        return [view.unit.cell(row[name]), view.unit.between(low, high)]
    digits = 1 if name in COSTS else 4
    return [number_cell(row[name], digits), range_text(low, high, digits)]


def _words(view: StudyView, name: str) -> str:
    if name in COSTS:
        return COSTS[name].label
    described = view.facts.facts.get("metrics", {}).get(name, {})
    return f"validation {described.get('label', name)}"


def _axis(view: StudyView, name: str) -> str:
    if name == view.metric:
        return f"validation {view.unit.axis}"
    return f"{_words(view, name)}, {COSTS[name].unit}" if name in COSTS else _words(view, name)
