"""What a study is, as the database tells it: its file as data, its spaces, versions, machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, inspect, select

from dgsearch.database.broken_rows import naming_broken_rows
from dgsearch.database.tables import OWN_STUDIES, STUDIES
from dgsearch.space import Choice, Float, Int, Space

__all__ = ["StudyFacts", "read_facts"]


@dataclass(frozen=True)
class StudyFacts:
    """A study without its trials.

    Attributes:
        name: Its name.
        spec: The study file as data; empty for a study that dgsearch did not write.
        facts: Study file's text, spaces, versions, machine, classes, data fingerprint.
        created_at: When it was registered, UTC; None for a foreign study.
    """

    name: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None

    @property
    def method(self) -> str:
        """The method, empty for a foreign study."""
        return str(self.spec.get("method", ""))

    @property
    def targets(self) -> list[str]:
        """Target domains."""
        return list(self.spec.get("data", {}).get("targets", []))

    @property
    def varied(self) -> list[str]:
        """Hyperparameters that the design varies."""
        return list(self.spec.get("design", {}).get("vary", {}))

    @property
    def is_ablation(self) -> bool:
        """Whether the study compares variants with the full method."""
        return bool(self.spec.get("design", {}).get("kind") == "ablation")

    @property
    def space(self) -> Space:
        """Space of the method as it was when the study ran; empty for a foreign study."""
        described = self.facts.get("spaces", {}).get(self.method, [])
        return Space.model_validate(described)

    def centre(self) -> dict[str, Any]:
        """Value of each varied hyperparameter while the others move: fixed, or the default."""
        return {
            name: self.spec["hyperparameters"].get(name, self.space[name].default)
            for name in self.varied
        }

    def describe(self, name: str) -> Float | Int | Choice | None:
        """The description of a hyperparameter, None where there is none."""
        return next((item for item in self.space if item.name == name), None)


def read_facts(engine: Engine, study: str) -> StudyFacts:
    """What the database tells of one study that it holds.

    Raises:
        DatabaseError: If its rows cannot be read; names them.
    """
    if not inspect(engine).has_table(OWN_STUDIES.name):
        return StudyFacts(study)
    query = (
        select(OWN_STUDIES)
        .join(STUDIES, STUDIES.c.study_id == OWN_STUDIES.c.study_id)
        .where(STUDIES.c.study_name == study)
    )
    with engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return StudyFacts(study)
    with naming_broken_rows(engine):
        created_at = datetime.fromtimestamp(row.created_at, tz=UTC)
        spec, facts = (dict(json.loads(text)) for text in (row.spec_json, row.facts_json))
    return StudyFacts(study, spec, facts, created_at)
