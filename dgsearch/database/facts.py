"""What a study is, as the database tells it: its study file, its spaces, versions, machine."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, inspect, select

from dgsearch.database.broken_rows import naming_broken_rows
from dgsearch.database.tables import OWN_STUDIES, STUDIES
from dgsearch.designs.base import Design
from dgsearch.designs.registry import UnknownDesign
from dgsearch.diagnostics.declaring import Expectation
from dgsearch.diagnostics.known import (
    KnownDiagnostics,
    known_diagnostics,
    known_expectations,
)
from dgsearch.space import Choice, Float, Int, Space
from dgsearch.study.families import AUGMENTED
from dgsearch.study.plan import StudyPlan, families_of, has_levels, methods_of
from dgsearch.study.spec import StudySpec
from dgsearch.study.stored import stored_study


@dataclass(frozen=True)
class StudyFacts:
    """A study without its trials.

    Attributes:
        name: Its name.
        spec: The study file; None for a study that dgsearch did not write.
        facts: Study file's text, spaces, versions, machine, classes, data fingerprint.
        created_at: When it was registered, UTC; None for a foreign study.
    """

    name: str
    spec: StudySpec | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None

    @property
    def design(self) -> Design:
        """The design; of a foreign study one that answers nothing."""
        return self.spec.design if self.spec else UnknownDesign()

    @property
    def method(self) -> str:
        """The method, empty for a foreign study."""
        return self.spec.method if self.spec else ""

    @property
    def question(self) -> str:
        """What the study asks; empty if it does not say."""
        return self.spec.question if self.spec else ""

    @property
    def targets(self) -> list[str]:
        """Target domains."""
        return list(self.spec.data.targets) if self.spec else []

    @property
    def varied(self) -> list[str]:
        """Hyperparameters that the design varies."""
        return list(self.design.vary)

    @property
    def spaces(self) -> dict[str, Space]:
        """Space of each method as it was when the study ran; empty for a foreign study."""
        described = self.facts.get("spaces", {})
        return {name: Space.model_validate(space) for name, space in described.items()}

    @functools.cached_property
    def plan(self) -> StudyPlan | None:
        """The plan of the study with the spaces of then; None for a foreign study."""
        return StudyPlan(self.spec, self.spaces) if self.spec else None

    @functools.cached_property
    def diagnostics(self) -> KnownDiagnostics:
        """What is known of the numbers that training reported."""
        return known_diagnostics(self.facts.get("diagnostics", {}))

    @property
    def expectations(self) -> Sequence[Expectation]:
        """What the paper of the study's method says of its hyperparameters."""
        return known_expectations(self.facts.get("expectations", {}), self.method)

    @property
    def rule(self) -> str:
        """The rule by which its trials report their value: "validation" or "augmented"."""
        augmented = self.spec is not None and self.spec.selection == AUGMENTED
        return AUGMENTED if augmented else "validation"

    @functools.cached_property
    def judging_families(self) -> dict[str, tuple[str, ...]]:
        """The families of transformations that each method is judged by."""
        if self.spec is None:
            return {}
        declared = dict.fromkeys(methods_of(self.spec), ()) | self.facts.get("families", {})
        return families_of(self.spec, declared)

    @property
    def levels(self) -> bool:
        """Whether its values are means over several sets of families of transformations."""
        return self.spec is not None and has_levels(self.spec, self.judging_families)

    @property
    def planned(self) -> int | None:
        """How many trials its runner has planned; None where nobody has recorded it."""
        return self.facts.get("planned")

    @property
    def space(self) -> Space:
        """Space of the method as it was when the study ran; empty for a foreign study."""
        described = self.facts.get("spaces", {}).get(self.method, [])
        return Space.model_validate(described)

    def centre(self) -> dict[str, Any]:
        """Value of each varied hyperparameter while the others move: fixed, or the default."""
        fixed = self.spec.hyperparameters if self.spec else {}
        return {name: fixed.get(name, self.space[name].default) for name in self.varied}

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
    return StudyFacts(study, stored_study(spec), facts, created_at)
