"""Between Ray Tune and the study: Ray asks for trials here and tells here what they report."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from typing import Any

import ray
from ray.tune import Callback, Stopper
from ray.tune.search import Searcher
from sqlalchemy.exc import StatementError

from dgsearch.database.halving_records import Cut, trial_key
from dgsearch.database.recorder import Ending, Epoch, StudyRecorder
from dgsearch.endings import StopReason
from dgsearch.errors import ArtifactFolderError
from dgsearch.runner.actor import job_to_config
from dgsearch.runner.leaving import forget, let_go
from dgsearch.runner.lost_workers import LostWorkers
from dgsearch.runner.progress import Progress
from dgsearch.runner.queue import Begun, TrialQueue
from dgsearch.runner.reported import columns_of, end_of
from dgsearch.runner.resources import MemoryUse
from dgsearch.runner.retries import TIMED_OUT, WORKER_DIED, is_retried, losses_of_memory
from dgsearch.runner.time_limits import TimeLimits
from dgsearch.study import StudySpec
from dgsearch.trainable.border import described_failure
from dgsearch.trainable.checkpoint import trial_folder
from dgsearch.trainable.reports import EpochReport, TrialJob

logger = logging.getLogger(__name__)

_LOOK_S = 2.0  # between two looks whether trials were taken
_SILENT_S = 4.0  # after which it is asked whether a worker's process lives
_AT_ONCE_S = 0.5  # a trial that had its worker so soon started when it was begun
_TAKEN = Ending("FAIL", StopReason.INTERRUPTED, error_type="Interrupted")


class _NotStored:
    """Ray pickles what it is given into its snapshots; of these nothing is worth keeping."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class QueueSearcher(_NotStored, Searcher):
    """Gives Ray the trials of a queue, each recorded as running before it is handed over."""

    def __init__(  # noqa: PLR0913 - one argument for each setting
        self,
        queue: TrialQueue,
        make_job: Callable[[Begun], TrialJob],
        *,
        cpus: float,
        gpus: float = 0.0,
        slots: int = 1,
        ahead: int = 1,
        every_epoch: bool = False,
        deterministic: bool = False,
        graphs: bool = False,
    ) -> None:
        """Take trials from `queue`.

        Args:
            queue: Gives the trials.
            make_job: Describes a trial to an actor.
            cpus: Cores of a trial.
            gpus: Share of a device for a trial.
            slots: Trials that the cluster has room for at a time. As many workers are started
                at once.
            ahead: Trials that wait while all of them are busy: 1 lets a cluster see that it may
                grow; 0 saves Ray a placement group for each trial, of which none would be used.
            every_epoch: Whether trials are decided on after each epoch.
            deterministic: Whether CUDA takes repeatable algorithms.
            graphs: Whether steps are recorded as CUDA graphs.
        """
        super().__init__(metric="value", mode="max")  # neither is used: Ray wants them
        self.queue = queue
        self._make_job = make_job
        self._cpus = cpus
        self._gpus = gpus
        self._slots = slots
        self._ahead = ahead
        self._every_epoch = every_epoch
        self._of_cuda = {"deterministic": deterministic, "graphs": graphs}
        self._waiting: dict[str, float] = {}  # given to Ray, without a worker yet: since when
        self._working: set[str] = set()
        self.begun: dict[str, Begun] = {}  # by Ray's trial id, of those that have not left it
        self.count = 0  # trials begun

    def suggest(self, trial_id: str) -> Any:
        """The next trial as a config, None while none is ready, FINISHED after the last."""
        if len(self._waiting) >= max(self._ahead, self._slots - len(self._working)):
            return None
        begun = self.queue.begin_next()
        if begun is None:
            finished: str = Searcher.FINISHED
            return finished if self.queue.exhausted else None
        self.begun[trial_id] = begun
        self.count += 1
        self._waiting[trial_id] = time.monotonic()
        alone = losses_of_memory(begun.losses) > 0
        memory = 1.0 if alone or self._gpus >= 1 else self._gpus
        job = job_to_config(
            self._make_job(begun),
            cpus=self._cpus,
            memory_share=memory,
            every_epoch=self._every_epoch,
        )
        job |= self._of_cuda
        return job | {"alone": alone, "key": trial_key(*begun.planned.key)}

    def placed(self, trial_id: str) -> float:
        """Hear that a trial has its worker; gives the seconds that it has waited for it."""
        self._working.add(trial_id)
        now = time.monotonic()
        return now - self._waiting.pop(trial_id, now)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Count its worker as free; `Recording` writes how the trial ended."""
        self._waiting.pop(trial_id, None)
        self._working.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the database is the only memory of a study."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, likewise."""


class Recording(_NotStored, Callback):
    """Writes each report and each end into the database.

    Ray calls `on_trial_result` for every report, the one that decides about stopping too.
    """

    def __init__(
        self,
        searcher: QueueSearcher,
        recorder: StudyRecorder,
        progress: Progress,
        *,
        spec: StudySpec,
        on_tick: Callable[[], None],
        cuts: dict[str, Cut],
    ) -> None:
        """Record the study's trials.

        Args:
            searcher: Knows which trial Ray's id stands for.
            recorder: Writes to the database.
            progress: Shows what happens.
            spec: The study; its selection and retries apply.
            on_tick: Called several times a second.
            cuts: Where halving stopped whom, by Ray's id.
        """
        self._searcher = searcher
        self._recorder = recorder
        self._progress = progress
        self._selection = spec.selection
        self._maximise = spec.maximise
        self._retries = spec.retries
        self._on_tick = on_tick
        self._cuts = cuts
        self._values: dict[str, list[float]] = {}
        self._memory_kill = False
        self._refused: dict[str, dict[str, str]] = {}  # what the database does not take, by id
        self.memory: MemoryUse | None = None
        self.stopped: ArtifactFolderError | None = None  # why no trial can go on
        self._leaving: list[Any] = []  # Ray's trials that have ended and are still known to it
        self._warned: set[str] = set()
        self._stored: dict[str, Ending] = {}  # ends recorded with the last report, by Ray's id
        self.taken: set[str] = set()  # those that another driver has ended meanwhile, by Ray's id
        self._looked_at = time.monotonic()
        self._limits = TimeLimits(spec.resources)
        self._lost_workers = LostWorkers()
        self._over: dict[str, str] = {}  # why a worker was ended for its time, by Ray's id

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Record and show that it has a worker."""
        started = self._searcher.begun[trial.trial_id].started
        if self._searcher.placed(trial.trial_id) > _AT_ONCE_S:
            self._recorder.placed(started.trial_id)
        self._limits.began(trial.trial_id)
        self._progress.begun(started.number)
        logger.info("trial %d began", started.number)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Record what a trial reports; of its last stage every epoch."""
        self._limits.heard(trial.trial_id)
        if "reports" not in result or trial.trial_id in self._refused.keys() | self.taken:
            return
        begun = self._searcher.begun[trial.trial_id]
        reports = [EpochReport.from_json(report) for report in result["reports"]]
        report = reports[-1]
        if self.memory is None or report.peak_memory_mb > self.memory.peak_mb:
            self.memory = MemoryUse(report.peak_memory_mb, result["device_memory_mb"])
        epochs = [
            Epoch(each.stage_epoch, each.value, each.scores, each.correct)
            for each in reports
            if each.last and each.value is not None
        ]
        self._values.setdefault(trial.trial_id, []).extend(epoch.value for epoch in epochs)
        # An end is one transaction with the report that decides it: a kill after it loses nothing.
        ending = self._end_of(trial.trial_id) if result.get("done") else None
        try:
            recorded = self._recorder.report(
                begun.started.trial_id,
                epochs,
                columns_of(report, result),
                samples=report.samples,
                ending=ending,
            )
        except (StatementError, ValueError, TypeError, OverflowError) as error:
            self._refused[trial.trial_id] = described_failure(error)
            return
        if not recorded:
            self.taken.add(trial.trial_id)
            return
        if ending is not None:
            self._stored[trial.trial_id] = ending
        queue = self._searcher.queue
        queue.provided(begun, [use.stage for use in report.stages])
        for each in reports:
            if each.last:
                queue.trained(begun, each)
        self._progress.advanced(begun.started.number, report)
        self._tell_warnings(begun.started.number, report)

    def _tell_warnings(self, number: int, report: EpochReport) -> None:
        """Log each text that a trial of this run is the first to warn of."""
        for text in report.warnings:
            if text not in self._warned:
                self._warned.add(text)
                logger.warning("trial %d: %s", number, text)

    def on_trial_complete(
        self, iteration: int, trials: list[Any], trial: Any, **info: Any
    ) -> None:
        """Record how a trial ended: finished, halved, or failed by its own account."""
        begun = self._searcher.begun[trial.trial_id]
        if trial.trial_id in self.taken:
            self._end(trial, begun, _TAKEN)
            return
        result = trial.last_result or {}
        failure = self._refused.pop(trial.trial_id, None) or result.get("failure")
        if failure is not None:
            self._fail(trial, begun, failure)
            return
        self._end(trial, begun, self._end_of(trial.trial_id))

    def _end_of(self, trial_id: str) -> Ending:
        """How a trial ended that did not fail, by what it has reported."""
        return end_of(
            self._values.get(trial_id, []),
            self._cuts.get(trial_id),
            self._selection,
            maximise=self._maximise,
        )

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Record a trial whose process died."""
        if trial.trial_id in self.taken:
            self._end(trial, self._searcher.begun[trial.trial_id], _TAKEN)
            return
        if (over := self._over.pop(trial.trial_id, None)) is not None:
            failure = {"type": TIMED_OUT, "message": over, "tail": ""}
            self._fail(trial, self._searcher.begun[trial.trial_id], failure)
            return
        message = "the worker process died; it was killed, or the machine ran out of memory"
        cause = getattr(trial.get_pickled_error(), "cause", None)  # None: it has said nothing
        if isinstance(cause, OSError):
            message = f"the worker was ended: {cause.strerror}"
        failure = {"type": WORKER_DIED, "message": message, "tail": ""}
        if self._memory_kill:
            self._memory_kill = False
            message = "the machine's memory ran short, and Ray's memory monitor ended the worker"
            failure = {"type": "MemoryError", "message": message, "tail": ""}
        self._fail(trial, self._searcher.begun[trial.trial_id], failure)

    def out_of_memory(self) -> None:
        """Hear that the worker whose trial ends next was killed for the machine's memory."""
        self._memory_kill = True

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Let others have their turn; stop where no trial can go on."""
        self._progress.tick()
        still = [trial for trial in self._leaving if not trial.is_finished()]
        for trial in self._leaving:
            if trial.is_finished():
                forget(trial)
                self._searcher.begun.pop(trial.trial_id, None)
        self._leaving = still
        if self.stopped is not None:
            raise KeyboardInterrupt
        if time.monotonic() - self._looked_at >= _LOOK_S:
            self._looked_at = time.monotonic()
            self._notice_taken()
            self._end_lost(trials)
        self._end_hung(trials)
        self._on_tick()

    def _notice_taken(self) -> None:
        """Look whether another driver took a trial while this one was silent."""
        left = {trial.trial_id for trial in self._leaving}
        rows = {
            key: begun.started.trial_id
            for key, begun in self._searcher.begun.items()
            if key not in left
        }
        running = self._recorder.still_running(rows.values())
        self.taken.update(key for key, row in rows.items() if row not in running)

    def _end_lost(self, trials: list[Any]) -> None:
        """Let Ray hear of each worker that has ended unnoticed."""
        silent = self._limits.silent(_SILENT_S)
        actors = [
            trial.temporary_state.ray_actor
            for trial in trials
            if trial.trial_id in silent and trial.temporary_state.ray_actor is not None
        ]
        for actor in self._lost_workers.look(actors):
            ray.kill(actor)

    def _end_hung(self, trials: list[Any]) -> None:
        """Kill the worker of each trial that is over a time limit, whatever it is stuck in.

        Ray Tune then hears that it died, and starts another one in its place.
        """
        over = self._limits.exceeded()
        for trial in trials if over else ():
            if trial.trial_id in over:
                self._over[trial.trial_id] = over[trial.trial_id]
                ray.kill(trial.temporary_state.ray_actor)

    def _fail(self, trial: Any, begun: Begun, failure: dict[str, str]) -> None:
        """Record a failure; one that the trial is not to blame for is an interruption."""
        if failure["type"] == ArtifactFolderError.__name__:  # every other one would meet it too
            self.stopped = ArtifactFolderError(failure["message"])
            ending = Ending(
                "FAIL",
                StopReason.INTERRUPTED,
                error_type=failure["type"],
                error=str(self.stopped),
            )
            self._end(trial, begun, ending)
            return
        text = "\n".join(part for part in (failure["message"], failure["tail"]) if part)
        again = is_retried(failure["type"], begun.losses, self._retries)
        final = StopReason.TIMED_OUT if failure["type"] == TIMED_OUT else StopReason.FAILED
        reason = StopReason.INTERRUPTED if again else final
        self._end(trial, begun, Ending("FAIL", reason, error_type=failure["type"], error=text))

    def _end(self, trial: Any, begun: Begun, ending: Ending) -> None:
        """Record an end; of a trial that was taken from this driver the end is another's."""
        stored = self._stored.pop(trial.trial_id, None)
        if stored is not None:
            ending = stored
        elif not self._recorder.end(begun.started.trial_id, ending):
            ending = _TAKEN
        self._limits.ended(trial.trial_id)
        self._over.pop(trial.trial_id, None)
        self._values.pop(trial.trial_id, None)
        self.taken.discard(trial.trial_id)
        if ending.stop_reason != StopReason.FINISHED:
            let_go(trial)
        if ending.stop_reason != StopReason.INTERRUPTED:
            job = trial.config["job"].data
            folder = trial_folder(job["artifacts"], job["study"], job["number"])
            shutil.rmtree(folder, ignore_errors=True)  # often there is none
        self._searcher.queue.ended(begun, ending)
        self._progress.ended(begun, ending)
        logger.info("trial %d ended: %s", begun.started.number, ending.stop_reason)
        self._leaving.append(trial)


class StopTaken(_NotStored, Stopper):
    """Stops the training of trials that another driver has taken."""

    def __init__(self, recording: Recording) -> None:
        """Ask `recording` which they are."""
        self._recording = recording

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether it was taken."""
        return trial_id in self._recording.taken

    def stop_all(self) -> bool:
        """Never: the others go on."""
        return False
