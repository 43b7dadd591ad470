"""Studies as rows: registering one, and what of it has ended."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy import Connection, Engine, select, update

from dgsearch.database.identity import COUNTS, apply_takeover, takeover_of
from dgsearch.database.orphans import forget_study
from dgsearch.database.reached import declare_objectives
from dgsearch.database.rows import untyped
from dgsearch.database.switches import open_switches
from dgsearch.database.tables import (
    FIRST_VALUE,
    OWN_STUDIES,
    OWN_TRIALS,
    STUDIES,
    TRIALS,
    VALUES,
)
from dgsearch.database.writing import insert_new, persistently
from dgsearch.endings import StopReason
from dgsearch.errors import StudyChangedError
from dgsearch.study import StudySpec

_FREE = (
    "name",  # a study may be renamed
    "seeds",
    "resources",
    "retries",
    "question",
    "baselines",
    "report",
)  # may change while a study goes on


_ERROR_SHOWN = 300  # characters
_NOTHING_LOST: Mapping[str, int] = MappingProxyType({})


class Attempt(NamedTuple):
    """The last trial of one configuration and seed.

    Attributes:
        number: Its number in the study.
        state: Optuna's state.
        stop_reason: Why it ended; None while it runs.
        attempt: Which attempt it was, from 1.
        losses: How the attempts that did not end by themselves ended, counted by error type.
        error_type: Of a failed one.
        error: First line of its message.
        anew: Whether it has ended without a result and shall be run from its beginning.
    """

    number: int
    state: str
    stop_reason: str | None
    attempt: int
    losses: Mapping[str, int] = _NOTHING_LOST
    error_type: str | None = None
    error: str = ""
    anew: bool = False

    @property
    def checkpoint_of(self) -> int | None:
        """Number of the trial whose checkpoint the next attempt goes on from."""
        return (
            self.number if self.stop_reason == StopReason.INTERRUPTED and not self.anew else None
        )


def register_study(
    engine: Engine, spec: StudySpec, facts: Mapping[str, Any], *, accept_other_data: bool = False
) -> int:
    """The id of the study in the database, created if it is new.

    Trials that no longer are what the study asks for are set aside; see `identity`.

    Args:
        engine: Of an open database.
        spec: The study.
        facts: What the report tells of it: spaces, versions, data, machine.
        accept_other_data: Go on with other data than the stored trials had, and set these aside.

    Raises:
        StudyChangedError: If the database has a study of that name that was another one, or
            whose trials were trained on other data.
    """

    def register(connection: Connection) -> int:
        return _register(connection, spec, facts, accept_other_data=accept_other_data)

    return persistently(engine, register)


def _register(
    connection: Connection, spec: StudySpec, facts: Mapping[str, Any], *, accept_other_data: bool
) -> int:
    spec_json = spec.model_dump_json()
    study_id, is_new = _study_row(connection, spec.name)
    stored = connection.scalar(
        select(OWN_STUDIES.c.spec_json).where(OWN_STUDIES.c.study_id == study_id)
    )
    if is_new and json.loads(stored or "{}").get("name") != spec.name:
        forget_study(connection, study_id)  # left by a study that was deleted
        stored = None
    if stored is None:
        declare_objectives(connection, study_id, spec)
        row = {
            "study_id": study_id,
            "method": spec.method,
            "spec_json": spec_json,
            "facts_json": json.dumps(dict(facts)),
            "created_at": time.time(),
        }
        insert_new(connection, OWN_STUDIES, [row])
        return study_id
    _compare(spec, json.loads(stored), facts)
    if not accept_other_data:
        _compare_data(connection, study_id, spec.name, facts)
    takeover = takeover_of(connection, study_id, json.loads(spec_json), facts)
    apply_takeover(connection, study_id, takeover)
    connection.execute(
        update(OWN_STUDIES)
        .where(OWN_STUDIES.c.study_id == study_id)
        .values(spec_json=spec_json, facts_json=json.dumps(dict(facts)))
    )
    return study_id


def _study_row(connection: Connection, name: str) -> tuple[int, bool]:
    """The study's id in Optuna's table, and whether it was created for this."""
    query = select(STUDIES.c.study_id).where(STUDIES.c.study_name == name)
    known = connection.scalar(query)
    if known is not None:
        return int(known), False
    insert_new(connection, STUDIES, [{"study_name": name}])
    return int(connection.execute(query).scalar_one()), True


def set_planned(engine: Engine, study_id: int, planned: int) -> None:
    """Record how many trials the study has as yet, where that is found while it runs."""
    of_study = OWN_STUDIES.c.study_id == study_id

    def write(connection: Connection) -> None:
        text = connection.execute(select(OWN_STUDIES.c.facts_json).where(of_study)).scalar_one()
        facts = {**json.loads(text), "planned": planned}
        connection.execute(
            update(OWN_STUDIES).where(of_study).values(facts_json=json.dumps(facts))
        )

    persistently(engine, write)


def attempts(engine: Engine, study_id: int) -> dict[tuple[str, int], Attempt]:
    """The last trial of each configuration and seed, by (config_id, seed)."""
    query = (
        select(
            OWN_TRIALS.c.config_id,
            OWN_TRIALS.c.seed,
            TRIALS.c.number,
            sqlalchemy.cast(TRIALS.c.state, sqlalchemy.String),
            OWN_TRIALS.c.stop_reason,
            OWN_TRIALS.c.attempt,
            OWN_TRIALS.c.error_type,
            sqlalchemy.func.substr(OWN_TRIALS.c.error, 1, _ERROR_SHOWN),
        )
        .join(TRIALS, TRIALS.c.trial_id == OWN_TRIALS.c.trial_id)
        .where(TRIALS.c.study_id == study_id, COUNTS)
        .order_by(TRIALS.c.number)
    )
    rows = persistently(engine, lambda connection: connection.execute(query).all())
    found: dict[tuple[str, int], Attempt] = {}
    losses: dict[tuple[str, int], Counter[str]] = {}
    for config_id, seed, number, state, stop_reason, attempt, error_type, error in rows:
        key = (config_id, seed)
        if stop_reason == StopReason.INTERRUPTED:
            losses.setdefault(key, Counter())[error_type or "Interrupted"] += 1
        lost = losses.get(key, _NOTHING_LOST)
        line = error.partition("\n")[0] if error else ""
        found[key] = Attempt(number, state, stop_reason, attempt, lost, error_type, line)
    return found


def finished_values(engine: Engine, study_id: int) -> dict[tuple[str, int], float]:
    """The value of each finished trial, by (config_id, seed)."""
    query = (
        select(OWN_TRIALS.c.config_id, OWN_TRIALS.c.seed, VALUES.c.value, VALUES.c.value_type)
        .join(TRIALS, TRIALS.c.trial_id == OWN_TRIALS.c.trial_id)
        .join(VALUES, FIRST_VALUE)
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state == "COMPLETE", COUNTS)
    )
    rows = persistently(engine, lambda connection: connection.execute(query).all())
    return {(row.config_id, row.seed): untyped(row.value, row.value_type) for row in rows}


def check_unchanged(
    engine: Engine, study_id: int, spec: StudySpec, facts: Mapping[str, Any]
) -> None:
    """Refuse a study whose file now asks for something that mixes with what is stored.

    Raises:
        StudyChangedError: If it does.
    """
    with engine.connect() as connection:
        stored = connection.scalar(
            select(OWN_STUDIES.c.spec_json).where(OWN_STUDIES.c.study_id == study_id)
        )
    if stored is not None:
        _compare(spec, json.loads(stored), facts)


def _compare_data(
    connection: Connection, study_id: int, name: str, facts: Mapping[str, Any]
) -> None:
    """Refuse other data than the study's trials were trained on."""
    text = connection.execute(
        select(OWN_STUDIES.c.facts_json).where(OWN_STUDIES.c.study_id == study_id)
    ).scalar_one()
    before, now = (known.get("data_fingerprint") for known in (json.loads(text), facts))
    if before and now and before != now:
        raise StudyChangedError(
            f"study {name!r} was run on other data: fingerprint {before} in the database, {now} "
            "now. Restore the data, give the study another name, or continue with "
            "--accept-other-data, which excludes the stored trials"
        )


def _differing(place: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """The entries that differ, each with its place, what it was and what it is."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in {**before, **after}:
            yield from _differing(f"{place}.{name}", before.get(name), after.get(name))
    elif before != after:
        yield place, before, after


def _shown(entry: Any) -> str:
    return "nothing" if entry is None else json.dumps(entry)


def _compared(content: Mapping[str, Any]) -> dict[str, Any]:
    """What must stay as it was: all but the free entries, and of the design its kind."""
    kept = {name: entry for name, entry in content.items() if name not in _FREE}
    return kept | {"design": {"kind": content.get("design", {}).get("kind")}}


def _compare(spec: StudySpec, stored: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    switches = {name for found in open_switches(spec, facts).values() for name in found}
    free = {f"hyperparameters.{name}" for name in switches}
    now = _compared(json.loads(spec.model_dump_json()))
    earlier = _compared(stored)
    differences = [
        f"  {place}: in the database {_shown(before)}, in the file {_shown(after)}"
        for name in now
        for place, before, after in _differing(name, earlier.get(name), now[name])
        if place not in free
    ]
    if differences:
        lines = "\n".join(differences)
        raise StudyChangedError(
            f"study {spec.name!r} began with another study file:\n{lines}\n"
            "Give the new study another name or another --database, or restore the old entries. "
            "Seeds, points, baselines, resources and switches of speed may change."
        )
