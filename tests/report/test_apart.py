"""Work in a copy of the process: the same result, and errors as if there were none."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dgsearch.database.connection import open_for_reading
from dgsearch.report import write_report
from dgsearch.report.apart import started_apart
from dgsearch.report.parts import Section
from dgsearch.report.sections import begun_sections
from dgsearch.report.study_data import read_the_rest, read_trials_first
from dgsearch.report.view import study_view
from tests.bulk import bulk_search

linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux only")


def _here() -> str:
    return str(os.getpid())


@linux
def test_work_is_done_in_a_copy_of_a_process_with_one_thread() -> None:
    code = (
        "import os; from dgsearch.report.apart import started_apart;"
        "print(started_apart(lambda: str(os.getpid()), processes=2)() == str(os.getpid()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout == "False\n", ran.stderr


def test_a_process_with_other_threads_does_the_work_itself() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert started_apart(_here, processes=2)() == _here()
    finally:
        done.set()
        other.join()


def test_one_process_does_the_work_itself() -> None:
    assert started_apart(_here, processes=1)() == _here()


def test_what_fails_in_the_copy_is_done_again_and_raised_here() -> None:
    def work() -> str:
        raise ValueError(f"in {os.getpid()}")

    with pytest.raises(ValueError, match=f"in {os.getpid()}"):
        started_apart(work, processes=2)()


def test_what_fails_in_the_copy_may_be_made_in_another_way() -> None:
    def work() -> str:
        raise ValueError("in the copy")

    assert started_apart(work, processes=2, otherwise=lambda: "here")() == "here"
    assert started_apart(work, processes=1, otherwise=lambda: "here")() == "here"


def test_a_copy_that_is_killed_is_replaced() -> None:
    here = _here()

    def work() -> str:
        if _here() != here:
            os.kill(os.getpid(), 9)
        return _here()

    assert started_apart(work, processes=2)() == here


def test_a_copy_has_nothing_but_trials_and_what_it_cannot_make_is_made_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = f"sqlite:///{tmp_path / 'study.db'}"
    bulk_search(database, trials=40)
    engine = open_for_reading(database)
    first = read_trials_first(engine, "bulk")
    reads_scores = [("path", lambda view: [Section("path", str(len(view.data.scores)), [])])]
    monkeypatch.setattr("dgsearch.report.sections._makers", lambda _: iter(reads_scores))
    finish = begun_sections(study_view(first, {}), processes=2)
    whole = study_view(read_the_rest(engine, first), {})
    assert [section.title for section in finish(whole)] == [str(len(whole.data.scores))]


def test_two_processes_write_the_page_of_one(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'study.db'}"
    bulk_search(database, trials=80)
    pages = [
        write_report(database, ["bulk"], tmp_path / f"{count}.html", processes=count)
        for count in (1, 2)
    ]
    one, two = (re.sub(r"on \d{4}-.* UTC", "", page.read_text("utf-8")) for page in pages)
    assert one == two
    assert "-pairs" in one
