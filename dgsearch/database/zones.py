"""The zone of stored times that do not name one.

Optuna before 5.0 stored the local time of whoever wrote a trial, and no zone. It is taken for
this machine's, unless another is chosen: `--time-zone`, `$DGSEARCH_TIME_ZONE`, or `time_zone`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dgsearch.errors import DatabaseError

__all__ = ["as_utc", "check_zone", "chosen_zone", "from_utc", "time_zone", "zone_name"]

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
