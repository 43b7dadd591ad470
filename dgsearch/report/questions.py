"""The page of open questions: which of them the studies of a database answer, and how.

No question is left out: one whose studies are missing or unfinished says so, with the command
that runs what it lacks.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
from pydantic import ValidationError
from sqlalchemy import Engine

from dgsearch.analysis.questions import (
    QUESTIONS,
    MissingRowError,
    Question,
    StudyFrames,
    study_file,
)
from dgsearch.analysis.selection import finished
from dgsearch.database.connection import open_for_reading
from dgsearch.database.facts import read_facts
from dgsearch.database.queries import read_studies
from dgsearch.report.building import Page, StudyPart
from dgsearch.report.parts import Block, Note, Rows, Section, Table, Warn
from dgsearch.report.sections.questions import answer_figures
from dgsearch.report.sections.samples import Confidence, Features
from dgsearch.report.study_data import read_samples, read_study_data
from dgsearch.report.symbols import symbols_of
from dgsearch.report.view import StudyView, study_view
from dgsearch.report.words import listed
from dgsearch.wording import plural

_NAMES = {"mpbm": "MPBM", "augkd": "AuG-KD"}
_RULES = (
    "Each question is answered from one study or a few, as the database has them. "
    "Differences are paired over seeds and in percentage points, with 95% t intervals. A "
    "difference is called established only where its interval excludes zero and the exact "
    "two-sided sign-flip test is at or below 0.05. Five pairs cannot reach that, whatever the "
    "numbers: where only the interval excludes zero, the answer says that it looks so. A "
    "difference that is not established is no equality. Verdict: better or worse than the "
    "reference (or above or below 0) where Holm p is at most 0.05 and the interval excludes 0; "
    "open otherwise."
)
_ROPE = (
    "Practically no difference, or equivalent: two one-sided t tests show that a difference of "
    "accuracy lies within the region of practical equivalence, even where it is significantly "
    "different from 0."
)


@dataclass(frozen=True)
class _Asked:
    """A question on the page: whether it is answered, and its section."""

    question: Question
    state: str
    section: Section


def build_questions(database: str | os.PathLike[str] | None, *, rope: float | None = None) -> Page:
    """Read the studies of all open questions and answer what they allow.

    Args:
        database: URL or path; None: the default database.
        rope: Differences of accuracy within plus and minus this count as practically none; None:
            as each study's file says ([report] rope).

    Raises:
        DatabaseError: If the database cannot be read.
    """
    engine = open_for_reading(database)
    known = set(read_studies(engine, columns=["study"])["study"])
    asked = [_asked(engine, question, known, rope) for question in QUESTIONS]
    studies = known & {name for each in QUESTIONS for name in each.studies}
    facts = [read_facts(engine, name) for name in sorted(studies)]
    symbols = frozenset().union(*(symbols_of(each) for each in facts))
    parts = [StudyPart("Open questions", "", [_overview(asked, rope)], symbols=symbols)]
    for method, name in _NAMES.items():
        own = [each.section for each in asked if each.question.method == method]
        parts.append(StudyPart(name, f"What the paper of {name} leaves open", own))
    return Page(parts, title="Open questions")


def _overview(asked: Sequence[_Asked], rope: float | None) -> Section:
    rows: Rows = [
        [
            f"{_NAMES[each.question.method]} {each.question.number}", each.question.text,
            each.state, ", ".join(each.question.studies),
        ]
        for each in asked
    ]  # fmt: skip
    answered = sum(each.state == "answered" for each in asked)
    headings = ("paper", "question", "state", "studies")
    table = Table("questions", headings, rows, (False,) * 4, "Open questions")
    return Section(
        "overview",
        f"{answered} of {len(asked)} questions are answered",
        [Note(_RULES), Note(f"{_ROPE} {_rope_words(rope)}"), table],
    )


def _rope_words(rope: float | None) -> str:
    """Where the region comes from."""
    if rope is None:
        return (
            "The region is that of each study's file ([report] rope); without one, nothing is "
            "called equivalent. dgsearch questions --rope 0.01 takes one point for all studies."
        )
    return f"The region is ±{rope * 100:.3g} points for all studies (--rope {rope:g})."


def _asked(engine: Engine, question: Question, known: set[str], rope: float | None) -> _Asked:
    blocks, state = _blocks(engine, question, known, rope)
    title = f"{question.number}. {question.text}"
    return _Asked(question, state, Section(question.key, title, blocks))


def _blocks(
    engine: Engine, question: Question, known: set[str], rope: float | None
) -> tuple[list[Block], str]:
    """What stands under a question, and whether it is answered."""
    missing = [name for name in question.studies if name not in known]
    views = {name: _view(engine, name, rope) for name in question.studies if name in known}
    waiting = {name: text for name, view in views.items() if (text := _unfinished(view))}
    lacking: list[Block] = [
        Warn(f"{name} is not in this database. Run it with: dgsearch run {study_file(name)}")
        for name in missing
    ]
    lacking += [
        Warn(f"{name} is unfinished: {text}. Resume it with: dgsearch run {study_file(name)}")
        for name, text in waiting.items()
    ]
    if lacking:
        return lacking, "study missing" if missing else "study unfinished"
    try:
        frames = [_frames(engine, view) for view in views.values()]
        answer = question.answer(frames)
    except MissingRowError as error:
        return [Warn(f"Not answered: {error}")], "rows missing"
    targets = list(dict.fromkeys(name for each in frames for name in each.targets))
    shown = list(views.values())
    blocks: list[Block] = [Note(answer.sentence), *_failures(shown)]
    return [*blocks, *answer_figures(answer, targets), _sources(shown)], "answered"


def _view(engine: Engine, study: str, rope: float | None) -> StudyView:
    return study_view(replace(read_study_data(engine, study), rope=rope), {})


def _unfinished(view: StudyView) -> str:
    """How far a study has come; empty where every planned trial has ended."""
    planned = view.facts.planned
    if not planned or not view.targets:
        return "no trial has finished yet"
    ended = len(finished(view.trials)) + len(_failed(view))
    if ended >= planned and len(finished(view.trials)):
        return ""
    return f"{ended} of {plural(int(planned), 'planned trial')} have ended"


def _failed(view: StudyView) -> pd.DataFrame:
    """Configurations and seeds of which no trial finished and the last one failed."""
    place = ["config_id", "seed"]
    last = view.trials.drop_duplicates(place, keep="last")
    done = finished(view.trials).set_index(place).index
    failed = last[last["state"].isin(["FAIL", "PRUNED"])]
    return failed[~failed.set_index(place).index.isin(done)]


def _failures(views: Sequence[StudyView]) -> list[Block]:
    counts = {view.facts.name: len(_failed(view)) for view in views}
    return [
        Warn(f"{plural(count, 'trial')} of {name} did not finish: left out.")
        for name, count in counts.items()
        if count
    ]


def _sources(views: Sequence[StudyView]) -> Note:
    names = " ".join(view.facts.name for view in views)
    texts = [
        f"{view.facts.name} ({plural(len(view.done), 'trial')}, "
        f"{plural(int(view.done['seed'].nunique()), 'seed')})"
        for view in views
    ]
    return Note(f"From {listed(texts)}. All of it: dgsearch report {names}")


def _frames(engine: Engine, view: StudyView) -> StudyFrames:
    """What the answers read of a study.

    Raises:
        MissingRowError: If a stored sample is broken.
    """
    name = view.facts.name
    confidence: list[dict[str, float]] = []
    neighbours: list[dict[str, float]] = []
    points: list[tuple[str, int, float, float]] = []
    centre = set(_centre_trials(view))
    try:
        for sample in read_samples(engine, name, "teacher_confidence"):
            confidence += _bins(sample.trial_number, Confidence.model_validate(sample.content))
        for sample in read_samples(engine, name, "features"):
            content = Features.model_validate(sample.content)
            share = content.own_is_nearest
            neighbours.append({"trial_number": sample.trial_number, "own_is_nearest": share})
            if not points and sample.trial_number in centre:
                points = list(content.points)
    except ValidationError as error:
        raise MissingRowError(
            f"study {name!r}: a stored sample is broken: {error.errors()[0]['msg']}"
        ) from error
    return StudyFrames(
        name=name,
        trials=view.trials,
        scores=view.data.scores,
        targets=view.targets,
        varied=view.varied,
        centre=view.centre,
        confidence=pd.DataFrame(confidence, columns=["trial_number", "low", "high", "images"]),
        neighbours=pd.DataFrame(neighbours, columns=["trial_number", "own_is_nearest"]),
        points=pd.DataFrame(points, columns=["kind", "label", "x", "y"]),
        rope=view.rope,
    )


def _centre_trials(view: StudyView) -> list[int]:
    own = view.done[view.done["config_id"] == view.reference]
    return [int(number) for number in own["trial_number"]]


def _bins(trial_number: int, content: Confidence) -> list[dict[str, float]]:
    width = 1 / len(content.counts)
    return [
        {"trial_number": trial_number, "low": place * width, "high": (place + 1) * width,
         "images": images}
        for place, images in enumerate(content.counts)
    ]  # fmt: skip
