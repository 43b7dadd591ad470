"""How many trials Ray is given ahead: one for each free worker, perhaps one more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from ray.tune.search import Searcher

from dgsearch.database.new_trials import Started
from dgsearch.database.recorder import Ending
from dgsearch.designs.points import Configuration, PlannedTrial
from dgsearch.runner.queue import Begun
from dgsearch.runner.search import QueueSearcher
from dgsearch.study import DataSpec
from dgsearch.trainable.reports import EpochReport, TrialJob


class Endless:
    """A queue that always has one more trial."""

    exhausted = False
    total = 1000

    def __init__(self) -> None:
        self.given = 0

    def begin_next(self) -> Begun:
        self.given += 1
        planned = PlannedTrial(Configuration("erm", {}, ()), self.given)
        return Begun(planned, Started(self.given, self.given))

    def trained(self, begun: Begun, report: EpochReport) -> None: ...

    def provided(self, begun: Begun, stages: Iterable[str]) -> None:
        """Nothing waits."""

    def ended(self, begun: Begun, ending: Ending) -> None:
        """Nothing comes back."""


def job(begun: Begun) -> TrialJob:
    data = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",))
    return TrialJob("s", begun.started.number, "erm", {}, 0, data, "artifacts")


def given(searcher: QueueSearcher, *trial_ids: str) -> list[bool]:
    return [isinstance(searcher.suggest(trial_id), dict) for trial_id in trial_ids]


def test_every_free_worker_is_asked_for_at_once_and_then_one_trial_waits() -> None:
    searcher = QueueSearcher(Endless(), job, cpus=1, slots=3)
    assert given(searcher, "a", "b", "c", "d") == [True, True, True, False]
    searcher.placed("a")
    assert given(searcher, "d") == [False]  # b and c wait for the two others
    searcher.placed("b")
    searcher.placed("c")
    assert given(searcher, "d", "e") == [True, False]  # for the first that is free


def test_a_trial_that_ended_makes_room_whether_or_not_it_had_a_worker() -> None:
    searcher = QueueSearcher(Endless(), job, cpus=1, slots=1)
    assert given(searcher, "a", "b") == [True, False]
    searcher.on_trial_complete("a", error=True)
    assert given(searcher, "b", "c") == [True, False]
    searcher.placed("b")
    searcher.on_trial_complete("b")
    assert given(searcher, "c", "d") == [True, False]


def test_what_is_held_back_is_not_begun() -> None:
    queue = Endless()
    searcher = QueueSearcher(queue, job, cpus=1, slots=2)
    assert given(searcher, "a", "b", "c") == [True, True, False]
    assert queue.given == 2
    assert searcher.suggest("c") != cast(str, Searcher.FINISHED)


def test_where_nothing_can_grow_no_trial_waits_for_a_busy_worker() -> None:
    searcher = QueueSearcher(Endless(), job, cpus=1, slots=2, ahead=0)
    assert given(searcher, "a", "b", "c") == [True, True, False]
    searcher.placed("a")
    searcher.placed("b")
    assert given(searcher, "c") == [False]
    searcher.on_trial_complete("a")
    assert given(searcher, "c", "d") == [True, False]
