"""When a driver counts as dead: by a heartbeat that others watch, never by comparing clocks."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import optuna
import pytest
from sqlalchemy import delete, select, update

from dgsearch.database.drivers import Driver
from dgsearch.database.queries import read_trials
from dgsearch.database.recorder import Ending, Epoch
from dgsearch.database.tables import OWN_DRIVERS
from dgsearch.processes import this_process
from tests.fakes import FakeStudy, planned

LEASE_S = 60.0
ELSEWHERE = "another-boot/1/1/1"


class _Clock:
    """A steady clock that moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def study(database: str) -> Iterator[FakeStudy]:
    """A study whose driver runs one trial, on a machine of which nothing can be known here."""
    fake = FakeStudy(database)
    fake.begin(planned())
    _set_driver(fake, process=ELSEWHERE)
    yield fake
    fake.engine.dispose()


def _set_driver(study: FakeStudy, **columns: object) -> None:
    mine = OWN_DRIVERS.c.driver_id == study.driver.driver_id
    with study.engine.begin() as connection:
        connection.execute(update(OWN_DRIVERS).where(mine).values(**columns))


def _watched(driver: Driver, clock: _Clock, seconds: float, *, beat_s: float = 5.0) -> int:
    """Trials swept by a driver that looks every few seconds."""
    swept = driver.sweep()
    for _ in range(round(seconds / beat_s)):
        clock.now += beat_s
        swept += driver.sweep()
    return swept


def _another(study: FakeStudy, clock: _Clock) -> Driver:
    return Driver(study.engine, study.study_id, lease_s=LEASE_S, clock=clock)


def test_a_driver_that_was_watched_silent_for_a_lease_is_dead(study: FakeStudy) -> None:
    clock = _Clock()
    driver = _another(study, clock)
    assert _watched(driver, clock, LEASE_S) == 0
    assert _watched(driver, clock, 5.0) == 1
    assert study.frame()["stop_reason"].tolist() == ["interrupted"]


def test_a_heartbeat_renewed_within_the_lease_keeps_the_trials(study: FakeStudy) -> None:
    clock = _Clock()
    driver = _another(study, clock)
    for beat in range(5):
        assert _watched(driver, clock, LEASE_S - 5.0) == 0
        _set_driver(study, heartbeat_at=float(beat))


@pytest.mark.parametrize("shift_s", [-300.0, 300.0])
def test_clocks_that_differ_by_minutes_kill_nobody_and_keep_nobody(
    study: FakeStudy, shift_s: float
) -> None:
    _set_driver(study, heartbeat_at=time.time() + shift_s)
    clock = _Clock()
    driver = _another(study, clock)
    assert _watched(driver, clock, LEASE_S) == 0
    assert _watched(driver, clock, 5.0) == 1


def test_time_in_which_nobody_looked_is_no_silence(study: FakeStudy) -> None:
    clock = _Clock()
    driver = _another(study, clock)
    driver.sweep()
    clock.now += 100 * LEASE_S  # this driver was stopped, or the database was away
    assert driver.sweep() == 0
    assert _watched(driver, clock, LEASE_S / 2) == 0


def test_the_longest_wait_for_a_driver_that_died_is_a_lease_and_two_looks(
    study: FakeStudy,
) -> None:
    """Its last heartbeat comes right after a look, and Ray keeps the loop from looking."""
    clock = _Clock()
    driver = _another(study, clock)
    driver.turn()
    _set_driver(study, heartbeat_at=time.time() + 1)
    waited_s, ray_starts_s = 0.0, 50.0
    swept = 0
    while not swept:
        clock.now += driver.look_s
        waited_s += driver.look_s
        driver.turn()
        swept = driver.sweep() if waited_s > ray_starts_s else 0
        assert waited_s <= LEASE_S + 2 * driver.look_s


def test_a_process_that_has_certainly_ended_is_dead_at_once(study: FakeStudy) -> None:
    code = "from dgsearch.processes import this_process; print(this_process())"
    ended = subprocess.check_output([sys.executable, "-c", code], text=True).strip()
    _set_driver(study, process=ended)
    assert _another(study, _Clock()).sweep() == 1


def test_a_process_number_that_is_used_again_does_not_keep_a_driver_alive(
    study: FakeStudy,
) -> None:
    place, pid, _ = this_process().rsplit("/", 2)
    _set_driver(study, process=f"{place}/{pid}/1")  # the same number, started at another time
    assert _another(study, _Clock()).sweep() == 1


def test_a_process_number_of_another_container_says_nothing(study: FakeStudy) -> None:
    boot = this_process().partition("/")[0]
    _set_driver(study, process=f"{boot}/1/{2**22 + 1}/1")
    assert _another(study, _Clock()).sweep() == 0


def test_a_living_process_that_is_silent_for_a_lease_loses_its_trials(study: FakeStudy) -> None:
    _set_driver(study, process=this_process())
    clock = _Clock()
    assert _watched(_another(study, clock), clock, LEASE_S + 5.0) == 1


def test_a_driver_that_signs_out_leaves_nothing_running(study: FakeStudy) -> None:
    study.driver.sign_out()
    assert study.frame()["stop_reason"].tolist() == ["interrupted"]


def test_a_driver_whose_row_was_tidied_away_signs_in_again(study: FakeStudy) -> None:
    clock = _Clock()
    driver = _another(study, clock)
    with study.engine.begin() as connection:
        connection.execute(delete(OWN_DRIVERS))
    clock.now += LEASE_S
    assert driver.renew()
    with study.engine.connect() as connection:
        assert list(connection.scalars(select(OWN_DRIVERS.c.driver_id))) == [driver.driver_id]


def test_trials_that_optuna_began_are_nobodys_to_end(database: str) -> None:
    study = FakeStudy(database)
    optuna.load_study(study_name="fake", storage=database).ask()
    clock = _Clock()
    driver = _another(study, clock)
    assert _watched(driver, clock, 2 * LEASE_S) == 0
    assert driver.others_at_work() == frozenset()


def test_what_was_taken_from_a_driver_is_not_written_over(study: FakeStudy) -> None:
    (trial_id,) = _another(study, _Clock()).others_at_work()
    assert study.recorder.still_running([trial_id]) == {trial_id}
    study.driver.sign_out()
    before = study.frame()
    assert study.recorder.still_running([trial_id]) == frozenset()
    assert not study.recorder.report(trial_id, [Epoch(1, 0.5, ())], {"wall_s": 3.0})
    assert not study.recorder.end(trial_id, Ending("COMPLETE", "finished", value=0.5))
    assert study.frame().equals(before)


@pytest.mark.postgres
def test_a_servers_clock_shortens_the_wait(postgres: str) -> None:
    fake = FakeStudy(postgres)
    fake.begin(planned())
    _set_driver(fake, process=ELSEWHERE)
    clock = _Clock()
    driver = _another(fake, clock)
    assert _watched(driver, clock, 30.0) == 0  # its heartbeat is fresh by the server's clock
    stale = OWN_DRIVERS.c.heartbeat_at - 2 * LEASE_S
    _set_driver(fake, heartbeat_at=stale)
    assert _watched(driver, clock, 20.0) == 0
    assert _watched(driver, clock, 5.0) == 1
    assert read_trials(postgres)["stop_reason"].tolist() == ["interrupted"]
    fake.engine.dispose()


def _heartbeat(driver: Driver, study: FakeStudy) -> float | None:
    query = select(OWN_DRIVERS.c.heartbeat_at).where(OWN_DRIVERS.c.driver_id == driver.driver_id)
    with study.engine.connect() as connection:
        return connection.scalar(query)


def test_the_heartbeat_goes_on_while_the_loop_is_busy(study: FakeStudy) -> None:
    driver = Driver(study.engine, study.study_id, lease_s=0.06)
    before = _heartbeat(driver, study)
    driver.keep_beating()
    deadline = time.monotonic() + 120
    while _heartbeat(driver, study) == before:  # nobody calls `renew`
        assert time.monotonic() < deadline
        time.sleep(0.01)
    driver.sign_out()


def test_a_loop_that_hangs_for_many_leases_is_not_kept_alive(study: FakeStudy) -> None:
    clock = _Clock()
    driver = Driver(study.engine, study.study_id, lease_s=0.06, clock=clock)
    before = _heartbeat(driver, study)
    clock.now += 1.0
    driver.keep_beating()
    time.sleep(0.1)
    assert _heartbeat(driver, study) == before
    driver.sign_out()


def test_who_has_signed_out_does_not_sign_in_again(study: FakeStudy) -> None:
    driver = Driver(study.engine, study.study_id, lease_s=0.006)
    driver.keep_beating()
    time.sleep(0.05)
    driver.sign_out()
    time.sleep(0.05)
    with study.engine.connect() as connection:
        assert list(connection.scalars(select(OWN_DRIVERS.c.driver_id))) == [
            study.driver.driver_id
        ]
