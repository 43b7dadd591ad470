"""What halving has seen of a study's trials, and what it decided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy
from sqlalchemy import Engine, select

from dgsearch.database.identity import COUNTS
from dgsearch.database.rows import untyped
from dgsearch.database.tables import CONFIGURATION_OF_TRIAL, OWN_CONFIGURATIONS, OWN_TRIALS, TRIALS
from dgsearch.database.tables import INTERMEDIATE_VALUES as REPORTS
from dgsearch.database.writing import persistently

_JUDGED_ROLES = ("point", "variant")


class Cut(NamedTuple):
    """Where and why halving stopped a trial.

    Attributes:
        rung: Epoch of the rung.
        cutoff: The value that it had to reach there.
    """

    rung: int
    cutoff: float


class Judged(NamedTuple):
    """What halving has seen of one configuration at one seed, over all attempts.

    Attributes:
        reports: (epoch, value) in order of epochs.
        cut: Where it was stopped; None: it was not.
    """

    reports: Sequence[tuple[int, float]]
    cut: Cut | None = None


def trial_key(config_id: str, seed: int) -> str:
    """One text for a configuration at a seed, which all its attempts share."""
    return f"{config_id}:{seed}"


def judged_trials(engine: Engine, study_id: int) -> dict[str, Judged]:
    """What halving has seen of a study, by `trial_key`.

    All attempts at one configuration and seed count as one trial: they report the same epochs.
    Trials that halving did not decide on, such as the confirmations of a search, are left out.
    """
    query = (
        select(
            OWN_TRIALS.c.config_id,
            OWN_TRIALS.c.seed,
            OWN_TRIALS.c.rung,
            OWN_TRIALS.c.cutoff,
            REPORTS.c.step,
            REPORTS.c.intermediate_value,
            REPORTS.c.intermediate_value_type,
        )
        .join(REPORTS, REPORTS.c.trial_id == OWN_TRIALS.c.trial_id)
        .join(TRIALS, TRIALS.c.trial_id == OWN_TRIALS.c.trial_id)
        .join(OWN_CONFIGURATIONS, CONFIGURATION_OF_TRIAL)
        .where(TRIALS.c.study_id == study_id, OWN_CONFIGURATIONS.c.role.in_(_JUDGED_ROLES))
        .where(sqlalchemy.func.coalesce(OWN_TRIALS.c.judged, 1) == 1, COUNTS)
        .order_by(TRIALS.c.number, REPORTS.c.step)
    )
    reports: dict[str, dict[int, float]] = {}
    cuts: dict[str, Cut] = {}
    rows = persistently(engine, lambda connection: connection.execute(query).all())
    for config_id, seed, rung, cutoff, epoch, number, kind in rows:
        key = trial_key(config_id, seed)
        value = untyped(number, kind)
        if not math.isnan(value):
            reports.setdefault(key, {}).setdefault(int(epoch), value)
        if rung is not None and cutoff is not None:
            cuts[key] = Cut(int(rung), float(cutoff))
    return {key: Judged(sorted(found.items()), cuts.get(key)) for key, found in reports.items()}
