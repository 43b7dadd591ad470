"""The sections of a page: which analysis, in which words, with which figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dgsearch.report.apart import started_apart
from dgsearch.report.carried import sections_of, sections_text
from dgsearch.report.encoding import plain_section
from dgsearch.report.parts import Section
from dgsearch.report.sections.answer import answer_section
from dgsearch.report.sections.cost import cost_sections
from dgsearch.report.sections.diagnostics import diagnostic_sections
from dgsearch.report.sections.history import history_sections
from dgsearch.report.sections.proposals import proposal_sections
from dgsearch.report.sections.records import file_section, provenance_section, trials_section
from dgsearch.report.sections.registry import MakeSections, design_makers
from dgsearch.report.sections.replay import replay_sections
from dgsearch.report.sections.training import training_sections
from dgsearch.report.sections.validation_size import validation_size_section
from dgsearch.report.view import StudyView

__all__ = ["begun_sections"]


_HEAVY = ("path", "sensitivity", "pairs", "importance", "dependence")  # half of a search's time


def begun_sections(view: StudyView, *, processes: int) -> Callable[[StudyView], list[Section]]:
    """Begin the sections that take longest, and need trials alone, in a copy of this process.

    Args:
        view: The study, of which the trials are read (`read_trials_first`).
        processes: That may compute; with fewer than two nothing is begun.

    Returns:
        From the view of the same study, wholly read, to all of its sections, in the order of the
        page. What the copy could not make is made then.
    """
    if not view.facts.spec:
        from dgsearch.report.sections.foreign import foreign_sections  # our own studies need none

        return lambda whole: list(foreign_sections(whole.data))
    heavy = [make for name, make in _makers(view) if name in _HEAVY]
    _ = view.done  # both processes need them
    waited = started_apart(
        lambda: sections_text(map(plain_section, make(view)) for make in heavy),
        processes=processes if heavy else 1,
        otherwise=lambda: "",
    )

    def sections(whole: StudyView) -> list[Section]:
        makers = list(_makers(whole))
        made = [None if name in _HEAVY else list(make(whole)) for name, make in makers]
        text = waited()
        late = [make for name, make in makers if name in _HEAVY]
        apart = iter(sections_of(text) if text else [list(make(whole)) for make in late])
        return [section for own in made for section in (next(apart) if own is None else own)]

    return sections


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
