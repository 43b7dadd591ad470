"""What the page reads of a study: its facts and frames, its stages and its stored samples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
from sqlalchemy import Engine, select

from dgsearch.analysis.judging import on_one_level
from dgsearch.database.broken_rows import naming_broken_rows
from dgsearch.database.conditions import read_conditions
from dgsearch.database.constraints import read_infeasible
from dgsearch.database.declared import Declared, Objective, read_declared
from dgsearch.database.facts import StudyFacts, read_facts
from dgsearch.database.filters import TrialFilter
from dgsearch.database.ledger import Entry, read_ledger
from dgsearch.database.long_frames import LongRequest, long_frame
from dgsearch.database.predictions import read_tested
from dgsearch.database.snapshot import frame_of, has_own_tables
from dgsearch.database.tables import (
    OWN_SAMPLES,
    OWN_SCORES,
    OWN_SERIES,
    OWN_TRIALS,
    STUDIES,
    TRIALS,
)
from dgsearch.database.thinning import Thinned, thinned_search
from dgsearch.database.trials import TrialRequest, trials_frame
from dgsearch.errors import ReportError

_STAGES = ["trial_number", "stage", "taken", "seconds", "saved_s"]
_MOST_SAMPLES = 4  # of each name


_OWN = Declared((Objective(0, "", "MAXIMIZE", "value"),), {})


@dataclass(frozen=True)
class Sample:
    """Something to look at that a trial stored: its name and its content as plain data."""

    trial_number: int
    name: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class StudyData:
    """Everything that a study's page is made from.

    Attributes:
        facts: What it is.
        trials: `read_trials`.
        curves: `read_curves`.
        scores: `read_scores`.
        stages: One row a trial and stage: trial_number, stage, taken, seconds, saved_s.
        samples: A few of those stored, of different configurations.
        stored_samples: How many are stored.
        conditions: `read_conditions`: what the trials ran with.
        maximise: Whether a higher value is better.
        declared: Objectives and distributions; of foreign studies their sections use them.
        objective: Place of the objective that the page is about.
        infeasible: Numbers of the trials that violate a constraint; of foreign studies.
        tested: `read_tested`: which test images each trial classified correctly.
        validated: Likewise of the validation images, of a study with one target.
        thinned: Of a search of very many trials: what is known of all of them. The frames then
            hold a part.
        best: The trials of the best value, where the frames hold a part of all.
        ledger: The proposals that were judged, in their order.
        rope: Differences within plus and minus this count as practically none, as the reader
            asked for; None: as the study's file says.
        selecting: The domains whose validation images chose; None: those of the scores.
    """

    facts: StudyFacts
    trials: pd.DataFrame
    curves: pd.DataFrame
    scores: pd.DataFrame
    stages: pd.DataFrame
    samples: Sequence[Sample] = ()
    stored_samples: int = 0
    conditions: pd.DataFrame = field(default_factory=pd.DataFrame)
    maximise: bool = True
    declared: Declared = _OWN
    objective: int = 0
    infeasible: frozenset[int] = frozenset()
    tested: Mapping[tuple[int, str], tuple[int, bytes]] = field(default_factory=dict)
    validated: Mapping[tuple[int, str], tuple[int, bytes]] = field(default_factory=dict)
    thinned: Thinned | None = None
    best: pd.DataFrame = field(default_factory=pd.DataFrame)
    ledger: Sequence[Entry] = ()
    rope: float | None = None
    selecting: Sequence[str] | None = None


_UNREAD: Any = None  # whoever looks into a frame that is not read yet shall fail


def read_study_data(engine: Engine, study: str, objective: str | None = None) -> StudyData:
    """Read one study.

    Args:
        engine: Of the database.
        study: Its name.
        objective: Name or place of the objective that the page is about; None: the first.

    Raises:
        DatabaseError: If the database cannot be read or lacks the study; names broken rows.
        ReportError: If the study has no such objective.
    """
    return read_the_rest(engine, read_trials_first(engine, study, objective))


def read_trials_first(engine: Engine, study: str, objective: str | None = None) -> StudyData:
    """Read of one study what takes little time: all but what its trials reported and stored.

    Args:
        engine: Of the database.
        study: Its name.
        objective: As for `read_study_data`.

    Returns:
        The study, whose frames of curves, scores and stages nobody can read yet.

    Raises:
        DatabaseError: If the database cannot be read or lacks the study; names broken rows.
        ReportError: If the study has no such objective.
    """
    with naming_broken_rows(engine):
        own, facts = has_own_tables(engine), read_facts(engine, study)
        declared = read_declared(engine, study, distributions=not facts.spec)
        chosen = _objective(facts, declared, objective)
        maximise = declared.objectives[chosen].maximised
        thinned = _thinned(engine, facts, maximise=maximise)
        return StudyData(
            facts=facts,
            trials=trials_frame(engine, TrialRequest(study, _part(thinned), None, None)),
            curves=_UNREAD,
            scores=_UNREAD,
            stages=_UNREAD,
            maximise=maximise,
            declared=declared,
            objective=chosen,
            infeasible=frozenset() if facts.spec else read_infeasible(engine, study),
            thinned=thinned,
            best=pd.DataFrame() if thinned is None else _listed(engine, study, thinned.best),
            ledger=read_ledger(engine, study) if own else (),
            selecting=_selecting(engine, study) if own else (),
        )


def read_the_rest(engine: Engine, first: StudyData) -> StudyData:
    """The study with everything that `read_trials_first` has left.

    Args:
        engine: Of the database.
        first: What was read.
    """
    study, part = first.facts.name, _part(first.thinned)
    with naming_broken_rows(engine):
        own = has_own_tables(engine)
        samples, stored = _samples(engine, study, first.trials) if own else ([], 0)
        one_target = len(first.facts.targets) == 1
        curves = long_frame(engine, LongRequest("curves", study, part, None, None))
        scores = long_frame(engine, LongRequest("scores", study, part, None, None))
        trials, curves = on_one_level([first.trials, curves], first.trials, scores, first.facts)
        return replace(
            first,
            trials=trials,
            curves=curves,
            scores=scores,
            stages=read_stages(engine, study, part.numbers)
            if own
            else pd.DataFrame({name: [] for name in _STAGES}),
            samples=samples,
            stored_samples=stored,
            conditions=read_conditions(engine, study),
            tested=read_tested(engine, study, part.numbers) if own else {},
            validated=read_tested(engine, study, part.numbers, split="validation")
            if own and one_target
            else {},
        )


def _part(thinned: Thinned | None) -> TrialFilter:
    """The trials that are read in full."""
    return TrialFilter(numbers=None if thinned is None else thinned.numbers)


def _selecting(engine: Engine, study: str) -> tuple[str, ...]:
    """The domains whose validation images some trial of the study was judged by."""
    trial = TRIALS.c.trial_id == OWN_SCORES.c.trial_id
    measured = (
        select(OWN_SCORES.c.trial_id)
        .join(TRIALS, trial)
        .join(STUDIES, STUDIES.c.study_id == TRIALS.c.study_id)
        .where(STUDIES.c.study_name == study, OWN_SCORES.c.series_id == OWN_SERIES.c.series_id)
        .exists()
    )
    of_validation = (OWN_SERIES.c.split == "validation", OWN_SERIES.c.metric == "accuracy")
    query = select(OWN_SERIES.c.domain).where(*of_validation, measured)
    with engine.connect() as connection:
        return tuple(sorted({str(name) for name in connection.scalars(query)}))


def _thinned(engine: Engine, facts: StudyFacts, *, maximise: bool) -> Thinned | None:
    """What of a search is read, where that is not all of it; other designs need every trial."""
    if facts.spec is None or not facts.spec.design.proposals:
        return None
    first_seed = facts.spec.seeds[0]
    return thinned_search(engine, facts.name, first_seed=first_seed, maximise=maximise)


def _listed(engine: Engine, study: str, numbers: tuple[int, ...]) -> pd.DataFrame:
    """The trials of these numbers."""
    return trials_frame(engine, TrialRequest(study, TrialFilter(numbers=numbers), None, None))


def read_samples(engine: Engine, study: str, name: str) -> list[Sample]:
    """Every sample of one name that a study stored, by trial number."""
    if not has_own_tables(engine):
        return []
    query = (
        select(TRIALS.c.number, OWN_SAMPLES.c.content_json)
        .select_from(OWN_SAMPLES)
        .join(TRIALS, TRIALS.c.trial_id == OWN_SAMPLES.c.trial_id)
        .join(STUDIES, STUDIES.c.study_id == TRIALS.c.study_id)
        .where(STUDIES.c.study_name == study, OWN_SAMPLES.c.name == name)
        .order_by(TRIALS.c.number)
    )
    return [
        Sample(int(number), name, json.loads(text or "{}"))
        for number, text in frame_of(engine, query).itertuples(index=False)
    ]


def _objective(facts: StudyFacts, declared: Declared, wanted: str | None) -> int:
    """The place of the objective that is wanted, by its name or place."""
    study = facts.name
    if wanted is None:
        return 0
    found = next(
        (
            item.index
            for item in declared.objectives
            if wanted in (item.name, str(item.index), item.column)
        ),
        None,
    )
    if found and facts.spec is not None:
        raise ReportError(
            f"--objective {wanted!r}: the page of {study!r}, a study of dgsearch, is about "
            f"{facts.spec.selecting}; its section 'Pareto front' has the other objectives"
        )
    if found is not None:
        return found
    known = [item.name or str(item.index) for item in declared.objectives]
    raise ReportError(
        f"--objective {wanted!r}: study {study!r} has {', '.join(known)}; name one of them"
    )


def read_stages(
    engine: Engine, study: str, numbers: tuple[int, ...] | None = None
) -> pd.DataFrame:
    """The stages of every trial that says which it went through, or of those of some numbers.

    Returns:
        One row a trial and stage: trial_number, stage, taken, seconds, saved_s.
    """
    query = (
        select(TRIALS.c.number, OWN_TRIALS.c.stages_json)
        .join(OWN_TRIALS, OWN_TRIALS.c.trial_id == TRIALS.c.trial_id)
        .join(STUDIES, STUDIES.c.study_id == TRIALS.c.study_id)
        .where(STUDIES.c.study_name == study, OWN_TRIALS.c.stages_json.is_not(None))
        .order_by(TRIALS.c.number)
    )
    if numbers is not None:
        query = query.where(TRIALS.c.number.in_(numbers))
    columns: dict[str, list[Any]] = {name: [] for name in _STAGES}
    with engine.connect() as connection:
        for number, text in connection.execute(query):
            for stage in json.loads(text):
                columns["trial_number"].append(int(number))
                columns["stage"].append(str(stage["stage"]))
                columns["taken"].append(bool(stage["taken"]))
                columns["seconds"].append(float(stage.get("seconds", 0.0)))
                columns["saved_s"].append(float(stage.get("saved_s", 0.0)))
    return pd.DataFrame(columns).astype({"taken": bool})


def _samples(engine: Engine, study: str, trials: pd.DataFrame) -> tuple[list[Sample], int]:
    """One sample a configuration, of as many configurations as are shown."""
    source = (
        OWN_SAMPLES.join(TRIALS, TRIALS.c.trial_id == OWN_SAMPLES.c.trial_id)
        .join(STUDIES, STUDIES.c.study_id == TRIALS.c.study_id)
    )  # fmt: skip
    place = (TRIALS.c.number, OWN_SAMPLES.c.name)
    query = select(*place).select_from(source).where(STUDIES.c.study_name == study)
    stored = frame_of(engine, query.order_by(*place)).set_axis(["number", "name"], axis=1)
    configurations = trials.set_index("trial_number")["config_id"]
    stored = stored.assign(config_id=stored["number"].map(configurations))
    read = stored.dropna(subset=["config_id"])
    shown = read.drop_duplicates(["config_id", "name"]).groupby("name").head(_MOST_SAMPLES)
    samples = []
    with engine.connect() as connection:
        for number, name, _ in shown.itertuples(index=False):
            text = connection.scalar(
                select(OWN_SAMPLES.c.content_json)
                .select_from(source)
                .where(
                    STUDIES.c.study_name == study,
                    TRIALS.c.number == int(number),
                    OWN_SAMPLES.c.name == name,
                )
            )
            samples.append(Sample(int(number), str(name), json.loads(text or "{}")))
    return samples, len(stored)
