"""What several of these tests compare with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.killing import run_to_the_end
from tests.chaos.patient import STUDY, with_patient


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study that others disturb, run by one driver without interference."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "study.toml").write_text(STUDY)
    ran = run_to_the_end(folder, with_patient(folder / "plugin"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder
