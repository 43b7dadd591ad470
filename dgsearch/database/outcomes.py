"""What a study's decisions rest on: the accuracy of every trial that has ended."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from sqlalchemy import Engine, func, select

from dgsearch.database.frames import ACCURACY
from dgsearch.database.snapshot import has_own_tables
from dgsearch.database.tables import OWN_TRIALS, STUDIES, TRIALS
from dgsearch.endings import StopReason

_ENDED = [reason for reason in StopReason if not reason.is_open]


def target_means(trials: pd.DataFrame, targets: Sequence[str]) -> dict[tuple[str, int], float]:
    """Mean accuracy over the targets of each trial that has ended, by config_id and seed.

    Args:
        trials: `read_trials` of one study; a target that no trial has measured has no column.
        targets: Target domains.

    Returns:
        NaN where a trial has ended without finishing, or without a finite accuracy. One that
        runs, waits or was interrupted is left out: it has not ended.
    """
    last = trials.drop_duplicates(["config_id", "seed"], keep="last")
    ended = last[last["stop_reason"].isin(_ENDED)]
    columns = [f"{ACCURACY}{name}" for name in targets]
    means = ended.reindex(columns=columns).mean(axis=1, skipna=False)
    finite = means.abs() < math.inf
    means = means.where((ended["state"] == "COMPLETE") & finite, math.nan)
    keys = zip(ended["config_id"].astype(str), ended["seed"].astype(int), strict=True)
    return dict(zip(keys, means.astype(float), strict=True))


def repeated_configurations(engine: Engine, study: str) -> int:
    """How many configurations of a study have finished at two seeds or more."""
    if not has_own_tables(engine):
        return 0
    repeated = (
        select(OWN_TRIALS.c.config_id)
        .join(TRIALS, TRIALS.c.trial_id == OWN_TRIALS.c.trial_id)
        .join(STUDIES, STUDIES.c.study_id == TRIALS.c.study_id)
        .where(STUDIES.c.study_name == study, TRIALS.c.state == "COMPLETE")
        .group_by(OWN_TRIALS.c.config_id)
        .having(func.count(OWN_TRIALS.c.seed.distinct()) > 1)
    )
    with engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(repeated.subquery())) or 0)
