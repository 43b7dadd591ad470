"""What each trial ran with: versions, revision, data, machine, threads, switches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
from sqlalchemy import Engine, func, inspect, select

from dgsearch.database.broken_rows import naming_broken_rows
from dgsearch.database.connection import open_for_reading
from dgsearch.database.snapshot import Database, frame_of
from dgsearch.database.tables import OWN_PROVENANCES, OWN_TRIALS, STUDIES, TRIALS
from dgsearch.database.writing import insert_new, persistently

_FROM_FACTS = ("versions", "python", "git_revision", "data_fingerprint", "machine", "stages")
_ID_BYTES = 6
_COLUMNS = ["provenance_id", "trials", "first_trial", "last_trial"]


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
        return pd.DataFrame({name: [] for name in _COLUMNS})
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
    return pd.concat([rows[_COLUMNS], flat], axis=1)
