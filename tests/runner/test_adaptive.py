"""The queue of an adaptive study, driven without Ray: fake trials in a real database."""

from __future__ import annotations

import numpy as np

from dgsearch.database.facts import read_facts
from dgsearch.database.recorder import Ending
from dgsearch.database.studies import attempts
from dgsearch.designs.seed_plan import AdaptivePlan
from dgsearch.runner.distributions import queue_distributions
from dgsearch.runner.ended import StoredEnds
from dgsearch.runner.growing import GrowingQueue
from dgsearch.runner.queue import Begun
from dgsearch.study.plan import StudyPlan
from tests.fakes import ADAPTIVE, SPACES, FakeStudy, fake_spec

DESIGN = ADAPTIVE | {"max_seeds": 6, "vary": {"lambda_adv": [0.0], "T": [1]}}


def _study(database: str, name: str = "fake") -> FakeStudy:
    """Three configurations at three seeds or more: 9 to 18 trials."""
    return FakeStudy(database, fake_spec(name=name, design=DESIGN, baselines=[], seeds=[0, 1, 2]))


def _ends(study: FakeStudy) -> StoredEnds:
    return StoredEnds(study.engine, study.study_id, study.spec)


def _plan(study: FakeStudy) -> AdaptivePlan:
    ends = _ends(study)
    plan = study.spec.design.plan(study.spec, SPACES, ends.means(), images=ends.images())
    assert plan is not None
    return plan


def _queue(study: FakeStudy) -> GrowingQueue:
    (phase,) = study.spec.design.phases(study.spec, SPACES, halving=False)
    assert phase.grows
    return GrowingQueue(
        phase,
        _ends(study),
        study.recorder,
        queue_distributions(StudyPlan(study.spec, SPACES)),
        retries=study.spec.retries,
        share=False,
    )


def _end(study: FakeStudy, queue: GrowingQueue, begun: Begun, ending: Ending) -> None:
    study.recorder.end(begun.started.trial_id, ending)
    queue.ended(begun, ending)


def _finish(study: FakeStudy, queue: GrowingQueue, begun: Begun) -> None:
    """A trial whose accuracy depends on configuration and seed alone."""
    config_id, seed = begun.planned.key
    random = np.random.default_rng([int(config_id, 16), seed])
    level = 0.5 + int(config_id, 16) % 3 * 0.05 + random.normal(0, 0.01)
    study.report(begun.started.trial_id, 1, level, [level, level])
    _end(study, queue, begun, Ending("COMPLETE", "finished", value=level, selected_epoch=1))


def _to_the_end(study: FakeStudy, *, at_once: int, restart_every: int = 10**9) -> int:
    """Run the study with so many trials at a time, beginning anew after every so many."""
    queue, running, count = _queue(study), [], 0
    while not queue.exhausted:
        while len(running) < at_once and (begun := queue.begin_next()) is not None:
            running.append(begun)
        _finish(study, queue, running.pop())
        count += 1
        if count % restart_every == 0:  # as after a kill: what ran is interrupted
            for begun in running:
                study.recorder.end(begun.started.trial_id, Ending("FAIL", "interrupted"))
            queue, running = _queue(study), []
    return queue.total


def _taken(study: FakeStudy) -> set[tuple[str, int]]:
    ends = attempts(study.engine, study.study_id)
    assert {end.stop_reason for end in ends.values()} <= {"finished", "failed"}
    return set(ends)


def test_seeds_are_added_while_the_queue_runs(database: str) -> None:
    study = _study(database)
    total = _to_the_end(study, at_once=1)
    assert total == len(_taken(study))
    assert read_facts(study.engine, "fake").facts["planned"] == total
    assert 9 < total < 18
    plan = _plan(study)
    assert {trial.key for trial in plan.trials} == _taken(study)
    assert "waiting" not in {decision.verdict for _, decision in plan.decisions}


def test_a_study_killed_again_and_again_takes_the_same_seeds(database: str) -> None:
    straight = _study(database, "straight")
    killed = _study(database, "killed")
    _to_the_end(straight, at_once=1)
    _to_the_end(killed, at_once=3, restart_every=4)
    assert _taken(killed) == _taken(straight)


def test_failed_trials_do_not_hang_it(database: str) -> None:
    study = _study(database)
    queue = _queue(study)
    count = 0
    while (begun := queue.begin_next()) is not None:
        _end(study, queue, begun, Ending("FAIL", "failed", error_type="TrainingError"))
        count += 1
    assert queue.exhausted
    assert count == 9  # no pair anywhere, so no further seed


def test_an_interrupted_trial_is_given_out_again_and_decides_nothing(database: str) -> None:
    study = _study(database)
    queue = _queue(study)
    begun = queue.begin_next()
    assert begun is not None
    _end(study, queue, begun, Ending("FAIL", "interrupted", error_type="worker died"))
    assert queue.total == 9
    assert _plan(study).most == 18
    again = [queue.begin_next() for _ in range(9)]
    assert begun.planned.key in {one.planned.key for one in again if one is not None}
