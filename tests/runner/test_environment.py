"""What is asked of the folder in which a study is run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dgsearch.runner.environment import _git_revision


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit, the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("a")
    for command in (
        ["init", "--quiet"],
        ["add", "file.txt"],
        ["-c", "user.name=n", "-c", "user.email=e@x", "commit", "--quiet", "-m", "first"],
    ):
        subprocess.run(["git", *command], check=True, capture_output=True)
    return tmp_path


def test_the_revision_is_that_of_the_commit(repository: Path) -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert _git_revision() == head.stdout[:12]


@pytest.mark.parametrize(
    "setting", ["core.fsmonitor", "filter.marked.clean", "core.pager", "alias.rev-parse"]
)
def test_nothing_that_the_repository_configures_is_run(repository: Path, setting: str) -> None:
    program = repository / "program.sh"
    program.write_text(f"#!/bin/sh\ntouch {repository / 'ran'}\ncat\n")
    program.chmod(0o755)
    shown = f"!{program}" if setting.startswith("alias") else str(program)
    subprocess.run(["git", "config", setting, shown], check=True)
    (repository / ".gitattributes").write_text("* filter=marked\n")
    (repository / "file.txt").write_text("b")
    assert _git_revision() is not None
    assert not (repository / "ran").exists()


def test_without_a_repository_there_is_no_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _git_revision() is None
