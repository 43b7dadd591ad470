"""Which stored stages the trials of a study have come by."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, select

from dgsearch.database.tables import OWN_TRIALS, TRIALS
from dgsearch.database.writing import persistently


def stage_keys_used(engine: Engine, study_id: int) -> dict[tuple[str, int], dict[str, str]]:
    """Keys of the stages of some trials, each key with at least one of the trials that used it.

    Returns:
        By (config_id, seed): the key of each stage by the stage's name.
    """
    query = (
        select(OWN_TRIALS.c.config_id, OWN_TRIALS.c.seed, OWN_TRIALS.c.stages_json)
        .join(TRIALS, TRIALS.c.trial_id == OWN_TRIALS.c.trial_id)
        .where(TRIALS.c.study_id == study_id, OWN_TRIALS.c.stages_json.not_in(["[]"]))
    )
    return persistently(engine, lambda connection: _first_uses(connection.execute(query)))


def _first_uses(rows: Iterable[Any]) -> dict[tuple[str, int], dict[str, str]]:
    used: dict[tuple[str, int], dict[str, str]] = {}
    seen: set[str] = set()
    for config_id, seed, text in rows:
        keys = {use["stage"]: use["key"] for use in json.loads(text)}
        if not seen.issuperset(keys.values()):
            seen.update(keys.values())
            used[config_id, seed] = keys
    return used
