from __future__ import annotations

import pytest

from dgsearch.database.recorder import Ending
from dgsearch.database.studies import attempts
from dgsearch.runner.queue import PlannedQueue
from dgsearch.runner.resources import (
    FirstTrial,
    MemoryUse,
    measured_share,
    trials_per_device,
)
from dgsearch.runner.slots import Machine, trials_at_a_time
from dgsearch.study import Resources
from dgsearch.study.plan import plan_trials
from tests.fakes import DISTRIBUTIONS, SPACES, FakeStudy


@pytest.mark.parametrize(
    ("peak_mb", "device_mb", "cores", "devices", "expected"),
    [
        (1000, 16_000, 16, 1, 8),  # 16,000 / (1,000 * 1.25 + 600) = 8.6
        (1000, 16_000, 4, 1, 4),  # no more trials than cores
        (1000, 16_000, 16, 4, 4),  # the cores are shared by four devices
        (14_000, 16_000, 16, 1, 1),
        (20_000, 16_000, 16, 1, 1),  # never less than one
    ],
)
def test_memory_and_cores_bound_the_trials_of_a_device(
    peak_mb: float, device_mb: float, cores: int, devices: int, expected: int
) -> None:
    use = MemoryUse(peak_mb, device_mb)
    assert trials_per_device(use, cores=cores, devices=devices, cpus=1.0) == expected


@pytest.mark.parametrize(
    ("cpus", "gpus", "concurrent", "expected"),
    [
        (1, 0.0, None, 16),
        (3, 0.0, None, 5),
        (1, 1 / 3, None, 6),  # two devices; 2 / (1 / 3) is a little below 6
        (1, 1.0, None, 2),
        (1, 0.0, 4, 4),
        (32, 0.0, None, 1),  # never less than one
    ],
)
def test_cores_devices_and_the_study_bound_the_trials_of_a_cluster(
    cpus: float, gpus: float, concurrent: int | None, expected: int
) -> None:
    resources = Resources(cpus=cpus, concurrent=concurrent)
    assert trials_at_a_time(resources, gpus=gpus, machines=[Machine(16, 2)]) == expected


@pytest.mark.parametrize(
    ("gpus", "devices", "expected"),
    [
        (0.15, 8, 48),  # 6 on each, not 8 / 0.15 = 53
        (0.51, 4, 4),
        (0.29, 1, 3),  # 10,000 * 0.29 is a little below 2,900
        (1 / 3, 3, 9),
        (0.33335, 1, 3),  # Ray cuts it to 0.3333
        (1 / 7, 8, 56),
        (0.1, 2, 20),
        (1.0, 4, 4),
        (2.0, 5, 2),
    ],
)
def test_shares_are_counted_device_by_device(gpus: float, devices: int, expected: int) -> None:
    machines = [Machine(999, devices)]
    assert trials_at_a_time(Resources(), gpus=gpus, machines=machines) == expected


@pytest.mark.parametrize(
    ("cpus", "gpus", "machines", "expected"),
    [
        (2, 0.0, [(3, 0), (3, 0)], 2),  # one on each; 6 cores of one machine would hold 3
        (1, 3.0, [(8, 4), (8, 4)], 2),  # one on each; 8 devices of one machine would hold 2.7
        (1, 0.5, [(0, 0), (3, 2), (16, 2)], 7),  # 3 by cores, 4 by devices
        (1, 1.0, [(16, 0)], 1),  # never less than one
    ],
)
def test_a_trial_lies_on_one_machine(
    cpus: float, gpus: float, machines: list[tuple[int, int]], expected: int
) -> None:
    resources = Resources(cpus=cpus)
    offered = [Machine(*each) for each in machines]
    assert trials_at_a_time(resources, gpus=gpus, machines=offered) == expected


def test_without_a_measurement_a_trial_gets_the_whole_device() -> None:
    assert measured_share(None, Resources()) == 1.0


def test_the_first_trial_is_alone(database: str) -> None:
    study = FakeStudy(database)
    planned = plan_trials(study.spec, SPACES)
    earlier = attempts(study.engine, study.study_id)
    queue = PlannedQueue(planned, earlier, study.recorder, DISTRIBUTIONS, share=False)
    first = FirstTrial(queue)
    begun = first.begin_next()
    assert begun is not None
    assert first.begin_next() is None
    assert not first.exhausted
    first.ended(begun, Ending("FAIL", "interrupted", error_type="WorkerDied"))
    again = first.begin_next()
    assert again is not None
    first.ended(again, Ending("COMPLETE", "finished", value=0.5, selected_epoch=1))
    assert first.exhausted
    assert not queue.exhausted
