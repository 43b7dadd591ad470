"""`run_study`: from a study to finished trials in the database.

It reads what the database has, ends what dead processes left running, and runs the rest with
Ray Tune. Running it again therefore goes on where it stopped, or does nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cached_property, partial
from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy import Engine

from dgsearch.database.conditions import changed_conditions, provenance_content, store_provenance
from dgsearch.database.connection import answering, database_url, open_for_writing
from dgsearch.database.drivers import Driver
from dgsearch.database.halving_records import Judged, judged_trials
from dgsearch.database.identity import find_takeover
from dgsearch.database.recorder import StudyRecorder
from dgsearch.database.stages_used import stage_keys_used
from dgsearch.database.studies import (
    finished_values,
    register_study,
)
from dgsearch.database.switches import open_switches
from dgsearch.designs.points import Phase, PlannedTrial
from dgsearch.methods.registry import compiled, judging_families
from dgsearch.runner.distributions import proposal_distributions, queue_distributions
from dgsearch.runner.ended import StoredEnds
from dgsearch.runner.environment import check_writable, study_facts
from dgsearch.runner.fusing import Fusing, Room
from dgsearch.runner.growing import GrowingQueue
from dgsearch.runner.history import History
from dgsearch.runner.interrupts import Interrupts
from dgsearch.runner.lost_ray import RayKeeper, sign_out_briefly
from dgsearch.runner.options import FailedTrial, Outcome, RunOptions
from dgsearch.runner.progress import Progress
from dgsearch.runner.proposals import ProposalQueue
from dgsearch.runner.queue import Begun, PlannedQueue, TrialQueue
from dgsearch.runner.resources import (
    FirstTrial,
    check_fits,
    cluster_slots,
    known_share,
    measured_share,
    warn_of_graphs,
)
from dgsearch.runner.retries import StoredAttempts, given_up
from dgsearch.runner.warm_start import informing_trials
from dgsearch.study import Halving, StudySpec
from dgsearch.study.objectives import goal_of
from dgsearch.study.plan import StudyPlan, has_levels
from dgsearch.trainable.ahead import drop_ahead
from dgsearch.trainable.reports import TrialJob
from dgsearch.trainable.store import Store
from dgsearch.wording import plural

logger = logging.getLogger(__name__)

_LOOK_S = 1.0  # between two looks at trials of other drivers


def run_study(
    spec: StudySpec,
    options: RunOptions,
    *,
    study_file: str = "",
    show: Callable[..., Progress] = Progress,
    plan: StudyPlan | None = None,
) -> Outcome:
    """Run what is left of a study.

    Args:
        spec: The study.
        options: Where and how.
        study_file: Text of the study file, for the report.
        show: Makes what a person sees, called as `Progress` is.
        plan: What to run; None: what the study's design asks for.

    Returns:
        What was done and what failed.

    Raises:
        DgsearchError: If the database, the data or the Ray cluster cannot be used, or if the
            database holds another study of that name.
    """
    check_writable(options.artifacts_folder)
    Store(options.artifacts_folder / "stages").sweep()
    plan = plan or compiled(spec)
    facts = study_facts(spec, study_file, planned=plan.most_trials)
    storage = open_for_writing(options.database)
    with answering(database_url(options.database)):
        study_id = _register(storage.engine, spec, facts, options)
        content = provenance_content(
            facts,
            threads=max(1, int(spec.resources.cpus)),
            switches=open_switches(spec, facts),
        )
        for sentence in changed_conditions(storage.engine, spec.name, content):
            logger.warning("%s: %s", spec.name, sentence)
        provenance_id = store_provenance(storage.engine, content)
        run = _StudyRun(plan, options, storage, study_id, provenance_id, show)
        with run.interrupts:
            try:
                outcome = run.to_the_end()
            finally:
                run.sign_out()
                storage.engine.dispose()
        outcome.interrupted |= run.interrupts.asked
        return outcome


def _register(
    engine: Engine, spec: StudySpec, facts: Mapping[str, Any], options: RunOptions
) -> int:
    """Register the study, and say which stored trials it takes over."""
    takeover = find_takeover(engine, spec.name, spec.model_dump(mode="json"), facts)
    study_id = register_study(engine, spec, facts, accept_other_data=options.accept_other_data)
    for sentence in takeover.sentences:
        logger.warning("%s: %s", spec.name, sentence)
    return study_id


class _StudyRun:
    """One pass of the runner over a study."""

    def __init__(
        self,
        plan: StudyPlan,
        options: RunOptions,
        storage: RDBStorage,
        study_id: int,
        provenance_id: str,
        show: Callable[..., Progress],
    ) -> None:
        spec = plan.spec
        self._plan, self._spec = plan, spec
        self._options = options
        self._show = show
        self._storage = storage
        self._study_id = study_id
        self._driver = Driver(storage.engine, study_id)
        self._driver.keep_beating()
        self._driver.sweep()
        self._recorder = StudyRecorder(
            storage.engine, study_id, self._driver.driver_id, provenance_id=provenance_id
        )
        self.interrupts = Interrupts()
        self._ray = RayKeeper(spec.name, self._driver, self.interrupts, address=options.address)
        self._gpus: float | None = None  # share of a device; None: not known yet
        self._ended = StoredEnds(storage.engine, study_id, spec)
        self._attempts = StoredAttempts(
            storage.engine, study_id, spec.retries, retry_failed=options.retry_failed
        )

    def sign_out(self) -> None:
        """Leave nothing that looks as if it ran; asked twice to stop, do not wait for it."""
        if self.interrupts.urgent:
            sign_out_briefly(self._driver)
        else:
            self._driver.sign_out()

    def to_the_end(self) -> Outcome:
        """Run every phase; stops early, without an error, at Ctrl-C."""
        outcome = Outcome(self._spec.name, database=self._options.database)
        try:
            with ExitStack() as stack:
                try:
                    self._phases(outcome, stack)
                except KeyboardInterrupt:
                    outcome.interrupted = True
        except KeyboardInterrupt:  # the second one, while Ray ends
            outcome.interrupted = True
        if not self.interrupts.urgent:
            self._driver.check_study()
            self._count_ends(outcome)
            if not outcome.interrupted and not self._driver.others_at_work():
                drop_ahead(self._options.artifacts_folder, self._spec.name)
        return outcome

    def _phases(self, outcome: Outcome, stack: ExitStack) -> None:
        """Points first, with halving if the study has it; then what is never cut short."""
        halving = self._spec.halving
        for phase in self._plan.phases():
            make = partial(self._queue_of, phase)
            self._run(make, halving if phase.halved else None, outcome, stack)

    def _queue_of(self, phase: Phase) -> TrialQueue:
        """What is left of a phase."""
        if phase.proposes:
            return self._proposals()
        if phase.grows:
            return self._growing(phase)
        return self._planned(list(phase.trials(self._ended)))

    def _run(
        self,
        make_queue: Callable[[], TrialQueue],
        halving: Halving | None,
        outcome: Outcome,
        stack: ExitStack,
    ) -> None:
        """Run queues until nothing is left, not even of a driver that has died meanwhile.

        Ray is started for the first queue that holds anything.
        """
        while not (queue := make_queue()).exhausted or self._waited_for_others():
            if queue.exhausted:
                continue  # what the others left decides anew
            with self._progress(queue.total) as progress:
                self._ray.start(stack)
                check_fits(self._spec.resources)
                try:
                    outcome.started += self._execute(queue, halving, progress)
                except KeyboardInterrupt:
                    if not self._ray.replaced():
                        raise
                finally:
                    self._forget()
            # A driver that died meanwhile left trials RUNNING, which hold what comes next; once
            # they are swept, the next queue has them. So has it what this driver began without
            # hearing of it: the database went away right after the commit.
            self._driver.interrupt_own()
            self._driver.sweep()

    def _waited_for_others(self) -> bool:
        """Wait while other drivers run trials of the study; whether one of these has ended.

        What comes next rests on how they end, and those of a driver that dies are left to run.
        """
        self._driver.sweep()
        at_work = self._driver.others_at_work()
        if not at_work:
            return False
        logger.warning(
            "%s: waiting for %s of another `dgsearch run`; Ctrl-C leaves them to it",
            self._spec.name,
            plural(len(at_work), "trial"),
        )
        while self._driver.others_at_work() >= at_work:
            time.sleep(_LOOK_S)
            self._driver.renew()
            self._driver.sweep()
            self.interrupts.stop_if_asked()
        self._forget()
        return True

    def _forget(self) -> None:
        """Read again what the database has: trials have ended since."""
        self._attempts.forget()
        self._ended.forget()

    def _execute(self, queue: TrialQueue, halving: Halving | None, progress: Progress) -> int:
        """Train the queue; the first trial alone where its memory decides how many share."""
        from dgsearch.runner.execution import Executor, execute

        tick = partial(self._tick, queue, progress)
        grows = self._options.address is not None
        executor = Executor(self._spec, self._recorder, self._job, tick, self._judged, grows=grows)
        begun = 0
        if self._gpus is None:
            self._gpus = known_share(self._spec.resources)
            warn_of_graphs(self._spec.resources, self._gpus)
        if self._gpus is None:
            first = execute(
                FirstTrial(queue), executor, halving=halving, progress=progress, gpus=1.0
            )
            begun += first.begun
            self._gpus = measured_share(first.memory, self._spec.resources)
        rest = execute(queue, executor, halving=halving, progress=progress, gpus=self._gpus)
        return begun + rest.begun

    def _progress(self, total: int) -> Progress:
        """What a person sees of so many trials besides those that have ended."""
        earlier, done = self._attempts.read(), self._attempts.done()
        values = finished_values(self._storage.engine, self._study_id) if done else {}
        ended = [(value, earlier[key].number) for key, value in values.items()]
        best = (max if self._spec.maximise else min)(ended, default=None)
        return self._show(
            self._spec.name,
            total=done + total,
            done=done,
            best=best,
            maximise=None if has_levels(self._spec, self._families) else self._spec.maximise,
        )

    @cached_property
    def _families(self) -> Mapping[str, tuple[str, ...]]:
        """The families of transformations that each method is judged by."""
        return judging_families(self._spec)

    def _judged(self) -> Mapping[str, Judged]:
        return judged_trials(self._storage.engine, self._study_id)

    def _tick(self, queue: TrialQueue, progress: Progress) -> None:
        self._driver.renew()
        self.interrupts.stop_if_asked()
        self._ray.check()
        progress.expect(queue.total)

    def _planned(self, trials: list[PlannedTrial]) -> PlannedQueue:
        queue = PlannedQueue(
            trials,
            self._attempts.read(),
            self._recorder,
            queue_distributions(self._plan),
            retries=self._spec.retries,
            share=self._options.share,
            fusing=self._fusing(),
        )
        self._tell_stored(queue, trials)
        return queue

    def _tell_stored(self, queue: PlannedQueue, trials: list[PlannedTrial]) -> None:
        """Tell the queue which shared stages earlier runs stored, so that no trial waits."""
        if not self._options.share or queue.exhausted:
            return
        used = stage_keys_used(self._storage.engine, self._study_id)
        store = Store(self._options.artifacts_folder / "stages")
        for trial in trials:
            keys = used.get(trial.key, {})
            queue.stored(trial, [name for name, key in keys.items() if store.holds(key)])

    def _growing(self, phase: Phase) -> GrowingQueue:
        queue = GrowingQueue(
            phase,
            self._ended,
            self._recorder,
            queue_distributions(self._plan),
            retries=self._spec.retries,
            share=self._options.share,
            fusing=self._fusing(),
            anew=self._attempts.anew,
        )
        self._tell_stored(queue, queue.trials)
        return queue

    def _proposals(self) -> ProposalQueue:
        earlier = self._attempts.read()
        spec, engine = self._spec, self._storage.engine
        distributions = proposal_distributions(spec.design, self._plan.space)
        informing = informing_trials(engine, spec, self._plan.space, distributions)
        history = History(engine, self._study_id, goal=goal_of(spec), targets=spec.data.targets)
        history.inform(informing, distributions)
        queue = ProposalQueue(self._spec, self._plan.space, history, self._recorder, distributions)
        queue.resume(earlier, self._ended.proposed())
        return queue

    def _job(self, begun: Begun) -> TrialJob:
        configuration = begun.planned.configuration
        return TrialJob(
            study=self._spec.name,
            number=begun.started.number,
            method=configuration.method,
            values=configuration.values,
            seed=begun.planned.seed,
            data=self._spec.data,
            artifacts=str(self._options.artifacts_folder),
            share=self._options.share,
            continues=begun.continues,
            keep_stages_gb=self._options.keep_stages_gb,
            announces=begun.leads,
            metrics=self._spec.recorded,
            select=self._spec.selecting,
            maximise=self._spec.maximise,
            selection=self._spec.selection,
            families=self._families[configuration.method],
            fuse=self._spec.resources.fuse,
            beside={
                stage: [(dict(other.configuration.values), other.seed) for other in others]
                for stage, others in begun.beside.items()
            },
        )

    def _fusing(self) -> Fusing | None:
        fuse = self._spec.resources.fuse
        return None if fuse == "off" else Fusing(fuse, self._room)

    def _room(self) -> Room:
        resources = self._spec.resources
        gpus = known_share(resources)  # None: of a GPU, to be measured
        slots = cluster_slots(resources, 1.0 if gpus is None else gpus)
        return Room("cpu" if gpus == 0 else "cuda", slots)

    def _count_ends(self, outcome: Outcome) -> None:
        """What the database has of the study now."""
        ends = self._attempts.read()
        outcome.planned, lost = len(ends), given_up(ends.values(), self._spec.retries)
        outcome.failed = [
            FailedTrial(end.number, config_id, seed, end.error_type, end.error)
            for (config_id, seed), end in ends.items()
            if end.number in lost
        ]
