"""Sections of a study's page, each made when a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from dgsearch.database.connection import open_for_reading
from dgsearch.report.figures.base import domain_colours
from dgsearch.report.parts import Section
from dgsearch.report.sections import _makers
from dgsearch.report.sections.foreign import foreign_sections
from dgsearch.report.sections.registry import MakeSections
from dgsearch.report.study_data import read_study_data
from dgsearch.report.view import FOREIGN, study_view

__all__ = ["PageSections", "page_sections"]

PageSections: TypeAlias = Mapping[str, Section]

# Sections that are not named as what makes them.
_WITHIN = {
    "curves": "training",
    "halving": "training",
    "parallel": "history",
    "rules": "domains",
    "samples": "diagnostics",
    "signatures": "diagnostics",
    "source-target": "training",
}


def page_sections(database: str, study: str, *, rope: float | None = None) -> PageSections:
    """The sections of the page of a study, by anchor, in the order of the page."""
    return _Sections(database, study, rope)


class _Sections(Mapping[str, Section]):
    """What makes a section by its name is asked first, then whatever else makes some."""

    def __init__(self, database: str, study: str, rope: float | None) -> None:
        data = replace(read_study_data(open_for_reading(database), study), rope=rope)
        self._view = study_view(data, domain_colours([*data.facts.targets, FOREIGN]))
        self._makers: dict[str, MakeSections] = (
            dict(_makers(self._view))
            if data.facts.spec
            else {"foreign": lambda view: foreign_sections(view.data)}
        )
        self._made: dict[str, dict[str, Section]] = {}

    def _of(self, maker: str) -> dict[str, Section]:
        if maker not in self._made:
            made = self._makers[maker](self._view)
            self._made[maker] = {section.anchor: section for section in made}
        return self._made[maker]

    def __getitem__(self, anchor: str) -> Section:
        first = _WITHIN.get(anchor, anchor)
        for maker in sorted(self._makers, key=lambda name: not first.startswith(name)):
            if anchor in self._of(maker):
                return self._of(maker)[anchor]
        raise KeyError(anchor)

    def __iter__(self) -> Iterator[str]:
        return (anchor for maker in self._makers for anchor in self._of(maker))

    def __len__(self) -> int:
        return sum(1 for _ in self)
