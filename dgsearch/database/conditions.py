"""What each trial ran with: versions, revision, data, machine, threads, switches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, Select, func, inspect, select

from dgsearch.database.broken_rows import naming_broken_rows
from dgsearch.database.connection import open_for_reading
from dgsearch.database.identity import COUNTS
from dgsearch.database.snapshot import Database, at_one_moment, frame_of
from dgsearch.database.tables import (
    CONFIGURATION_OF_TRIAL,
    OWN_CONFIGURATIONS,
    OWN_PROVENANCES,
    OWN_TRIALS,
    STUDIES,
    TRIALS,
)
from dgsearch.database.writing import insert_new, persistently
from dgsearch.wording import plural

_FROM_FACTS = ("versions", "python", "git_revision", "data_fingerprint", "machine", "stages")
_ID_BYTES = 6
_READ = ["provenance_id", "trials", "first_trial", "last_trial"]


def provenance_content(
    facts: Mapping[str, Any],
    *,
    threads: int,
    switches: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """What the trials of a run share, as plain data.

    Args:
        facts: Facts of the study, as the runner gathers them.
        threads: Of one trial; two threads give other numbers than one.
        switches: As `open_switches` gives them: by purpose and name.
    """
    content = {name: facts.get(name) for name in _FROM_FACTS} | {"threads": threads}
    return content | {purpose: dict(found) for purpose, found in switches.items() if found}


def store_provenance(engine: Engine, content: Mapping[str, Any]) -> str:
    """Store a provenance where it is new.

    Returns:
        Its id: equal for equal content.
    """
    text = json.dumps(dict(content), sort_keys=True)
    provenance_id = hashlib.blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()
    row = {"provenance_id": provenance_id, "content_json": text}
    persistently(engine, lambda connection: insert_new(connection, OWN_PROVENANCES, [row]))
    return provenance_id


def read_provenance(database: Database = None, study: str | None = None) -> pd.DataFrame:
    """The distinct provenances of the trials of a study, or of a database.

    Args:
        database: URL, path or engine; None: the default database.
        study: Name of the study; None: all.

    Returns:
        One row a provenance, in the order of its first trial: provenance_id, trials (how many),
        first_trial, last_trial (numbers), then what was recorded, with dotted names such as
        `versions.torch`, `data_fingerprint`, `threads`. Trials of dgsearch 0.1.0 have none and
        are left out.

    Raises:
        DatabaseError: If the database cannot be read.
    """
    engine = open_for_reading(database)
    if not inspect(engine).has_table(OWN_PROVENANCES.name):
        return pd.DataFrame({name: [] for name in _READ})
    query = (
        select(
            OWN_PROVENANCES.c.provenance_id,
            OWN_PROVENANCES.c.content_json,
            func.count().label("trials"),
            func.min(TRIALS.c.number).label("first_trial"),
            func.max(TRIALS.c.number).label("last_trial"),
        )
        .join(OWN_TRIALS, OWN_TRIALS.c.provenance_id == OWN_PROVENANCES.c.provenance_id)
        .join(TRIALS, TRIALS.c.trial_id == OWN_TRIALS.c.trial_id)
        .join(STUDIES, STUDIES.c.study_id == TRIALS.c.study_id)
        .group_by(OWN_PROVENANCES.c.provenance_id, OWN_PROVENANCES.c.content_json)
        .order_by("first_trial")
    )
    if study is not None:
        query = query.where(STUDIES.c.study_name == study)
    rows = frame_of(engine, query)
    with naming_broken_rows(engine):
        contents = [dict(json.loads(text)) for text in rows.pop("content_json")]
    flat = pd.json_normalize(contents) if contents else pd.DataFrame(index=rows.index)
    return pd.concat([rows[_READ], flat], axis=1)


UNKNOWN = "unknown"  # dgsearch 0.1.0 recorded none
_COLUMNS = ("trials", "first_trial", "last_trial")
_HARMLESS = ("storage.",)  # change no number
_SETTINGS = ("threads", "speed.")  # of a run, beside versions, data and machine


def read_conditions(engine: Engine, study: str, switches: Collection[str] = ()) -> pd.DataFrame:
    """The distinct conditions of the trials of a study that are still asked for.

    Args:
        engine: Of an open database.
        study: Name of the study.
        switches: Names of switches of speed to tell, besides those that a trial recorded.

    Returns:
        One row for each, in the order of its first trial: trials (how many), first_trial,
        last_trial (numbers), then what is known, by name, with dotted names as in
        `read_provenance` and `device`. What a trial did not record is "unknown".
    """
    if not _has_provenances(engine):
        return pd.DataFrame({name: [] for name in _COLUMNS})
    # A driver that begins meanwhile adds a provenance and trials.
    with naming_broken_rows(engine), at_one_moment(engine) as connection:
        contents = _contents(connection, study)
        recorded = {key: set(content.get("speed", ())) for key, content in contents.items()}
        known = set(switches).union(*recorded.values())
        lacking = bool(known) and any("speed" not in content for content in contents.values())
        rows = connection.execute(_counted(study, by_values=lacking)).all()
    flat = [
        {name: getattr(row, name) for name in _COLUMNS}
        | _dotted(contents[row.provenance_id])
        | (_configured(row.values_json, known - recorded[row.provenance_id]) if lacking else {})
        | ({} if row.device is None else {"device": row.device})
        for row in rows
    ]
    return _together(pd.DataFrame(flat, columns=None if flat else list(_COLUMNS)))


def differing_conditions(conditions: pd.DataFrame) -> list[str]:
    """Names of the conditions that may change numbers and are not the same for all trials.

    Args:
        conditions: As `read_conditions` gives them; "unknown" differs from nothing.
    """
    names = [str(name) for name in conditions.columns if name not in _COLUMNS]
    texts = conditions[names].astype(str)
    return [
        name
        for name in names
        if not name.startswith(_HARMLESS) and len(set(texts[name]) - {UNKNOWN}) > 1
    ]


def changed_conditions(engine: Engine, study: str, content: Mapping[str, Any]) -> list[str]:
    """What a run changes for the trials of a study, beside versions, data and machine.

    Args:
        engine: Of an open database.
        study: Name of the study.
        content: Provenance of the run, as `provenance_content` gives it.

    Returns:
        One sentence a setting that stored trials had otherwise.
    """
    conditions = read_conditions(engine, study, content.get("speed", ()))
    now = _dotted(content)
    sentences = []
    for name in conditions.columns:
        if not str(name).startswith(_SETTINGS) or name not in now:
            continue
        others = conditions[~conditions[name].astype(str).isin([UNKNOWN, str(now[name])])]
        if len(others):
            before = ", ".join(dict.fromkeys(map(str, others[name])))
            sentences.append(
                f"{name} was {before} for {plural(int(others['trials'].sum()), 'stored trial')}, "
                f"is {now[name]}: these are kept, and numbers may differ a little"
            )
    return sentences


def _has_provenances(engine: Engine) -> bool:
    tables = inspect(engine)
    return tables.has_table(OWN_PROVENANCES.name) and "provenance_id" in {
        column["name"] for column in tables.get_columns(OWN_TRIALS.name)
    }


def _contents(connection: Connection, study: str) -> dict[str | None, dict[str, Any]]:
    """Each provenance of a study by its id; None stands for trials that have none."""
    query = (
        select(OWN_TRIALS.c.provenance_id, OWN_PROVENANCES.c.content_json)
        .join(STUDIES, STUDIES.c.study_id == OWN_TRIALS.c.study_id)
        .outerjoin(OWN_PROVENANCES, OWN_PROVENANCES.c.provenance_id == OWN_TRIALS.c.provenance_id)
        .where(STUDIES.c.study_name == study, COUNTS)
        .distinct()
    )
    found = connection.execute(query).all()
    return {key: {} if text is None else dict(json.loads(text)) for key, text in found}


def _counted(study: str, *, by_values: bool) -> Select[Any]:
    """How many trials ran with each provenance, on each device, and with the same values."""
    columns = [OWN_TRIALS.c.provenance_id, OWN_TRIALS.c.device]
    source = OWN_TRIALS.join(TRIALS, TRIALS.c.trial_id == OWN_TRIALS.c.trial_id).join(
        STUDIES, STUDIES.c.study_id == TRIALS.c.study_id
    )
    if by_values:
        columns.append(OWN_CONFIGURATIONS.c.values_json)
        source = source.join(OWN_CONFIGURATIONS, CONFIGURATION_OF_TRIAL)
    numbers = (
        func.count().label("trials"),
        func.min(TRIALS.c.number).label("first_trial"),
        func.max(TRIALS.c.number).label("last_trial"),
    )
    query = select(*columns, *numbers).select_from(source)
    return query.where(STUDIES.c.study_name == study, COUNTS).group_by(*columns)


def _configured(values: str, switches: Collection[str]) -> dict[str, Any]:
    """Switches as the configuration of a trial has them, for trials that did not record them."""
    found = json.loads(values)
    return {f"speed.{name}": found[name] for name in sorted(switches) if name in found}


def _dotted(content: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables as one, with dotted names."""
    found: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            found |= _dotted(value, f"{before}{name}.")
        elif value is not None:
            found[f"{before}{name}"] = str(value) if isinstance(value, list) else value
    return found


def _together(rows: pd.DataFrame) -> pd.DataFrame:
    """Equal conditions as one row."""
    if not len(rows):
        return rows
    names = sorted(str(name) for name in rows.columns if name not in _COLUMNS)
    filled = {  # `fillna` gives columns another type in pandas before 3, and warns of it
        name: pd.Series(
            [UNKNOWN if pd.isna(value) else value for value in rows[name]], dtype=object
        )
        for name in names
    }
    rows = rows.assign(**filled)
    by = rows.groupby(names, sort=False) if names else None
    counts = {"trials": "sum", "first_trial": "min", "last_trial": "max"}
    found = rows[list(_COLUMNS)].agg(counts).to_frame().T if by is None else by.agg(counts)
    found = found.reset_index(drop=by is None)
    return found.sort_values("first_trial", ignore_index=True)[[*_COLUMNS, *names]]
