from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dgsearch import processes
from dgsearch.processes import this_process
from dgsearch.trainable import leases
from dgsearch.trainable.leases import Leases


def _left_over(folder: Path, *, process: str, age: float) -> Path:
    """The lease of another process, renewed `age` seconds ago."""
    folder.mkdir(exist_ok=True)
    lease = folder / "k.training"
    lease.write_text(json.dumps({"host": "a-host", "process": process}))
    then = lease.stat().st_mtime - age
    os.utime(lease, (then, then))
    return lease


def _ended_process() -> str:
    """Name of a process that was a child of this one."""
    code = "from dgsearch.processes import this_process; print(this_process())"
    return subprocess.check_output([sys.executable, "-c", code], text=True).strip()


def test_one_process_has_a_stage_at_a_time(tmp_path: Path) -> None:
    first, second = Leases(tmp_path), Leases(tmp_path)
    assert first.claim("k")
    assert not second.claim("k")
    assert second.claim("other")
    first.release("k")
    assert second.claim("k")
    second.release("k")
    second.release("other")
    assert list(tmp_path.iterdir()) == []


def test_the_claim_of_a_dead_process_of_this_machine_is_taken_over_at_once(tmp_path: Path) -> None:
    _left_over(tmp_path, process=_ended_process(), age=0.0)
    taken = Leases(tmp_path)
    assert taken.claim("k")
    taken.release("k")


def test_a_claim_of_this_process_that_it_does_not_renew_is_of_a_copied_folder(
    tmp_path: Path,
) -> None:
    lease = _left_over(tmp_path, process=this_process(), age=2 * leases.RENEW_S + 1)
    taken = Leases(tmp_path)
    assert taken.claim("k")
    then = lease.stat().st_mtime - 2 * leases.RENEW_S - 1
    os.utime(lease, (then, then))
    assert not Leases(tmp_path).claim("k")  # however old: it is being renewed
    taken.release("k")


class _Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _watch(taker: Leases, clock: _Clock, *, seconds: float) -> bool:
    """Whether the claim is taken within so many seconds, looking twice a second."""
    for _ in range(int(2 * seconds)):
        if taker.claim("k"):
            taker.release("k")
            return True
        clock.now += 0.5
    return False


def test_the_claim_of_another_machine_is_taken_over_when_it_was_silent_and_watched(
    tmp_path: Path,
) -> None:
    _left_over(tmp_path, process="another-boot/1/1/1", age=leases.SILENCE_S + 1)
    clock = _Clock()
    taker = Leases(tmp_path, clock=clock)
    assert not _watch(taker, clock, seconds=2 * leases.RENEW_S)
    assert _watch(taker, clock, seconds=1.5)


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """Another process of this machine, which names itself and waits."""
    code = "from dgsearch.processes import this_process; print(this_process()); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def _name(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_an_owner_that_lives_and_gets_no_processor_keeps_its_claim_for_longer(
    tmp_path: Path, other: subprocess.Popen[str]
) -> None:
    _left_over(tmp_path, process=_name(other), age=leases.SILENCE_S + 1)
    clock = _Clock()
    taker = Leases(tmp_path, clock=clock)
    assert not _watch(taker, clock, seconds=leases.FORGOTTEN_S)
    assert _watch(taker, clock, seconds=1.5)


def test_an_owner_that_is_stopped_loses_its_claim_when_it_was_silent(
    tmp_path: Path, other: subprocess.Popen[str]
) -> None:
    name = _name(other)
    other.send_signal(signal.SIGSTOP)
    while processes.is_awake(name):  # until the signal has arrived
        pass
    _left_over(tmp_path, process=name, age=leases.SILENCE_S + 1)
    clock = _Clock()
    taker = Leases(tmp_path, clock=clock)
    assert not _watch(taker, clock, seconds=2 * leases.RENEW_S)
    assert _watch(taker, clock, seconds=1.5)


def test_an_age_alone_takes_no_claim(tmp_path: Path) -> None:
    """The folder was away for an hour, and its owner has not come to renew its claim yet."""
    lease = _left_over(tmp_path, process="another-boot/1/1/1", age=3600.0)
    clock = _Clock()
    taker = Leases(tmp_path, clock=clock)
    assert not taker.claim("k")
    clock.now += 3600.0  # nobody looked
    os.utime(lease)
    assert not _watch(taker, clock, seconds=leases.SILENCE_S)


def test_a_claim_that_is_young_by_the_folders_clock_is_watched_for_the_whole_silence(
    tmp_path: Path,
) -> None:
    _left_over(tmp_path, process="another-boot/1/1/1", age=-3600.0)
    clock = _Clock()
    taker = Leases(tmp_path, clock=clock)
    assert not _watch(taker, clock, seconds=leases.SILENCE_S)
    assert _watch(taker, clock, seconds=1.5)


def test_a_half_written_lease_counts_until_it_was_silent(tmp_path: Path) -> None:
    (tmp_path / "k.training").write_text("")
    clock = _Clock()
    taker = Leases(tmp_path, clock=clock)
    assert not _watch(taker, clock, seconds=leases.SILENCE_S)
    assert _watch(taker, clock, seconds=1.5)


def test_an_owner_that_slept_leaves_the_claim_of_its_successor_alone(tmp_path: Path) -> None:
    owner = Leases(tmp_path)
    assert owner.claim("k")
    lease = _left_over(tmp_path, process="another-boot/1/1/1", age=0.0)  # it was taken over
    old = lease.stat().st_mtime - 5
    os.utime(lease, (old, old))
    leases._HEARTBEAT.renew()
    assert lease.stat().st_mtime == old
    owner.release("k")
    assert lease.exists()


def test_a_process_number_alone_ends_no_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may hide other users' processes: /proc lacks them, and signals are refused."""
    _left_over(tmp_path, process=this_process().replace(f"/{os.getpid()}/", "/1/"), age=0.0)
    stat = processes._stat

    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(processes, "_stat", lambda pid: None if pid == 1 else stat(pid))
    monkeypatch.setattr(processes.os, "kill", refuse)
    assert not Leases(tmp_path).claim("k")


def test_a_lease_forgotten_for_long_holds_no_stage(tmp_path: Path) -> None:
    _left_over(tmp_path, process="another-boot/1/1/1", age=leases.FORGOTTEN_S - 5)
    assert Leases(tmp_path).is_leased("k")
    _left_over(tmp_path, process="another-boot/1/1/1", age=leases.FORGOTTEN_S + 5)
    assert not Leases(tmp_path).is_leased("k")


def test_what_is_read_is_leased(tmp_path: Path) -> None:
    reading = Leases(tmp_path)
    lease = reading.use("k")
    assert reading.is_leased("k")
    assert not reading.is_leased("other")
    reading.leave(lease)
    assert not reading.is_leased("k")


def test_a_living_owner_renews_its_leases(tmp_path: Path) -> None:
    held = Leases(tmp_path)
    assert held.claim("k")
    lease = tmp_path / "k.training"
    os.utime(lease, (0, 0))
    leases._HEARTBEAT.renew()
    assert lease.stat().st_mtime > 0
    held.release("k")
