"""Switches of speed and storage: which of them a study leaves open, and what its trials ran with.

A switch that the design varies is asked for like any hyperparameter. Any other may change while
a study goes on: it is no part of a configuration's name, and is recorded with each trial.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from sqlalchemy import inspect, select

from dgsearch.database.decoding import Piece, kind_of
from dgsearch.database.frames import beside_own
from dgsearch.database.snapshot import Snapshot
from dgsearch.database.tables import OWN_PROVENANCES, OWN_TRIALS
from dgsearch.database.trial_rows import TrialRows
from dgsearch.space import Space, Value
from dgsearch.study import StudySpec

PURPOSES = ("speed", "storage")  # names in a provenance


def open_switches(spec: StudySpec, facts: Mapping[str, Any]) -> dict[str, dict[str, Value]]:
    """What a run of the study sets each switch to that its design does not vary.

    Args:
        spec: The study.
        facts: Facts of the study: the space of each method.

    Returns:
        By purpose, "speed" or "storage", and by name: the value that the file fixes, or the
        default.
    """
    described = facts.get("spaces", {})
    asked = {name for method in described for name in spec.design.asks_for(method)}
    found: dict[str, dict[str, Value]] = {purpose: {} for purpose in PURPOSES}
    for space in map(Space.model_validate, described.values()):
        for name, default in space.switches(asked).items():
            value = spec.hyperparameters.get(name, default)
            found[space[name].purpose].setdefault(name, value)
    return found


def recorded_switches(
    database: Snapshot, rows: TrialRows, known: Collection[str]
) -> Iterator[tuple[str, Piece]]:
    """Column by column, the switches that trials recorded, where they may differ.

    Configurations hold those of their first trial. Where all trials ran with the same, that is
    all there is to know, and nothing is read.

    Args:
        database: Where they are.
        rows: The trials.
        known: Hyperparameters that the trials' configurations have.
    """
    if "provenance_id" not in database.own_columns:
        return
    of_studies = OWN_TRIALS.c.study_id.in_(np.unique(rows.study_ids).tolist())
    distinct = select(OWN_TRIALS.c.provenance_id).where(of_studies).distinct()
    ids = [provenance_id for (provenance_id,) in database.cursor(distinct)]
    if len(ids) < 2 or not inspect(database.connection).has_table(OWN_PROVENANCES.name):
        return
    contents = select(OWN_PROVENANCES.c.provenance_id, OWN_PROVENANCES.c.content_json)
    switches = {
        provenance_id: _flat(json.loads(text))
        for provenance_id, text in database.cursor(contents)
        if provenance_id in ids
    }
    query = select(OWN_TRIALS.c.trial_id, OWN_TRIALS.c.provenance_id).where(of_studies)
    wanted = set(rows.ids.tolist())
    pairs = [
        (trial_id, switches.get(provenance_id, {}))
        for trial_id, provenance_id in database.cursor(query)
        if trial_id in wanted
    ]
    for name in {name for found in switches.values() for name in found} & set(known):
        own = [(trial_id, found[name]) for trial_id, found in pairs if name in found]
        trial_ids = np.array([trial_id for trial_id, _ in own], np.int64)
        values = np.empty(len(own), dtype=object)
        values[:] = [value for _, value in own]
        yield beside_own(name), Piece(rows.places(trial_ids), values, kind_of(values))


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for purpose in PURPOSES for name, value in content.get(purpose, {}).items()
    }
