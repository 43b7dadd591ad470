"""The sections of a page: which analysis, in which words, with which figure."""

from __future__ import annotations

from collections.abc import Iterator

from dgsearch.report.apart import started_apart
from dgsearch.report.carried import sections_of, sections_text
from dgsearch.report.encoding import plain_section
from dgsearch.report.parts import Section
from dgsearch.report.sections.answer import answer_section
from dgsearch.report.sections.cost import cost_sections
from dgsearch.report.sections.diagnostics import diagnostic_sections
from dgsearch.report.sections.foreign import foreign_sections
from dgsearch.report.sections.history import history_sections
from dgsearch.report.sections.proposals import proposal_sections
from dgsearch.report.sections.records import file_section, provenance_section, trials_section
from dgsearch.report.sections.registry import MakeSections, design_makers
from dgsearch.report.sections.replay import replay_sections
from dgsearch.report.sections.training import training_sections
from dgsearch.report.sections.validation_size import validation_size_section
from dgsearch.report.view import StudyView

__all__ = ["study_sections"]


_HEAVY = ("path", "pairs", "importance", "dependence")  # half of the time of a search


def study_sections(view: StudyView, *, processes: int = 1) -> list[Section]:
    """The sections that a study's data allow, in the order of the page.

    Args:
        view: The study.
        processes: That may compute; with two, sections of surrogates are made apart.
    """
    if not view.facts.spec:
        return list(foreign_sections(view.data))
    makers = list(_makers(view))
    heavy = [make for name, make in makers if name in _HEAVY]
    if processes < 2 or not heavy:
        return [section for _, make in makers for section in make(view)]
    _ = view.done, view.epochs  # both halves need them
    waited = started_apart(
        lambda: sections_text(map(plain_section, make(view)) for make in heavy),
        processes=processes,
    )
    made = [None if name in _HEAVY else list(make(view)) for name, make in makers]
    apart = iter(sections_of(waited()))
    return [section for own in made for section in (next(apart) if own is None else own)]


def _makers(view: StudyView) -> Iterator[tuple[str, MakeSections]]:
    """What makes the sections, with its name, in the order of the page."""
    yield "answer", lambda own: [answer_section(own)]
    if view.has_results:
        yield from design_makers(view)
        yield "proposals", proposal_sections
        yield "training", training_sections
        yield "validation-size", validation_size_section
        yield "replay", replay_sections
    yield "diagnostics", diagnostic_sections
    if view.has_results:
        yield "history", history_sections
        yield "cost", cost_sections
    yield "trials", lambda own: [trials_section(own)]
    yield "provenance", provenance_section
    yield "file", file_section
