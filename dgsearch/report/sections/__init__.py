"""The sections of a page: which analysis, in which words, with which figure."""

from __future__ import annotations

from collections.abc import Iterator

from dgsearch.report.parts import Section
from dgsearch.report.sections.ablation import ablation_sections
from dgsearch.report.sections.answer import answer_section
from dgsearch.report.sections.cost import cost_sections
from dgsearch.report.sections.diagnostics import diagnostic_sections
from dgsearch.report.sections.domains import domain_sections
from dgsearch.report.sections.family import family_sections
from dgsearch.report.sections.foreign import foreign_sections
from dgsearch.report.sections.joint import joint_sections
from dgsearch.report.sections.metrics import metric_sections
from dgsearch.report.sections.records import file_section, provenance_section, trials_section
from dgsearch.report.sections.replay import replay_sections
from dgsearch.report.sections.seeds import seed_sections
from dgsearch.report.sections.sensitivity import sensitivity_sections
from dgsearch.report.sections.shapley import shapley_sections
from dgsearch.report.sections.sources import source_sections
from dgsearch.report.sections.training import training_sections
from dgsearch.report.sections.tuning import tuning_sections
from dgsearch.report.view import StudyView

__all__ = ["study_sections"]


def study_sections(view: StudyView) -> list[Section]:
    """The sections that a study's data allow, in the order of the page."""
    if not view.facts.spec:
        return list(foreign_sections(view.data))
    return list(_sections(view))


def _sections(view: StudyView) -> Iterator[Section]:
    yield answer_section(view)
    if view.has_results:
        yield from domain_sections(view)
        yield from source_sections(view)
        yield from metric_sections(view)
        yield from family_sections(view)
        yield from tuning_sections(view)
        yield from seed_sections(view)
        yield from shapley_sections(view)
        yield from ablation_sections(view)
        yield from sensitivity_sections(view)
        yield from joint_sections(view)
        yield from training_sections(view)
        yield from replay_sections(view)
    yield from diagnostic_sections(view)
    if view.has_results:
        yield from cost_sections(view)
    yield trials_section(view)
    yield from provenance_section(view)
    yield from file_section(view)
