"""The zone of stored times that do not name one.

Optuna before 5.0 stored the local time of whoever wrote a trial, and no zone. It is taken for
this machine's, unless another is chosen: `--time-zone`, `$DGSEARCH_TIME_ZONE`, or `time_zone`.
Of a database that Optuna 4 began and Optuna 5 continued only the order of the trials, or a start
in the future, shows that there are both kinds of times.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from dgsearch.errors import DatabaseError

VARIABLE = "DGSEARCH_TIME_ZONE"
_chosen: ContextVar[str | None] = ContextVar("time_zone", default=None)


@contextmanager
def time_zone(name: str) -> Iterator[None]:
    """Take stored times without a zone for those of this one, within a `with` block.

    Args:
        name: "UTC", or a name of the IANA database such as "Europe/Berlin".

    Raises:
        DatabaseError: If there is no such zone.
    """
    check_zone(name)
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def check_zone(name: str) -> None:
    """Refuse what is no zone.

    Raises:
        DatabaseError: If there is no zone of that name.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DatabaseError(
            f"time zone {name!r}: is unknown; give UTC, or a name such as Europe/Berlin"
        ) from error


def chosen_zone() -> ZoneInfo | None:
    """The zone that was chosen; None: this machine's.

    Raises:
        DatabaseError: If there is no such zone.
    """
    name = _chosen.get() or os.environ.get(VARIABLE)
    if not name:
        return None
    check_zone(name)
    return ZoneInfo(name)


def zone_name() -> str:
    """What the zone is called in messages."""
    zone = chosen_zone()
    return str(zone) if zone is not None else f"this machine's ({datetime.now().astimezone():%Z})"


def as_utc(moment: datetime) -> datetime:
    """A stored time in UTC; of an hour that came twice the first."""
    return moment.replace(tzinfo=chosen_zone()).astimezone(UTC)


def from_utc(moment: datetime) -> datetime:
    """A time in UTC as it was stored, without a zone."""
    return moment.astimezone(chosen_zone()).replace(tzinfo=None)


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
