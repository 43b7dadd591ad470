"""The ledger of a series of proposals: who was judged, with which part of the error budget.

A proposal's row is written before its first trial, with its part and the noise as it was known,
so that whoever goes on after a kill decides by the same numbers. Parts are handed out under a
lock of the study's row: two judges at once never give the same one twice. Rows belong to the
study, whatever its name, and nothing but deleting the study removes them.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, inspect, select, update

from dgsearch.database.broken_rows import naming_broken_rows
from dgsearch.database.tables import OWN_PROPOSALS, OWN_STUDIES, STUDIES
from dgsearch.database.writing import persistently, study_deleted
from dgsearch.designs.judging import (
    DROPPED,
    KEPT,
    WAITING,
    Noise,
    Verdict,
    part_of,
    pooled_noise,
)

OVERTAKEN = "overtaken"  # better than a champion that another proposal had replaced meanwhile
_FINAL = (KEPT, DROPPED, OVERTAKEN)
_NUMBERS = ("difference", "low", "high", "variance")


@dataclass(frozen=True)
class Asked:
    """A proposal as it is put to the series.

    Attributes:
        champion: config_id of what it is compared with.
        proposal: Its own config_id.
        changes: What was asked for, by hyperparameter.
        values: Every hyperparameter.
        judged_by: The outcome: "targets" or "validation".
        seeds: In the order in which they are taken.
    """

    champion: str
    proposal: str
    changes: Mapping[str, Any]
    values: Mapping[str, Any]
    judged_by: str
    seeds: Sequence[int]


@dataclass(frozen=True)
class Entry:
    """A row of the ledger.

    Attributes:
        position: Its number in the series, from 1.
        asked: What was proposed.
        part: Its part of the error budget.
        noise: What was known of the noise when it was begun.
        decision: What was decided; None while nothing is.
        kept_as: Which champion of the series it became, from 1; None: none.
        verdict: The numbers behind the decision.
    """

    position: int
    asked: Asked
    part: float
    noise: Noise
    decision: str | None = None
    kept_as: int | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(WAITING, 0))

    @property
    def is_final(self) -> bool:
        """Whether no further seed can change what was decided."""
        return self.decision in _FINAL


def read_ledger(engine: Engine, study: str) -> list[Entry]:
    """The series of a study, in its order; empty where there is none."""
    if not inspect(engine).has_table(OWN_PROPOSALS.name):
        return []  # an older schema
    query = (
        select(OWN_PROPOSALS)
        .join(STUDIES, STUDIES.c.study_id == OWN_PROPOSALS.c.study_id)
        .where(STUDIES.c.study_name == study)
        .order_by(OWN_PROPOSALS.c.position)
    )
    with engine.connect() as connection, naming_broken_rows(engine):
        return [_entry(row) for row in connection.execute(query)]


def champion_entry(entries: Sequence[Entry]) -> Entry | None:
    """The proposal that was kept last; None while the study's own champion stands."""
    kept = [entry for entry in entries if entry.kept_as]
    return max(kept, key=lambda entry: entry.kept_as or 0, default=None)


def judged_before(entries: Sequence[Entry], changes: Mapping[str, Any]) -> Entry | None:
    """The latest entry of the same changes; one that was overtaken has no answer yet."""
    same = [each for each in entries if each.asked.changes == changes]
    return same[-1] if same and same[-1].decision != OVERTAKEN else None


def begin_proposal(
    engine: Engine,
    study_id: int,
    asked: Asked,
    *,
    champion_noise: tuple[float, int],
    again: bool = False,
) -> Entry | None:
    """The proposal's row: the one that there is, or a new one with a part of the budget.

    Args:
        engine: Of an open database.
        study_id: The study.
        asked: What is proposed.
        champion_noise: Variance of the difference of two of the first champion's trials, and its
            degrees of freedom: what the series knows of the noise before any proposal.
        again: Whether the same changes are judged again if they were put to another champion.

    Returns:
        None, and nothing is begun, where another judge has put a proposal in the champion's place
        meanwhile: ask against that one.

    Raises:
        DatabaseError: If the study was deleted meanwhile.
    """

    def begin(connection: Connection) -> Entry | None:
        entries = _locked(connection, study_id)
        for entry in entries:
            same = (
                entry.asked.champion == asked.champion and entry.asked.proposal == asked.proposal
            )
            if same:
                return entry
        if not again and (known := judged_before(entries, asked.changes)):
            return known  # of another judge, since the ledger was read
        reigning = champion_entry(entries)
        if reigning is not None and reigning.asked.proposal != asked.champion:
            return None
        position = 1 + max((entry.position for entry in entries), default=0)
        spent = math.fsum(entry.part for entry in entries if entry.decision != KEPT)
        measured = [
            (entry.verdict.variance, entry.verdict.pairs - 1)
            for entry in entries
            if entry.verdict.pairs > 1 and not math.isnan(entry.verdict.variance)
        ]
        noise = pooled_noise([champion_noise, *measured])
        entry = Entry(position, asked, part_of(position, spent), noise)
        connection.execute(insert(OWN_PROPOSALS).values(_row(study_id, entry)))
        return entry

    return persistently(engine, begin)


def decide_proposal(engine: Engine, study_id: int, position: int, verdict: Verdict) -> Entry:
    """Record what was decided; what is final stays as it is.

    A proposal that beats a champion which another one has replaced meanwhile is OVERTAKEN: it is
    not known whether it beats that one.

    Args:
        engine: Of an open database.
        study_id: The study.
        position: Which proposal.
        verdict: As `judge` has found it; while it is waiting only its numbers are recorded.

    Raises:
        DatabaseError: If the study was deleted meanwhile.
    """

    def decide(connection: Connection) -> Entry:
        entries = _locked(connection, study_id)
        (entry,) = (each for each in entries if each.position == position)
        if entry.is_final:
            return entry
        champion = champion_entry(entries)
        reign = (champion.kept_as or 0) if champion else 0
        stands = champion is None or champion.asked.proposal == entry.asked.champion
        decision = None if verdict.decision == WAITING else verdict.decision
        if decision == KEPT and not stands:
            decision = OVERTAKEN
        kept_as = reign + 1 if decision == KEPT else None
        numbers = {name: _stored(getattr(verdict, name)) for name in _NUMBERS}
        connection.execute(
            update(OWN_PROPOSALS)
            .where(OWN_PROPOSALS.c.study_id == study_id, OWN_PROPOSALS.c.position == position)
            .values(
                decision=decision,
                kept_as=kept_as,
                seeds=verdict.seeds,
                pairs=verdict.pairs,
                p=verdict.p,
                decided_at=time.time(),
                **numbers,
            )
        )
        return Entry(
            entry.position, entry.asked, entry.part, entry.noise, decision, kept_as, verdict
        )

    return persistently(engine, decide)


def _locked(connection: Connection, study_id: int) -> list[Entry]:
    """The series, with nobody else writing to it until the transaction ends."""
    own = OWN_STUDIES.c.study_id == study_id
    held = connection.execute(update(OWN_STUDIES).where(own).values(study_id=study_id))
    if held.rowcount == 0:
        raise study_deleted(connection.engine)
    query = select(OWN_PROPOSALS).where(OWN_PROPOSALS.c.study_id == study_id)
    return [_entry(row) for row in connection.execute(query.order_by(OWN_PROPOSALS.c.position))]


def _row(study_id: int, entry: Entry) -> dict[str, Any]:
    """The columns of a proposal that is begun."""
    asked = entry.asked
    return {
        "study_id": study_id,
        "position": entry.position,
        "champion": asked.champion,
        "proposal": asked.proposal,
        "changes_json": json.dumps(dict(asked.changes)),
        "values_json": json.dumps(dict(asked.values)),
        "judged_by": asked.judged_by,
        "seeds_json": json.dumps(list(asked.seeds)),
        "part": entry.part,
        "noise_variance": entry.noise.variance,
        "noise_weight": entry.noise.weight,
        "noise_pooled": entry.noise.pooled,
        "begun_at": time.time(),
    }


def _entry(row: Row[Any]) -> Entry:
    asked = Asked(
        row.champion,
        row.proposal,
        json.loads(row.changes_json),
        json.loads(row.values_json),
        row.judged_by,
        tuple(json.loads(row.seeds_json)),
    )
    numbers = {name: _read(getattr(row, name)) for name in _NUMBERS}
    verdict = Verdict(
        row.decision or WAITING,
        row.seeds or 0,
        row.pairs or 0,
        p=1.0 if row.p is None else row.p,
        **numbers,
    )
    noise = Noise(row.noise_variance, row.noise_weight, row.noise_pooled)
    return Entry(row.position, asked, row.part, noise, row.decision, row.kept_as, verdict)


def _stored(number: float) -> float | None:
    return None if math.isnan(number) else number


def _read(number: float | None) -> float:
    return math.nan if number is None else float(number)
