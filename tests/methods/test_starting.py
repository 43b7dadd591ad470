"""A package that `dgsearch methods --new` writes; `test_walks.py` installs and sweeps one."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dgsearch.errors import MethodError
from dgsearch.methods.starting import start_package

NAMES = ["x", "a_method_with_a_name_of_forty_characters"]


@pytest.mark.parametrize("name", NAMES)
def test_it_writes_a_package_on_which_ruff_is_clean(name: str, tmp_path: Path) -> None:
    lines = list(start_package(name, tmp_path))
    folder = tmp_path / name
    assert {file.name for file in folder.iterdir()} == {
        "pyproject.toml",
        "README.md",
        "study.toml",
        f"dgsearch_{name}.py",
        f"test_{name}.py",
    }
    assert len((folder / f"dgsearch_{name}.py").read_text().splitlines()) <= 50
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["dgsearch.methods"] == {name: f"dgsearch_{name}:METHOD"}
    assert f"  dgsearch report {name}-sensitivity" in lines
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        ruff = [sys.executable, "-m", "ruff", *command, "."]
        ran = subprocess.run(ruff, cwd=folder, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    "name", ["My_Method", "my-method", "1st", "_x", "x_", "a/b", "", "x" * 41]
)
def test_a_name_that_cannot_be_used_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(MethodError, match="must be lower-case letters, digits and single _"):
        start_package(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_a_method_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match="'mpbm': there is such a method; choose another name"):
        start_package("mpbm", tmp_path)


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(MethodError, match="mine exists already; choose another name or place"):
        start_package("mine", tmp_path)
    assert list((tmp_path / "mine").iterdir()) == []
