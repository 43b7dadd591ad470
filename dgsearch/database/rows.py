"""Rows as Optuna stores them: times, hyperparameters, values and what is no finite number."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


MYSQL = ("mysql", "mariadb")  # names of SQLAlchemy's dialects
ENQUEUED = "fixed_params"  # attribute of trials that no sampler proposed, as Optuna marks them
CONSTRAINTS = "constraints"  # attribute of trials where every version of Optuna looks for them


def optuna_now() -> datetime:
    """Now as Optuna 5 stores it: UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def param_row(
    trial_id: int, name: str, value: Any, distribution: BaseDistribution
) -> dict[str, Any]:
    """A row of `trial_params`."""
    from optuna.distributions import distribution_to_json

    return {
        "trial_id": trial_id,
        "param_name": name,
        "param_value": distribution.to_internal_repr(value),
        "distribution_json": distribution_to_json(distribution),
    }


_NOT_FINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}


def typed(value: float) -> tuple[float | None, str]:
    """A number as Optuna stores it: the number, or the name of what is no finite number."""
    if math.isnan(value):
        return None, "NAN"
    if math.isinf(value):
        return None, "INF_POS" if value > 0 else "INF_NEG"
    return value, "FINITE"


def untyped(number: float | None, kind: str | None) -> float:
    """What `typed` stored: the number, an infinity, or NaN where there is no number."""
    known = math.nan if number is None else float(number)
    return _NOT_FINITE.get(kind or "", known)


def report_row(trial_id: int, epoch: int, value: float) -> dict[str, Any]:
    """A row of `trial_intermediate_values`."""
    number, kind = typed(value)
    return {
        "trial_id": trial_id,
        "step": epoch,
        "intermediate_value": number,
        "intermediate_value_type": kind,
    }


def value_row(trial_id: int, value: float, *, objective: int = 0) -> dict[str, Any]:
    """A row of `trial_values`."""
    number, kind = typed(value)
    return {"trial_id": trial_id, "objective": objective, "value": number, "value_type": kind}


def score_row(
    trial_id: int, series_id: int, epoch: int, value: float, *, dialect: str
) -> dict[str, Any]:
    """A row of `dgsearch_score_values`.

    NaN is stored as NULL; so is infinity in MySQL, which has none.
    """
    missing = math.isnan(value) or (dialect in MYSQL and math.isinf(value))
    stored = None if missing else value
    return {"trial_id": trial_id, "series_id": series_id, "epoch": epoch, "value": stored}
