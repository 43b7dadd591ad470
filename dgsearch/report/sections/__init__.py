"""The sections of a page: which analysis, in which words, with which figure."""

from __future__ import annotations

from collections.abc import Iterator

from dgsearch.report.parts import Section
from dgsearch.report.sections.answer import answer_section
from dgsearch.report.sections.cost import cost_sections
from dgsearch.report.sections.diagnostics import diagnostic_sections
from dgsearch.report.sections.foreign import foreign_sections
from dgsearch.report.sections.history import history_sections
from dgsearch.report.sections.proposals import proposal_sections
from dgsearch.report.sections.records import file_section, provenance_section, trials_section
from dgsearch.report.sections.registry import design_sections
from dgsearch.report.sections.replay import replay_sections
from dgsearch.report.sections.training import training_sections
from dgsearch.report.sections.validation_size import validation_size_section
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
        yield from design_sections(view)
        yield from proposal_sections(view)
        yield from training_sections(view)
        yield from validation_size_section(view)
        yield from replay_sections(view)
    yield from diagnostic_sections(view)
    if view.has_results:
        yield from history_sections(view)
        yield from cost_sections(view)
    yield trials_section(view)
    yield from provenance_section(view)
    yield from file_section(view)
