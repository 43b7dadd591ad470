"""What an adaptive study has decided about each of its points, and at how many seeds."""

from __future__ import annotations

import math

import pandas as pd

from dgsearch.database.facts import StudyFacts
from dgsearch.database.outcomes import target_means
from dgsearch.designs.decisions import Decision
from dgsearch.designs.seed_plan import AdaptivePlan
from dgsearch.errors import DatabaseError
from dgsearch.space import Int

__all__ = ["REFERENCE", "plan_of", "seed_decisions"]

REFERENCE = "reference"  # in place of a verdict


def plan_of(trials: pd.DataFrame, facts: StudyFacts) -> AdaptivePlan:
    """The plan of an adaptive study, as its runner has it after these trials.

    Args:
        trials: `read_trials` of the study.
        facts: Its study file and spaces.

    Raises:
        DatabaseError: If the study has another design.
    """
    outcomes, images = target_means(trials, facts.targets), facts.facts.get("images", {})
    decided = facts.plan.decided(outcomes, images) if facts.plan else None
    if decided is None:
        kind = facts.design.kind or "foreign"
        raise DatabaseError(
            f"study {facts.name!r}: design.kind = {kind!r} decides nothing over seeds, as "
            "adaptive-seeds does; compare its configurations with compare_to_reference"
        )
    return decided


def seed_decisions(trials: pd.DataFrame, facts: StudyFacts) -> pd.DataFrame:
    """Each configuration of an adaptive study against its baseline.

    Args:
        trials: `read_trials` of the study.
        facts: Its study file and spaces.

    Returns:
        One row a configuration in the order of the plan: config_id, method, role, the varied
        hyperparameters (missing where its method has none of that name), seeds (that it takes as
        yet), pairs (seeds that have finished on both sides), difference (mean, of the mean
        accuracy over the targets, 0..1), low, high (its repeated interval, see
        `dgsearch.designs.decisions`), verdict ("better", "worse", "equivalent", "open" at the cap,
        "waiting" for trials, "failed"; "reference" in its own row, whose numbers are NaN).

    Raises:
        DatabaseError: If the study has another design.
    """
    plan = plan_of(trials, facts)
    taken = sum(trial.configuration == plan.reference for trial in plan.trials)
    nothing = Decision(REFERENCE, taken, 0, math.nan, math.nan, math.nan)
    rows = [
        {"config_id": item.config_id, "method": item.method, "role": item.role}
        | {name: item.values.get(name) for name in facts.varied}
        | decision._asdict()
        for item, decision in ((plan.reference, nothing), *plan.decisions)
    ]
    numbers = ["seeds", "pairs", "difference", "low", "high", "verdict"]
    names = ["config_id", "method", "role", *facts.varied, *numbers]
    whole = [name for name in facts.varied if isinstance(facts.describe(name), Int)]
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(whole, "Int64"))
