"""A trial that is held back is let go by one that runs, whatever becomes of that one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from dgsearch.database.new_trials import Started
from dgsearch.database.recorder import Ending
from dgsearch.designs.points import PlannedTrial
from dgsearch.endings import StopReason
from dgsearch.methods.registry import catalogue, find_method
from dgsearch.runner.distributions import distributions_of
from dgsearch.runner.fusing import Fusing, Room
from dgsearch.runner.queue import Begun, PlannedQueue
from dgsearch.study import Retries
from dgsearch.study.loading import parse_study
from dgsearch.study.plan import plan_configurations, plan_trials
from dgsearch.trainable.reports import EpochReport, Parted

EPOCHS = 3
STUDY = {
    "name": "held",
    "method": "erm",
    "seeds": [0, 1],
    "data": {"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo"]},
    "hyperparameters": {"epochs": EPOCHS},
    "design": {"kind": "grid", "vary": {"lr": [1e-4, 1e-3, 1e-2], "batch_size": [32, 64]}},
}
SPEC = parse_study(STUDY, catalogue(), file="held.toml")
SPACES = {"erm": find_method("erm").space}
PLANNED = plan_trials(SPEC, SPACES)
DISTRIBUTIONS = distributions_of(plan_configurations(SPEC, SPACES), SPACES["erm"])
FINISHED = Ending("COMPLETE", StopReason.FINISHED, value=0.5, selected_epoch=EPOCHS)
ENDS = (
    FINISHED,
    Ending("PRUNED", StopReason.HALVED, rung=1, cutoff=0.6, selected_epoch=1),
    Ending("FAIL", StopReason.FAILED, error_type="TrainingError"),
    Ending("FAIL", StopReason.TIMED_OUT, error_type="TimedOut"),
    Ending("FAIL", StopReason.INTERRUPTED, error_type="WorkerDied"),
    Ending("FAIL", StopReason.INTERRUPTED, error_type="OutOfMemoryError"),
)


class _Claims:
    """Gives every trial out, but those with which another driver was faster."""

    def __init__(self, elsewhere: frozenset[tuple[str, int]] = frozenset()) -> None:
        self._elsewhere = elsewhere
        self._count = 0

    def claim(self, planned: PlannedTrial, *_: Any, **__: Any) -> Started | None:
        if planned.key in self._elsewhere:
            return None
        self._count += 1
        return Started(self._count, self._count)


class _Run:
    """A queue whose trials go through random events, a few at a time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        slots = self.random.choice((1, 2, 4))
        keys = [trial.key for trial in PLANNED]
        self.elsewhere = frozenset(self.random.sample(keys, self.random.choice((0, 0, 3))))
        self.later = list(PLANNED[self.random.choice((4, 8, 12)) :])
        self.queue = PlannedQueue(
            PLANNED[: len(PLANNED) - len(self.later)],
            {},
            _Claims(self.elsewhere),  # type: ignore[arg-type]
            DISTRIBUTIONS,
            retries=Retries(),
            fusing=Fusing(self.random.choice((2, 4, "auto", 32)), lambda: Room("cuda", slots)),
        )
        self.slots = slots
        self.running: list[tuple[Begun, int]] = []  # with the epochs that each has trained
        self.ended: Counter[tuple[str, int]] = Counter()

    def fill(self) -> None:
        """Begin what there is a slot for."""
        while len(self.running) < self.slots and (begun := self.queue.begin_next()) is not None:
            self.running.append((begun, 0))

    def step(self) -> None:
        """Let something happen to one of those that run."""
        place = self.random.randrange(len(self.running))
        begun, epoch = self.running[place]
        event = self.random.choice(("provided", "trained", "trained", "ended", "added"))
        if event == "added":  # another source has more: a search, a judge, further seeds
            self.queue.add(self.later[:2], {})
            self.later = self.later[2:]
        elif event == "provided":
            self.queue.provided(begun, ["pretrain"])
        elif event == "trained" and epoch < EPOCHS:
            self.running[place] = (begun, epoch + 1)
            self.queue.provided(begun, ["pretrain"])
            self.queue.trained(begun, self._report(begun, epoch + 1))
        else:
            self._end(place, begun)

    def _report(self, begun: Begun, epoch: int) -> EpochReport:
        places = range(len(begun.beside.get("erm", ())))
        gone = places if epoch == EPOCHS else [one for one in places if self.random.random() < 0.2]
        parted = [Parted(one, self.random.choice((0, epoch))) for one in gone]
        return EpochReport("erm", epoch, EPOCHS, True, 0.5, (), 1.0, parted=tuple(parted))

    def _end(self, place: int, begun: Begun) -> None:
        del self.running[place]
        ending = self.random.choice(ENDS)
        if ending.stop_reason != StopReason.INTERRUPTED:
            self.ended[begun.planned.key] += 1
        self.queue.ended(begun, ending)


@pytest.mark.parametrize("seed", range(60))
def test_where_nothing_runs_nothing_is_held_and_every_trial_ends_once(seed: int) -> None:
    run = _Run(seed)
    run.fill()
    while run.running:
        assert set(_leaders(run.queue)) <= {begun.planned.key for begun, _ in run.running}
        run.step()
        run.fill()
        if not run.running and run.later:  # the source had nothing more while any ran
            run.queue.add(run.later, {})
            run.later = []
            run.fill()
    assert run.queue.exhausted
    assert _leaders(run.queue) == []
    assert set(run.ended.values()) == {1}
    assert run.ended.keys() == {trial.key for trial in PLANNED} - run.elsewhere


def _leaders(queue: PlannedQueue) -> Sequence[tuple[str, int]]:
    """Those for which trials are held back."""
    assert queue._held is not None
    return [leader for leader, held in queue._held._held.items() if held]


def test_one_that_comes_later_does_not_wait_for_a_cohort_that_began_before() -> None:
    """The proposals of a judge, while trials of its champion train together."""
    one_program = [trial for trial in PLANNED if trial.configuration.values["batch_size"] == 32]
    fusing = Fusing(8, lambda: Room("cpu", 1))
    claims: Any = _Claims()
    queue = PlannedQueue(one_program[:3], {}, claims, DISTRIBUTIONS, fusing=fusing)
    leader = queue.begin_next()
    assert leader is not None
    queue.provided(leader, ["pretrain"])
    assert len(leader.beside["erm"]) == 2
    assert queue.begin_next() is None
    queue.add(one_program[3:4], {})
    begun = queue.begin_next()
    assert begun is not None
    assert begun.planned == one_program[3]
