"""From a database to the parts of a page: each study's sections, and the studies together."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Engine

from dgsearch.database.broken_rows import naming_broken_rows
from dgsearch.database.connection import open_for_reading
from dgsearch.report.controls import NO_CONTROLS, Controls, controls_of
from dgsearch.report.figures.base import domain_colours
from dgsearch.report.numbers import study_answers
from dgsearch.report.parts import Section
from dgsearch.report.sections import begun_sections
from dgsearch.report.sections.records import listed_trials
from dgsearch.report.sections.together import together_section
from dgsearch.report.study_data import StudyData, read_the_rest, read_trials_first
from dgsearch.report.symbols import symbols_of
from dgsearch.report.trial_details import foreign_details, trial_details
from dgsearch.report.view import FOREIGN, StudyView, study_view


@dataclass(frozen=True)
class StudyPart:
    """One study on the page.

    Attributes:
        name: Of the study.
        question: That it asks; empty if it does not say.
        sections: Ready to be drawn.
        controls: What the page computes anew for other settings.
        symbols: Of hyperparameters, as its methods declare them.
        details: Of each listed trial, for a reader who chooses it.
    """

    name: str
    question: str
    sections: Sequence[Section]
    controls: Controls = NO_CONTROLS
    symbols: frozenset[str] = frozenset()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """What one file shows.

    Attributes:
        parts: One a study.
        together: The studies side by side; None for a single one.
        title: Of the window; the names of the parts where it is empty.
        answers: `study_answers` of each part; none of a page that is no study's.
    """

    parts: Sequence[StudyPart]
    together: Section | None = None
    title: str = ""
    answers: Sequence[Mapping[str, Any]] = ()


def build_page(
    database: str | os.PathLike[str] | Engine | None,
    studies: Sequence[str],
    *,
    objective: str | None = None,
    processes: int = 1,
    rope: float | None = None,
) -> Page:
    """Read studies and make their sections.

    Args:
        database: URL, path or engine; None: the default database.
        studies: Names, in the order of the page; a name given twice counts once.
        objective: Name or place of the objective that pages of foreign studies are about; None:
            the first.
        processes: As for `begun_sections`.
        rope: Differences within plus and minus this count as practically none, in the unit of
            the value; None: as each study's file says, and none of a foreign study.

    Raises:
        DatabaseError: If the database cannot be read or lacks a study.
        ReportError: If a study has no such objective.
    """
    engine = open_for_reading(database)
    with naming_broken_rows(engine):
        names = list(dict.fromkeys(studies))
        first = [replace(read_trials_first(engine, name, objective), rope=rope) for name in names]
        colours = domain_colours(_domains(first))
        made = [_study(engine, each, colours, processes) for each in first]
    views = [view for view, _, _ in made]
    parts, answers = [part for _, part, _ in made], [answers for _, _, answers in made]
    return Page(parts, together_section(views) if len(views) > 1 else None, answers=answers)


def _study(
    engine: Engine, first: StudyData, colours: Mapping[str, str], processes: int
) -> tuple[StudyView, StudyPart, Mapping[str, Any]]:
    """A study of which the trials are read, wholly read, with its part and its answers."""
    judged = first.facts.levels or (first.facts.spec and first.facts.design.limits)
    early = not judged  # by their scores, which are still to be read
    begun = begun_sections(study_view(first, colours), processes=processes) if early else None
    view = study_view(read_the_rest(engine, first), colours)
    sections = begun or begun_sections(view, processes=processes)
    controls, details, answers = controls_of(view), _details(view), study_answers(view)
    facts = view.facts
    part = StudyPart(
        facts.name, facts.question, sections(view), controls, symbols_of(facts), details
    )
    return view, part, answers


def _details(view: StudyView) -> Mapping[str, Any]:
    if view.facts.spec:
        return trial_details(view, listed_trials(view))
    from dgsearch.report.sections.foreign_records import listed_foreign_trials

    objective = view.data.declared.objectives[view.data.objective]
    return foreign_details(
        view.data, listed_foreign_trials(view.data), objective.name or objective.column
    )


def _domains(data: Sequence[StudyData]) -> list[str]:
    """Targets of all studies in order of appearance, so that each has one colour on the page."""
    named = [name for each in data for name in each.facts.targets]
    return list(dict.fromkeys([*named, FOREIGN]))
