"""Databases that Optuna 4 began and Optuna 5 continued: local times beside UTC, untold apart.

Only the order of the trials, or a start in the future, shows that there are both.
"""

from __future__ import annotations

import logging

import pandas as pd

from dgsearch.database.zones import zone_name

__all__ = ["warn_of_mixed_times"]

logger = logging.getLogger(__name__)

_AHEAD = pd.Timedelta(minutes=1)
_BACK = (pd.Timedelta(minutes=15), pd.Timedelta(hours=14))  # zones differ by so much from UTC
_warned: set[tuple[str, str, str]] = set()


def warn_of_mixed_times(trials: pd.DataFrame, place: str) -> None:
    """Warn once where times of a study cannot all be of the zone that is assumed.

    Args:
        trials: study, trial_number, state, started_at (UTC), of trials whose zone is assumed.
        place: What the database is called.
    """
    begun = trials[trials["started_at"].notna()].sort_values(["study", "trial_number"])
    now = pd.Timestamp.now("UTC")
    for study, part in begun.groupby("study", sort=False):
        key = (place, str(study), zone_name())
        if key in _warned:
            continue
        future = int((part["started_at"] > now + _AHEAD).sum())
        back = -part["started_at"].diff()
        earlier = int(((back >= _BACK[0]) & (back <= _BACK[1])).sum())
        if future or earlier:
            _warned.add(key)
            found = [f"{future} in the future"] if future else []
            found += [f"{earlier} before the trial of the number below"] if earlier else []
            logger.warning(
                "%s: study %r has trials that start %s. Optuna 5 may have continued what an "
                "older version began: the older wrote local times, the newer UTC. All are read "
                "as times of %s; choose with --time-zone, for example UTC",
                place,
                study,
                " and ".join(found),
                zone_name(),
            )
