"""Which stored trials are still those that a study asks for, after methods or data have changed.

A trial is the same as long as its method would train it in the same way: its stages have the
same versions, it was trained on the same data, and its hyperparameters are those asked for. A
hyperparameter that is new counts as having had its default. Switches of speed and storage that
the design does not vary are no part of what is asked. Trials of another identity are set
aside: they keep their rows, under the role "superseded", and no statistic includes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, func, select, update

from dgsearch.database.tables import (
    OWN_CONFIGURATIONS,
    OWN_PROPOSALS,
    OWN_STUDIES,
    OWN_TRIALS,
    STUDIES,
    TRIAL_USER_ATTRIBUTES,
    TRIALS,
)
from dgsearch.designs.points import Configuration
from dgsearch.designs.registry import stored_design
from dgsearch.space import Space

SUPERSEDED = "superseded"  # role of configurations of another identity
SET_ASIDE = "~"  # stands in their config_id, and in no other
COUNTS = OWN_TRIALS.c.config_id.not_like(f"%{SET_ASIDE}%")  # trials that are still asked for
STAGES = "stages"  # in the facts: version of each stage, by method


@dataclass(frozen=True)
class Takeover:
    """What becomes of a study's stored configurations.

    Attributes:
        renamed: New config_id and values of configurations that stay, by their stored id; only
            those that change.
        superseded: Why a configuration no longer counts, by its stored id.
        sentences: What to say before the study runs.
    """

    renamed: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    superseded: Mapping[str, str] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()

    def config_id(self, stored: str) -> str | None:
        """The id under which a stored configuration counts from now on; None: it does not."""
        if stored in self.superseded:
            return None
        return self.renamed[stored][0] if stored in self.renamed else stored


def find_takeover(
    engine: Engine, study: str, spec: Mapping[str, Any], facts: Mapping[str, Any]
) -> Takeover:
    """What running a study now would take over, without changing anything.

    Args:
        engine: Of an open database.
        study: Name of the study.
        spec: The study file as data, as it is now.
        facts: Facts of the study as they are now: spaces, versions of stages, fingerprint.
    """
    query = select(STUDIES.c.study_id).where(STUDIES.c.study_name == study)
    with engine.connect() as connection:
        study_id = connection.scalar(query)
        return Takeover() if study_id is None else takeover_of(connection, study_id, spec, facts)


def takeover_of(
    connection: Connection, study_id: int, spec: Mapping[str, Any], facts: Mapping[str, Any]
) -> Takeover:
    """`find_takeover` of a study by its id, inside a transaction."""
    query = select(OWN_STUDIES.c.facts_json, OWN_STUDIES.c.spec_json)
    known = connection.execute(query.where(OWN_STUDIES.c.study_id == study_id)).one_or_none()
    if known is None:
        return Takeover()
    designs = [each.get("design", {}) for each in (json.loads(known.spec_json), spec)]
    comparison = _Comparison(json.loads(known.facts_json), facts, designs)
    renamed: dict[str, tuple[str, Mapping[str, Any]]] = {}
    superseded: dict[str, str] = {}
    stored = select(OWN_CONFIGURATIONS).where(
        OWN_CONFIGURATIONS.c.study_id == study_id,
        OWN_CONFIGURATIONS.c.role != SUPERSEDED,
        OWN_CONFIGURATIONS.c.method.not_in(comparison.unchanged()),
    )
    rows = connection.execute(stored).all()
    taken = {row.config_id for row in rows}
    for row in rows:
        before = json.loads(row.values_json)
        reason, now = comparison.of(row.method, before, _fixed(spec, row.method, row.variant))
        if reason:
            superseded[row.config_id] = reason
            continue
        name = comparison.named(row, now)
        if name != row.config_id and name in taken:
            name = row.config_id  # one of two that differed in a switch which was varied before
        if name != row.config_id or now != before:
            renamed[row.config_id] = (name, now)
            taken.add(name)
    asked = superseded or any(comparison.added()) or comparison.unknown()
    counts = _trials_by_configuration(connection, study_id) if asked else {}
    return Takeover(renamed, superseded, tuple(_sentences(comparison, superseded, counts)))


def apply_takeover(connection: Connection, study_id: int, takeover: Takeover) -> None:
    """Rename the configurations that stay and set aside those that no longer count."""
    for stored, (config_id, values) in takeover.renamed.items():
        _rename(connection, study_id, stored, config_id)
        _update(connection, study_id, config_id, {"values_json": json.dumps(dict(values))})
    for stored in takeover.superseded:
        free = _free_id(connection, study_id, stored)
        _rename(connection, study_id, stored, free)
        _update(connection, study_id, free, {"role": SUPERSEDED})


class _Comparison:
    """A study's methods and data as they were when it last ran, and as they are now."""

    def __init__(
        self,
        before: Mapping[str, Any],
        now: Mapping[str, Any],
        designs: Sequence[Mapping[str, Any]],
    ) -> None:
        """Compare facts; `designs` are that of the study as it was, and as it is."""
        self._before, self._now = before, now
        self._designs = [stored_design(design) for design in designs]
        self._spaces: dict[str, tuple[Space, Space]] = {}

    def of(
        self, method: str, values: Mapping[str, Any], fixed: frozenset[str]
    ) -> tuple[str, Mapping[str, Any]]:
        """Why a configuration no longer counts, else empty; and its values as they are now.

        Args:
            method: Its method.
            values: Its hyperparameters as stored.
            fixed: Those that the study file gives a value, so that their default does not matter.
        """
        if method not in self._now["spaces"]:
            return "", values  # a baseline that the file no longer names
        reason = self._data() or self._versions(method)
        if reason:
            return reason, values
        before, now = self._both(method)
        for name, value in values.items():
            if any(name in space and space[name].purpose != "result" for space in (before, now)):
                continue  # a switch: recorded, not asked for
            default = before[name].default if name in before else None
            if name not in now and value != default:
                return f"{method} no longer has {name}, which was {value!r}", values
            moved = name in before and name in now and now[name].default != default
            if moved and value == default and name not in fixed:
                return f"default of {name} was {default!r}, is {now[name].default!r}", values
        kept = {name: value for name, value in values.items() if name in now}
        return "", {name: kept.get(name, now[name].default) for name in now.names}

    def named(self, row: Any, values: Mapping[str, Any]) -> str:
        """The name that a configuration with these values has now."""
        if row.method not in self._now["spaces"]:
            return str(row.config_id)
        _, now = self._both(row.method)
        asked = () if row.role == "baseline" else self._designs[1].asks_for(row.method)
        return Configuration(row.method, values, switches=now.switches(asked)).config_id

    def unchanged(self) -> list[str]:
        """Methods whose configurations are what they were.

        Space, stages and data are the same, and so are the switches that the design varies.
        """
        before, now = (facts.get("spaces", {}) for facts in (self._before, self._now))
        same = [name for name in now if before.get(name) == now[name]]
        return [
            name
            for name in same
            if not (self._data() or self._versions(name) or self._other_switches(name))
        ]

    def _other_switches(self, method: str) -> bool:
        """Whether the design varies other switches of a method than it did."""
        switches = self._both(method)[1].switches()
        before, now = (switches.keys() & set(d.asks_for(method)) for d in self._designs)
        return before != now

    def versions(self) -> str:
        """A sentence that names each package whose version is another one; empty if none is."""
        now = self._now.get("versions", {})
        changed = [
            f"{name} was {version}, is {now[name]}"
            for name, version in self._before.get("versions", {}).items()
            if name in now and now[name] != version
        ]
        kept = "stored trials keep the versions that they ran with"
        return f"{', '.join(changed)}; {kept}" if changed else ""

    def added(self) -> Iterator[str]:
        """Each hyperparameter that is new, as text."""
        for method in self._now["spaces"]:
            if method in self._before.get("spaces", {}):
                before, now = self._both(method)
                for name in now.names:
                    if name not in before:
                        yield f"{name} of {method}, which counts as {now[name].default!r}"

    def unknown(self) -> list[str]:
        """Each stage of which a version was raised, where none was recorded, as text."""
        if not self._before.get("spaces") or STAGES in self._before:
            return []
        return [
            f"{name} of {method} (now version {version})"
            for method, versions in self._now.get(STAGES, {}).items()
            if method in self._before["spaces"]
            for name, version in versions.items()
            if version > 1
        ]

    def _both(self, method: str) -> tuple[Space, Space]:
        if method not in self._spaces:
            now = Space.model_validate(self._now["spaces"][method])
            described = self._before.get("spaces", {}).get(method)
            before = now if described is None else Space.model_validate(described)
            self._spaces[method] = before, now
        return self._spaces[method]

    def _data(self) -> str:
        before, now = (facts.get("data_fingerprint") for facts in (self._before, self._now))
        return f"data was {before}, is {now}" if before and before != now else ""

    def _versions(self, method: str) -> str:
        before, now = (
            facts.get(STAGES, {}).get(method, {}) for facts in (self._before, self._now)
        )
        return next(
            (
                f"stage {name} of {method} had version {version}, has {now[name]}"
                for name, version in before.items()
                if name in now and now[name] != version
            ),
            "",
        )


def _fixed(spec: Mapping[str, Any], method: str, variant: str) -> frozenset[str]:
    """Hyperparameters of a configuration that the study file sets or varies."""
    design = spec.get("design", {})
    of_variant = design.get("variants", {}).get(variant, {})
    of_method = design.get("methods", {}).get(method, {})
    named = (spec.get("hyperparameters", {}), design.get("vary", {}), of_variant, of_method)
    return frozenset(name for part in named for name in part)


def _trials_by_configuration(connection: Connection, study_id: int) -> dict[str, int]:
    query = (
        select(OWN_TRIALS.c.config_id, func.count())
        .where(OWN_TRIALS.c.study_id == study_id)
        .group_by(OWN_TRIALS.c.config_id)
    )
    return {str(config_id): int(count) for config_id, count in connection.execute(query)}


def _sentences(
    comparison: _Comparison, superseded: Mapping[str, str], counts: Mapping[str, int]
) -> Iterator[str]:
    added = list(comparison.added())
    if added:
        kept = sum(counts.values()) - sum(counts.get(name, 0) for name in superseded)
        yield f"new hyperparameter {'; '.join(added)}; {_trials(kept)} kept"
    by_reason: dict[str, int] = {}
    for config_id, reason in superseded.items():
        by_reason[reason] = by_reason.get(reason, 0) + counts.get(config_id, 0)
    for reason, count in by_reason.items():
        yield f"{reason}: {_trials(count)} excluded; what the study still needs runs again"
    raised, kept = comparison.unknown(), sum(counts.values())
    if raised and kept:
        yield (
            f"unknown: dgsearch 0.1.0 recorded no versions of stages, and {', '.join(raised)} "
            f"changed, perhaps since; {_trials(kept)} kept"
        )
    versions = comparison.versions()
    if versions:
        yield versions


def _trials(count: int) -> str:
    return "1 stored trial is" if count == 1 else f"{count} stored trials are"


def _free_id(connection: Connection, study_id: int, config_id: str) -> str:
    """The id with the first number behind it that no configuration of the study has."""
    query = select(OWN_CONFIGURATIONS.c.config_id).where(OWN_CONFIGURATIONS.c.study_id == study_id)
    taken = set(connection.scalars(query))
    number = 1
    while f"{config_id}{SET_ASIDE}{number}" in taken:
        number += 1
    return f"{config_id}{SET_ASIDE}{number}"


def _update(
    connection: Connection, study_id: int, stored: str, columns: Mapping[str, str]
) -> None:
    connection.execute(
        update(OWN_CONFIGURATIONS)
        .where(OWN_CONFIGURATIONS.c.study_id == study_id, OWN_CONFIGURATIONS.c.config_id == stored)
        .values(columns)
    )


def _rename(connection: Connection, study_id: int, old: str, new: str) -> None:
    """Give a configuration another id, in every table that names it."""
    _update(connection, study_id, old, {"config_id": new})
    connection.execute(
        update(OWN_TRIALS)
        .where(OWN_TRIALS.c.study_id == study_id, OWN_TRIALS.c.config_id == old)
        .values(config_id=new)
    )
    for column in (OWN_PROPOSALS.c.champion, OWN_PROPOSALS.c.proposal):
        connection.execute(
            update(OWN_PROPOSALS)
            .where(OWN_PROPOSALS.c.study_id == study_id, column == old)
            .values({column: new})
        )
    of_study = select(TRIALS.c.trial_id).where(TRIALS.c.study_id == study_id)
    connection.execute(
        update(TRIAL_USER_ATTRIBUTES)
        .where(
            TRIAL_USER_ATTRIBUTES.c.key == "config_id",
            TRIAL_USER_ATTRIBUTES.c.value_json == json.dumps(old),
            TRIAL_USER_ATTRIBUTES.c.trial_id.in_(of_study),
        )
        .values(value_json=json.dumps(new))
    )
