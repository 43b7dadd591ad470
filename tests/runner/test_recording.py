"""What the driver keeps of a trial that has ended: nothing that grows with the study."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.experiment import Trial

from dgsearch.database.halving_records import Cut
from dgsearch.runner.actor import Carried
from dgsearch.runner.progress import Progress
from dgsearch.runner.search import QueueSearcher, Recording
from tests.fakes import FakeStudy, planned


class _OneTrial:
    """A queue of one trial."""

    total, exhausted = 1, True

    def __init__(self, study: FakeStudy) -> None:
        from dgsearch.runner.queue import Begun

        trial = planned()
        self.begun = Begun(trial, study.begin(trial))

    def begin_next(self) -> None:
        return None

    def trained(self, begun: Any, report: Any) -> None: ...

    def provided(self, begun: Any, stages: Any) -> None:
        pass

    def ended(self, begun: Any, ending: Any) -> None:
        pass


def _recorded(database: str, cuts: dict[str, Cut]) -> tuple[Recording, Trial]:
    """A recording, and its one trial, which has reported an epoch."""
    study = FakeStudy(database)
    queue = _OneTrial(study)
    searcher = QueueSearcher(queue, lambda begun: None, cpus=1.0)  # type: ignore[arg-type, return-value]
    progress = Progress("fake", total=1, done=0)
    recording = Recording(
        searcher, study.recorder, progress, spec=study.spec, on_tick=lambda: None, cuts=cuts
    )
    job = Carried({"artifacts": "a", "study": "s", "number": 0})
    trial = Trial("a", stub=True, config={"job": job})
    searcher.begun[trial.trial_id] = queue.begun
    recording._values[trial.trial_id] = [0.5]
    return recording, trial


class _Worker:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.let_go = SimpleNamespace(remote=self._count)

    def _count(self) -> None:
        self.asked += 1


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_worker_whose_trial_is_stopped_lets_go_what_it_claims(
    database: str, is_stopped: bool
) -> None:
    """One that ended by itself has let go already."""
    cuts: dict[str, Cut] = {}
    recording, trial = _recorded(database, cuts)
    if is_stopped:
        cuts[trial.trial_id] = Cut(rung=1, cutoff=0.6)
    worker = trial.temporary_state.ray_actor = _Worker()
    recording.on_trial_complete(1, [trial], trial)
    assert worker.asked == int(is_stopped)


def test_rays_memory_of_a_trial_goes_once_it_has_ended(database: str) -> None:
    recording, trial = _recorded(database, {})
    trial.run_metadata.update_metric("value", 0.5)
    trial.run_metadata.last_result = {"value": 0.5}
    recording.on_trial_complete(1, [trial], trial)
    recording.on_step_end(1, [trial])
    assert trial.run_metadata.metric_analysis  # it has not left its worker yet
    trial.status = Trial.TERMINATED
    recording.on_step_end(2, [trial])
    kept = trial.run_metadata
    assert (kept.metric_analysis, kept.metric_n_steps, kept.last_result) == ({}, {}, {})
    assert trial.config == {}
    assert recording._leaving == []
    assert recording._searcher.begun == {}
