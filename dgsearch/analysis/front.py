"""The Pareto front of a search of several objectives, and what keeps to its constraints."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from dgsearch.analysis.shared_seeds import balanced_trials
from dgsearch.analysis.statistics import mean_interval
from dgsearch.designs.base import Design
from dgsearch.designs.ranking import front
from dgsearch.study.objectives import COSTS, Goal

GOAL = "goal/"  # columns of objectives and of what constraints bound


def with_goals(
    done: pd.DataFrame, scores: pd.DataFrame, goal: Goal, *, targets: Collection[str]
) -> pd.DataFrame:
    """Finished trials with a column `goal/<name>` for each objective and bounded number.

    Args:
        done: Finished trials; uses trial_number, value, selected_epoch and the costs.
        scores: `read_scores`; may be empty where no further metric is asked for.
        goal: What the search is to reach.
        targets: Of two validation splits that of a target selects.
    """
    found = {f"{GOAL}{goal.names[0]}": done["value"].astype(float)}
    for name in goal.measured:
        found[f"{GOAL}{name}"] = (
            done[name].astype(float) if name in COSTS else _metric(done, scores, name, targets)
        )
    return done.assign(**found)


def _metric(
    done: pd.DataFrame, scores: pd.DataFrame, name: str, targets: Collection[str]
) -> pd.Series[float]:
    """A metric on the selection split at the selected epoch of each trial."""
    if scores.empty:
        return pd.Series(np.nan, index=done.index)
    own = scores[(scores["split"] == "validation") & (scores["metric"] == name)]
    own = own.assign(last=own["domain"].isin(list(targets))).sort_values("last", kind="stable")
    own = own.drop_duplicates(["trial_number", "epoch"], keep="last")
    at = own.set_index(["trial_number", "epoch"])["value"]
    keys = pd.MultiIndex.from_arrays([done["trial_number"], done["selected_epoch"]])
    return pd.Series(at.reindex(keys).to_numpy(dtype=float), index=done.index)


def infeasible(trials: pd.DataFrame, goal: Goal) -> frozenset[str]:
    """config_ids whose mean over their finished seeds lies beyond a constraint, or is unknown."""
    means = trials.groupby("config_id", sort=False)[
        [f"{GOAL}{name}" for name in dict.fromkeys(limit.name for limit in goal.limits)]
    ].mean()
    beyond = {
        str(config_id)
        for limit in goal.limits
        for config_id, number in means[f"{GOAL}{limit.name}"].items()
        if not limit.excess(float(number)) <= 0
    }
    return frozenset(beyond)


def front_table(trials: pd.DataFrame, goal: Goal) -> pd.DataFrame:
    """Means of the objectives over the seeds that configurations share, and who is on the front.

    Args:
        trials: `with_goals`; configurations that lack one of the shared seeds are left out.
        goal: What the search is to reach.

    Returns:
        One row a configuration in order of first trial: config_id, seeds, efficient (no other one
        within the constraints is at least as good in all objectives and better in one; False
        beyond the constraints), feasible; and of each objective `<name>`, `<name>/low` and
        `<name>/high` (95% t interval; NaN for one seed).
    """
    columns = [f"{GOAL}{name}" for name in goal.names]
    shared = balanced_trials(trials.dropna(subset=columns), columns[0])
    beyond = infeasible(trials, goal) if goal.limits else frozenset[str]()
    rows = []
    for config_id, own in shared.groupby("config_id", sort=False, observed=True):
        row = {"config_id": str(config_id), "seeds": len(own), "feasible": config_id not in beyond}
        for name in goal.names:
            found = mean_interval(own[f"{GOAL}{name}"].tolist())
            row |= {name: found.mean, f"{name}/low": found.low, f"{name}/high": found.high}
        rows.append(row)
    table = pd.DataFrame(rows, columns=["config_id", "seeds", "feasible", *_columns(goal)])
    within = table["feasible"].to_numpy(dtype=bool)
    means = table[list(goal.names)].to_numpy(dtype=float)
    efficient = np.zeros(len(table), dtype=bool)
    if within.any():
        efficient[within] = front([goal.losses(tuple(row)) for row in means[within]])
    table.insert(2, "efficient", efficient)
    return table


def on_the_front(points: pd.DataFrame, goal: Goal, candidates: Collection[str]) -> pd.DataFrame:
    """The Pareto front of some configurations, the best by the first objective first.

    Args:
        points: `with_goals`, of the configurations that the search proposed.
        goal: What the search is to reach.
        candidates: config_ids that one may choose.

    Returns:
        Those rows of their `front_table` that are efficient, with a column `best_by`: a tuple of
        the objectives by which none of them has a better mean.
    """
    table = front_table(points[points["config_id"].isin(list(candidates))], goal)
    on = table[table["efficient"]].sort_values(
        goal.names[0], ascending=not goal.maximise[0], kind="stable", ignore_index=True
    )
    best = {
        name: on[name] == (on[name].max() if maximised else on[name].min())
        for name, maximised in zip(goal.names, goal.maximise, strict=True)
    }
    named = [tuple(name for name in goal.names if best[name][row]) for row in on.index]
    return on.assign(best_by=pd.Series(named, index=on.index, dtype=object))


def without_repeats(
    points: pd.DataFrame, goal: Goal, candidates: Collection[str], *, first_seed: int
) -> pd.DataFrame:
    """Likewise the front of all proposals at the first seed, less the candidates."""
    first = points[points["seed"] == first_seed]
    on = on_the_front(first, goal, set(first["config_id"]))
    return on[~on["config_id"].isin(list(candidates))].reset_index(drop=True)


def candidates_of(points: pd.DataFrame, design: Design) -> list[str]:
    """Those of the configurations that a design lets one choose."""
    counts = points.groupby("config_id", sort=False, observed=True)["seed"].nunique()
    return list(design.candidates({str(name): int(count) for name, count in counts.items()}))


def _columns(goal: Goal) -> list[str]:
    return [f"{name}{end}" for name in goal.names for end in ("", "/low", "/high")]
