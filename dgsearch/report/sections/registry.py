"""The sections that a design may have on its page, by name: ours, and those of other packages.

Other packages add sections through the entry-point group `dgsearch.sections`; the entry point
names a function from a `StudyView` to some `Section`s. A section is on the pages of the designs
that name it (`dgsearch.designs.base.Design.sections`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, TypeAlias

from dgsearch.plugins import leave_out, load_plugins
from dgsearch.report.parts import Section, Warn
from dgsearch.report.sections.a_a import a_a_sections
from dgsearch.report.sections.ablation import (
    ablation_section,
    configuration_section,
    path_section,
)
from dgsearch.report.sections.domains import domain_sections
from dgsearch.report.sections.family import family_sections
from dgsearch.report.sections.front import front_sections
from dgsearch.report.sections.importance import importance_section
from dgsearch.report.sections.joint import dependence_section, pair_section
from dgsearch.report.sections.metrics import metric_sections
from dgsearch.report.sections.seeds import seed_sections
from dgsearch.report.sections.sensitivity import sensitivity_sections
from dgsearch.report.sections.shapley import shapley_sections
from dgsearch.report.sections.sobol import sobol_section
from dgsearch.report.sections.sources import source_sections
from dgsearch.report.sections.tuning import tuning_sections
from dgsearch.report.view import StudyView

ENTRY_POINTS = "dgsearch.sections"

MakeSections: TypeAlias = Callable[[StudyView], Iterable[Section]]

_OWN: Mapping[str, MakeSections] = {
    "noise": a_a_sections,
    "domains": domain_sections,
    "sources": source_sections,
    "metrics": metric_sections,
    "family": family_sections,
    "front": front_sections,
    "tuning": tuning_sections,
    "seeds": seed_sections,
    "shapley": shapley_sections,
    "ablation": ablation_section,
    "configurations": configuration_section,
    "path": path_section,
    "sensitivity": sensitivity_sections,
    "pairs": pair_section,
    "importance": importance_section,
    "sobol": sobol_section,
    "dependence": dependence_section,
}


def design_makers(view: StudyView) -> Iterator[tuple[str, MakeSections]]:
    """What makes the sections of the study's design, by name, in its order."""
    for name in view.design.sections:
        yield name, _OWN.get(name) or _plugins().get(name) or partial(_missing, name)


def _missing(name: str, view: StudyView) -> list[Section]:
    """In place of a section that no installed package offers."""
    text = (
        f"The design {view.design.kind} has a section {name!r}, which no installed package "
        f"offers in the entry-point group {ENTRY_POINTS}."
    )
    return [Section(name, name.capitalize(), [Warn(text)])]


@lru_cache(maxsize=1)
def _plugins() -> Mapping[str, MakeSections]:
    """Sections of other packages by name; one that cannot be used is named in a warning."""
    found: dict[str, MakeSections] = {}
    for plugin in load_plugins(ENTRY_POINTS, _as_section):
        if plugin.name in _OWN or plugin.name in found:
            leave_out(plugin, "there is a section of that name already; give it another name")
            continue
        found[plugin.name] = plugin.made
    return found


def _as_section(name: str, offered: Any) -> MakeSections:
    if not callable(offered):
        raise TypeError("is no function from a StudyView to sections")
    made: MakeSections = offered
    return made
