"""`judge_proposals`: proposals against the champion of a study, one after the other.

A proposal is begun in the ledger before its first trial, so that its part of the error budget is
spent whatever becomes of the process. Its trials are ordinary trials of the study, run as any
others; what is there already is not trained again. Whoever runs the same command after a kill
goes on where it stopped.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Engine, select

from dgsearch.database.connection import open_for_reading, open_for_writing
from dgsearch.database.facts import StudyFacts, read_facts
from dgsearch.database.ledger import (
    Asked,
    Entry,
    begin_proposal,
    champion_entry,
    decide_proposal,
    judged_before,
    read_ledger,
)
from dgsearch.database.queries import read_studies
from dgsearch.database.tables import STUDIES
from dgsearch.designs.adaptive_seeds import images_tested
from dgsearch.designs.judging import (
    FAILED,
    FIRST_LOOK,
    LOOKS,
    WAITING,
    Verdict,
    judge,
)
from dgsearch.designs.points import Configuration, Outcomes, Phase, PlannedTrial
from dgsearch.designs.proposals import (
    changed,
    differing,
    first_champion,
    parse_proposal,
    seeds_of,
)
from dgsearch.errors import DgsearchError, MethodError, Problem, StudyFileError
from dgsearch.methods.registry import compiled
from dgsearch.runner.ended import StoredEnds
from dgsearch.runner.options import Outcome, RunOptions
from dgsearch.runner.progress import Progress
from dgsearch.runner.tune import run_study
from dgsearch.study import StudySpec
from dgsearch.study.metrics import ACCURACY
from dgsearch.study.plan import StudyPlan

logger = logging.getLogger(__name__)

JUDGED_BY = ("targets", "validation")
_LEAST_NOISE = 2  # trials of the first champion that say anything about noise


@dataclass(frozen=True)
class Judgement:
    """What became of the proposals of one call.

    Attributes:
        outcome: Of the run of their trials.
        entries: Of the ledger, in the order in which they were asked for, the last one without a
            decision where the run was stopped; None where a proposal has the values of the
            study's own configuration, which is the champion.
    """

    outcome: Outcome
    entries: Sequence[Entry | None]

    @property
    def exit_code(self) -> int:
        """0 when each was judged, 1 if one could not be for failed trials, 130 after Ctrl-C."""
        if self.outcome.interrupted:
            return 130
        undecided = [each for each in self.entries if each and each.decision in (None, FAILED)]
        return 1 if undecided else 0

    @property
    def positions(self) -> Sequence[int]:
        """Their numbers in the series."""
        return [each.position for each in self.entries if each]

    def answer(self) -> dict[str, Any]:
        """What to tell a program besides the series."""
        told = self.outcome.answer()
        return {name: told[name] for name in ("started", "interrupted", "failed")}

    def lines(self) -> Iterator[str]:
        """What to tell the user besides the series."""
        study = self.outcome.study
        for entry in self.entries:
            if entry is None:
                yield f"{study}: a proposal changes nothing: the champion has these values already"
        for trial in self.outcome.failed:
            yield f"{study}: failed: {trial}"
        if self.outcome.interrupted:
            yield (
                f"{study}: stopped; what was recorded is kept. Run the same command again to "
                "resume."
            )


def judge_proposals(  # noqa: PLR0913 - one argument for each option of the command
    study: str,
    proposals: Sequence[str],
    options: RunOptions,
    *,
    judged_by: str | None = None,
    most_seeds: int = 8,
    again: bool = False,
    show: Callable[..., Progress] = Progress,
) -> Judgement:
    """Judge proposals, in their order, each against the champion that there is then.

    Args:
        study: Name of a study in the database.
        proposals: `KEY=VALUE,KEY=VALUE` each: the changes to the champion.
        options: Where and how trials run.
        judged_by: "targets" (the mean accuracy over them) or "validation" (what selects); None:
            as the series began, and targets at its beginning.
        most_seeds: The last look that is allowed: 4, 6, 8, 12 or 16.
        again: Whether a proposal that was judged against an earlier champion is put to the present
            one, as a new proposal; else it is answered from the ledger.
        show: Makes what a person sees.

    Raises:
        StudyFileError: With every problem of the proposals.
        DgsearchError: If the study or its data cannot be used.
    """
    if most_seeds not in LOOKS:
        allowed = ", ".join(str(seeds) for seeds in LOOKS)
        problem = Problem("--max-seeds", str(most_seeds), f"must be one of {allowed}")
        raise StudyFileError("judge", [problem])
    spec, facts = _stored(study, options)
    plan = compiled(spec)
    changes = [parse_proposal(text, plan.space) for text in proposals]
    engine = open_for_writing(options.database).engine
    try:
        by = _judged_by(judged_by, spec, read_ledger(engine, study))
        series = _Series(engine, spec, plan, facts, by, most_seeds, again)
        series_plan = _SeriesPlan(spec, plan.spaces, series, changes)
        text = str(facts.facts.get("study_file", ""))
        outcome = run_study(spec, options, study_file=text, show=show, plan=series_plan)
    finally:
        engine.dispose()
    return Judgement(outcome, [*series.judged, *series.begun])


def _stored(study: str, options: RunOptions) -> tuple[StudySpec, StudyFacts]:
    """The study as the database has it."""
    engine = open_for_reading(options.database)
    try:
        read_studies(engine, study)  # says which studies there are
        facts = read_facts(engine, study)
    finally:
        engine.dispose()
    if facts.spec is None:
        raise MethodError(
            f"study {study!r} was not written by dgsearch, which cannot run its trials; name a "
            "study that `dgsearch run` has begun"
        )
    return facts.spec.model_copy(update={"name": study}), facts


def _judged_by(wanted: str | None, spec: StudySpec, entries: Sequence[Entry]) -> str:
    """The outcome of the series: one for all of its proposals."""
    begun = entries[0].asked.judged_by if entries else None
    by = wanted or begun or "targets"
    if by not in JUDGED_BY:
        allowed = f"must be one of {', '.join(JUDGED_BY)}"
        raise StudyFileError("judge", [Problem("--by", repr(by), allowed)])
    if begun and by != begun:
        message = f"the series of this study was begun by {begun!r}; leave the option out"
        raise StudyFileError("judge", [Problem("--by", repr(by), message)])
    if by == "targets" and spec.selecting != ACCURACY:
        message = (
            f"targets are compared by accuracy, and the study selects by {spec.selecting}; "
            "write --by validation"
        )
        raise StudyFileError("judge", [Problem("--by", repr(by), message)])
    return by


@dataclass(frozen=True)
class _SeriesPlan(StudyPlan):
    """A study's plan whose phases are those of proposals."""

    series: _Series
    changes: Sequence[Mapping[str, Any]]

    @property
    def configurations(self) -> Sequence[Configuration]:
        """Those of the design, and those of the series as far as it is."""
        return [*self.series.known, *self.series.made]

    @property
    def most_trials(self) -> int:
        """As many as the study has without its proposals."""
        return self.series.planned

    def phases(self) -> Iterator[Phase]:  # type: ignore[override]
        """One for each look that needs trials."""
        for changes in self.changes:
            yield from self.series.judging(changes)


@dataclass
class _Series:
    """The proposals of one study: what they need, and what was decided."""

    engine: Engine
    spec: StudySpec
    plan: StudyPlan
    facts: StudyFacts
    by: str
    most_seeds: int
    again: bool = False
    made: list[Configuration] = field(default_factory=list)
    judged: list[Entry | None] = field(default_factory=list)
    begun: Sequence[Entry] = ()  # the one that is being judged

    def __post_init__(self) -> None:
        query = select(STUDIES.c.study_id).where(STUDIES.c.study_name == self.spec.name)
        with self.engine.connect() as connection:
            self.study_id = int(connection.execute(query).scalar_one())
        self.known = list(self.plan.configurations)
        self.planned = self.facts.planned or self.plan.most_trials
        self.first = first_champion(self.spec, self.plan.space, self.known)
        self.made.append(self.first)
        self._ended = StoredEnds(self.engine, self.study_id, self.spec)

    def judging(self, changes: Mapping[str, Any]) -> Iterator[Phase]:
        """Judge one proposal; the phases are what has to be run for it meanwhile."""
        entry = None
        while entry is None:  # until it is begun against the champion that there is then
            entries = read_ledger(self.engine, self.spec.name)
            entry = None if self.again else judged_before(entries, changes)
            if entry is not None:
                break
            kept = champion_entry(entries)
            before = self._changes_of(kept)
            champion, proposal = self._changed(before), self._changed({**before, **changes})
            if proposal.config_id == champion.config_id:
                self.judged.append(kept)  # it is the champion
                return
            entry = yield from self._begun(champion, proposal, changes)
        if not entry.is_final:
            self.begun = [entry]
            entry = yield from self._decided(entry)
            self.begun = ()
        self.judged.append(entry)

    def _begun(
        self, champion: Configuration, proposal: Configuration, changes: Mapping[str, Any]
    ) -> Generator[Phase, None, Entry | None]:
        """The proposal in the ledger, once there are trials that tell of the noise."""
        seeds = seeds_of(self.spec)
        yield from self._until_there([self.first, champion], seeds[:FIRST_LOOK])
        asked = Asked(
            champion.config_id, proposal.config_id, changes, proposal.values, self.by, seeds
        )
        return begin_proposal(
            *(self.engine, self.study_id, asked),
            champion_noise=self._champion_noise(),
            again=self.again,
        )

    def _decided(self, entry: Entry) -> Generator[Phase, None, Entry]:
        """The proposal with its decision, once its trials have ended."""
        entries = read_ledger(self.engine, self.spec.name)
        of_champion = [each for each in entries if each.asked.proposal == entry.asked.champion]
        champion = self._changed(self._changes_of(of_champion[-1] if of_champion else None))
        proposal = self._changed(self._changes_of(entry))
        yield from self._until_there([champion, proposal], entry.asked.seeds[:FIRST_LOOK])
        verdict = self._verdict(entry, champion, proposal)
        while verdict.decision == WAITING:
            yield from self._until_there([champion, proposal], entry.asked.seeds[: verdict.seeds])
            again = self._verdict(entry, champion, proposal)
            if again == verdict:
                break  # its trials were interrupted too often
            verdict = again
        return decide_proposal(self.engine, self.study_id, entry.position, verdict)

    def _changes_of(self, entry: Entry | None) -> dict[str, Any]:
        """In what a proposal differs from the first champion; None: that one."""
        found = differing(entry.asked.values, self.first) if entry else {}
        return {name: value for name, value in found.items() if name in self.plan.space}

    def _changed(self, changes: Mapping[str, Any]) -> Configuration:
        """The first champion with some changes."""
        if not changes:
            return self.first
        found = changed(self.first, changes, self.spec, self.plan.space, self.known)
        self.made.append(found)
        return found

    def _until_there(
        self, configurations: Sequence[Configuration], seeds: Sequence[int]
    ) -> Iterator[Phase]:
        """A phase with the trials of these configurations that have not finished.

        Those that have failed are in it too; the runner knows whether they are tried once more.
        """
        outcomes = self._outcomes()
        trials = [
            PlannedTrial(item, seed)
            for item in {each.config_id: each for each in configurations}.values()
            for seed in seeds
            if math.isnan(outcomes.get((item.config_id, seed), math.nan))
        ]
        if trials:
            yield Phase(lambda _: trials)

    def _outcomes(self) -> Outcomes:
        """What is judged of each trial that has ended, higher is better; NaN where it failed."""
        means = self._ended.means()
        if self.by == "targets":
            return means
        sign = 1 if self.spec.maximise else -1
        values = self._ended.values()
        return {key: sign * values.get(key, math.nan) for key in means}

    def _verdict(self, entry: Entry, champion: Configuration, proposal: Configuration) -> Verdict:
        outcomes = self._outcomes()
        own, theirs = (
            [outcomes.get((item.config_id, seed)) for seed in entry.asked.seeds]
            for item in (proposal, champion)
        )
        known = self.by == "targets"
        images = images_tested(self.spec, self._ended.images()) if known else math.inf
        return judge(
            own,
            theirs,
            part=entry.part,
            noise=entry.noise,
            most_seeds=self.most_seeds,
            images=images,
        )

    def _champion_noise(self) -> tuple[float, int]:
        """Variance of the difference of two trials of the first champion, and its freedom."""
        name = self.first.config_id
        found = [value for (own, _), value in self._outcomes().items() if own == name]
        finished = np.array([value for value in found if not math.isnan(value)])
        if len(finished) < _LEAST_NOISE:
            raise DgsearchError(
                f"study {self.spec.name!r}: {len(finished)} of {len(found)} trials of its "
                f"champion {name} have finished, and at least {_LEAST_NOISE} are needed to "
                "compare with; `dgsearch status` names what failed"
            )
        return 2 * float(finished.var(ddof=1)), len(finished) - 1
