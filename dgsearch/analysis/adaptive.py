"""What an adaptive study has decided about each of its points, and at how many seeds."""

from __future__ import annotations

import math

import pandas as pd

from dgsearch.database.facts import StudyFacts
from dgsearch.database.outcomes import target_means
from dgsearch.designs.decisions import Decision
from dgsearch.designs.seed_plan import AdaptivePlan
from dgsearch.errors import DatabaseError
from dgsearch.space import Int, Space
from dgsearch.study import StudySpec

__all__ = ["ADAPTIVE", "REFERENCE", "plan_of", "seed_decisions"]

REFERENCE = "reference"  # in place of a verdict
ADAPTIVE = "adaptive-seeds"  # kind of design


def plan_of(trials: pd.DataFrame, facts: StudyFacts) -> AdaptivePlan:
    """The plan of an adaptive study, as its runner has it after these trials.

    Args:
        trials: `read_trials` of the study.
        facts: Its study file and spaces.

    Raises:
        DatabaseError: If the study has another design.
    """
    kind = facts.spec.get("design", {}).get("kind", "foreign")
    if kind != ADAPTIVE:
        raise DatabaseError(
            f"study {facts.name!r}: design.kind = {kind!r}: only {ADAPTIVE!r} decides over seeds; "
            "compare its configurations with compare_to_reference"
        )
    spec = StudySpec.model_validate(dict(facts.spec))
    spaces = {name: Space.model_validate(space) for name, space in facts.facts["spaces"].items()}
    outcomes = target_means(trials, spec.data.targets)
    plan = spec.design.plan(spec, spaces, outcomes, images=facts.facts.get("images", {}))
    if plan is None:
        raise DatabaseError(f"study {facts.name!r}: its design decides nothing over seeds")
    return plan


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
