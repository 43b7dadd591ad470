"""Texts from outside, files that are no databases, folders that refuse: nothing is lost."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dgsearch.database.connection import open_for_reading, open_for_writing
from dgsearch.database.queries import read_studies, read_trials
from dgsearch.database.recorder import Ending
from dgsearch.errors import DatabaseError, StudyFileError
from dgsearch.report import write_report
from tests.fakes import FakeStudy, fake_spec, planned

HOSTILE = [
    'it\'s "quoted"',
    "</script><script>alert(1)</script>",
    "'; drop table trials; --",
    "tab\tand bell\x07",
    "name/with/../slashes",
    "ünïcödé ﷽ 🎲",
    "%s %(x)s {0} $HOME `ls`",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_study_name_is_stored_read_and_shown(name: str, database: str, tmp_path: Path) -> None:
    study = FakeStudy(database, fake_spec(name=name))
    study.complete(planned(), 0.5)
    assert read_studies(database)["study"].tolist() == [name]
    assert len(read_trials(database, name)) == 1
    page = write_report(database, [name], tmp_path / "page.html")
    assert "<script>alert(1)" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 10_000, "line\n" * 500])
def test_any_error_text_is_stored_whole(text: str, database: str) -> None:
    study = FakeStudy(database)
    started = study.begin(planned())
    study.recorder.end(started.trial_id, Ending("FAIL", "failed", error_type="E", error=text))
    assert read_trials(database).loc[0, "error"] == text


def test_a_name_too_long_is_refused_with_its_bound() -> None:
    with pytest.raises(StudyFileError, match="allowed are 1 to 200 characters"):
        fake_spec(name="x" * 10_000)


@pytest.mark.parametrize("name", ["", "   ", "\n\t", "a\0b", "a\udc80"])
def test_a_name_that_shows_nothing_or_that_no_database_holds_is_refused(name: str) -> None:
    with pytest.raises(StudyFileError, match="not all of them blank and none of them NUL"):
        fake_spec(name=name)


@pytest.mark.parametrize(
    "content", [b"", b"not a database\n" * 100, b"SQLite format 3\x00" + b"\xff" * 500]
)
def test_a_file_that_is_no_database_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "study.db"
    file.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"study\.db"):
        open_for_reading(file)
    assert file.read_bytes() == content


@pytest.mark.parametrize("content", [b"not a database\n" * 100])
def test_a_file_that_is_no_database_is_not_written_over(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "study.db"
    file.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"study\.db"):
        open_for_writing(file)
    assert file.read_bytes() == content


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes into read-only folders")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(DatabaseError, match=r"study\.db"):
        open_for_writing(tmp_path / "study.db")


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="missing"):
        open_for_writing(tmp_path / "missing" / "study.db")


def test_reading_a_read_only_file_works(database: str, tmp_path: Path) -> None:
    FakeStudy(database).complete(planned(), 0.5)
    (tmp_path / "study.db").chmod(stat.S_IRUSR)
    assert len(read_trials(database)) == 1


def test_nothing_of_ours_unpickles() -> None:
    """No module calls pickle, and torch.load only reads weights."""
    root = Path(__file__).parents[2] / "dgsearch"
    for file in root.rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert "pickle.load" not in line, file
            assert "torch.load(" not in line or "weights_only=True" in line, file


@pytest.mark.slow
def test_a_full_disk_ends_a_study_with_a_message(tmp_path: Path) -> None:
    """The database is on a file system of half a megabyte."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a small file system")
    try:
        (small / "filler").write_bytes(b"x" * 300_000)
        study = Path(__file__).parents[2] / "studies" / "demo_mpbm.toml"
        ran = subprocess.run(
            [
                sys.executable,
                "-m",
                "dgsearch",
                "run",
                str(study),
                "--database",
                f"{small}/study.db",
            ],
            capture_output=True,
            text=True,
            timeout=200,
            cwd=tmp_path,
        )
        assert ran.returncode == 2
        assert "full" in ran.stderr
        assert "Traceback" not in ran.stderr
    finally:
        subprocess.run(["umount", str(small)], check=True)
