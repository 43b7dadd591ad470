"""A database that a process has open and opens once more stays locked against other processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dgsearch.database.connection import open_for_reading, open_for_writing
from dgsearch.database.formats.journal import is_journal
from tests.fakes import FakeStudy, planned

LOOKED = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
    "print(c.execute('SELECT count(*) FROM trials').fetchone()[0]); c.close()"
)


def _seen_by_another(file: Path) -> int:
    """How many trials another process sees, which opens the file and closes it again."""
    ran = subprocess.run(
        [sys.executable, "-c", LOOKED, str(file)], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.parametrize("again", [open_for_writing, open_for_reading])
def test_what_is_written_after_a_second_opening_is_there_for_all(
    tmp_path: Path, again: object
) -> None:
    file = tmp_path / "study.db"
    study = FakeStudy(f"sqlite:///{file}")
    with study.engine.connect() as held:
        held.exec_driver_sql("SELECT count(*) FROM trials").fetchall()
        held.rollback()
        again(f"sqlite:///{file}")  # type: ignore[operator]
        assert _seen_by_another(file) == 0
        assert file.with_name("study.db-wal").exists()  # another process was not the last one
        study.complete(planned(), 0.5)
        held.exec_driver_sql("UPDATE studies SET study_name = 'renamed'")
        held.commit()
    assert _seen_by_another(file) == 1
    names = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
        "print(c.execute('SELECT study_name FROM studies').fetchone()[0])"
    )
    told = subprocess.run([sys.executable, "-c", names, str(file)], capture_output=True, text=True)
    assert told.stdout.strip() == "renamed"


def test_a_file_is_told_from_a_journal_by_sqlite(tmp_path: Path) -> None:
    journal, empty, other = (tmp_path / name for name in ("a.log", "b.db", "c.txt"))
    journal.write_text('{"op_code": 0, "worker_id": "w", "study_name": "s"}\n')
    empty.touch()
    other.write_text("hello")
    assert [is_journal(file) for file in (journal, empty, other)] == [True, False, False]
