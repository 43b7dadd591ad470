"""Where a run keeps its artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgsearch.errors import ArtifactError
from dgsearch.runner.options import RunOptions


def test_a_folder_of_links_in_a_circle_is_named(tmp_path: Path) -> None:
    place = tmp_path / "artifacts"
    place.symlink_to(place)
    with pytest.raises(ArtifactError, match=r"artifacts .*: symbolic links lead in a circle"):
        _ = RunOptions(artifacts=place).artifacts_folder
