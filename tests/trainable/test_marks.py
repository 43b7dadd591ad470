from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dgsearch.trainable import marks
from dgsearch.trainable.marks import Marks


def _left_over(folder: Path, *, process: str, age: float) -> Path:
    """The mark of another process, renewed `age` seconds ago."""
    folder.mkdir(exist_ok=True)
    mark = folder / "k.training"
    mark.write_text(json.dumps({"host": "a-host", "process": process}))
    then = mark.stat().st_mtime - age
    os.utime(mark, (then, then))
    return mark


def _ended_process() -> str:
    """Name of a process that was a child of this one."""
    code = "from dgsearch.processes import this_process; print(this_process())"
    return subprocess.check_output([sys.executable, "-c", code], text=True).strip()


def test_one_process_has_a_stage_at_a_time(tmp_path: Path) -> None:
    first, second = Marks(tmp_path), Marks(tmp_path)
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
    taken = Marks(tmp_path)
    assert taken.claim("k")
    taken.release("k")


@pytest.mark.parametrize(("age", "expected"), [(0.0, False), (marks.SILENCE_S + 1, True)])
def test_the_claim_of_another_machine_is_taken_over_when_it_is_silent(
    tmp_path: Path, age: float, expected: bool
) -> None:
    _left_over(tmp_path, process="another-boot/1/1/1", age=age)
    assert Marks(tmp_path).claim("k") is expected
    Marks(tmp_path).release("k")


def test_a_half_written_mark_counts_until_it_is_old(tmp_path: Path) -> None:
    mark = tmp_path / "k.training"
    mark.write_text("")
    assert not Marks(tmp_path).claim("k")
    then = mark.stat().st_mtime - marks.SILENCE_S - 1
    os.utime(mark, (then, then))
    assert Marks(tmp_path).claim("k")
    Marks(tmp_path).release("k")


def test_what_is_read_is_marked(tmp_path: Path) -> None:
    reading = Marks(tmp_path)
    mark = reading.use("k")
    assert reading.is_marked("k")
    assert not reading.is_marked("other")
    reading.leave(mark)
    assert not reading.is_marked("k")


@pytest.mark.slow  # waits for a heartbeat
def test_a_living_owner_renews_its_marks(tmp_path: Path) -> None:
    held = Marks(tmp_path)
    assert held.claim("k")
    mark = tmp_path / "k.training"
    os.utime(mark, (0, 0))
    for _ in range(50):
        if mark.stat().st_mtime > 0:
            break
        marks.threading.Event().wait(0.1)
    assert mark.stat().st_mtime > 0
    held.release("k")
