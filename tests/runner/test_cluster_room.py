"""Room for Ray's temporary files; no Ray is started here."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from dgsearch.errors import DgsearchError
from dgsearch.runner.cluster import check_room


def test_a_full_folder_of_temporary_files_is_named_before_ray_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    check_room()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=16_384))
    with pytest.raises(DgsearchError, match=r"has 0 MB of room, and Ray needs 20; make room"):
        check_room()


def test_a_folder_that_is_not_there_yet_is_left_to_ray(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "none"))
    check_room()
