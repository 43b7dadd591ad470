"""The Pareto front of a search of several objectives, as plain data and in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from dgsearch.analysis.front import candidates_of, on_the_front, without_repeats
from dgsearch.report.view import StudyView
from dgsearch.report.words import given, listed, number_cell, range_text, records
from dgsearch.study.objectives import COSTS
from dgsearch.wording import plural

_MOST = 30  # lines


def front_answer(view: StudyView) -> dict[str, Any]:
    """What no other configuration dominates, of a search of several objectives.

    Returns:
        objectives (name, higher_is_better and unit of each), front (of the configurations that may
        be chosen, over the seeds that these share), front_unconfirmed (of all proposals at the
        first seed, less those that may be chosen). Empty for any other study.
    """
    if view.facts.spec is None or len(view.goal.names) == 1:
        return {"objectives": [], "front": [], "front_unconfirmed": []}
    goal, points = view.goal, view.weighed[view.weighed["role"] == "point"]
    candidates = candidates_of(points, view.design)
    front = on_the_front(points, goal, candidates)
    others = without_repeats(points, goal, candidates, first_seed=view.spec.seeds[0])
    return {
        "objectives": [
            {"name": name, "higher_is_better": more, "unit": _unit(view, name)}
            for name, more in zip(goal.names, goal.maximise, strict=True)
        ],
        "front": _rows(view, front),
        "front_unconfirmed": _rows(view, others),
    }


def front_lines(view: StudyView, answer: Mapping[str, Any]) -> Iterator[str]:
    """`front_answer` in words; nothing for a study of one objective."""
    names = [each["name"] for each in answer["objectives"]]
    if not names:
        return
    front, others = answer["front"], answer["front_unconfirmed"]
    yield f"  Pareto front of {listed(names)}: {plural(len(front), 'configuration')}"
    for row in front[:_MOST]:
        best = f"; best by {listed(row['best_by'])}" if row["best_by"] else ""
        yield f"    {row['name']} ({row['config_id']}): {_measured(view, row, names)}{best}"
    if len(front) > _MOST:
        yield f"    and {len(front) - _MOST} more (--json)"
    if others:
        verb = "is" if len(others) == 1 else "are"
        yield (
            f"  {plural(len(others), 'more proposal')} {verb} on the front at seed "
            f"{view.spec.seeds[0]} and {verb} not repeated at other seeds (design.confirm):"
        )
    for row in others[:_MOST]:
        yield f"    {row['name']} ({row['config_id']}): {_measured(view, row, names)}"


def _rows(view: StudyView, table: pd.DataFrame) -> list[dict[str, Any]]:
    names = view.goal.names
    return [
        {
            "config_id": row["config_id"],
            "name": view.names.get(row["config_id"]),
            "seeds": int(row["seeds"]),
            "objectives": {
                name: {
                    "mean": row[name], "low": row[f"{name}/low"], "high": row[f"{name}/high"],
                }
                for name in names
            },
            "best_by": list(row["best_by"]),
        }
        for row in records(table)
    ]  # fmt: skip


def _unit(view: StudyView, name: str) -> str:
    return COSTS[name].unit if name in COSTS else ""


def _measured(view: StudyView, row: Mapping[str, Any], names: Sequence[str]) -> str:
    """The objectives of a configuration with their intervals."""
    texts = []
    for name in names:
        found = row["objectives"][name]
        if name == view.metric:
            mean = f"{view.unit.text(found['mean'])}{view.unit.sign}"
            interval = view.unit.between(found["low"], found["high"])
        else:
            digits = 1 if name in COSTS else 4
            mean = f"{number_cell(found['mean'], digits).text} {_unit(view, name)}".strip()
            interval = range_text(found["low"], found["high"], digits)
        doubt = f", 95% {interval}" if given(found["low"]) else ""
        texts.append(f"{name} {mean} (n = {row['seeds']}{doubt})")
    return ", ".join(texts)
