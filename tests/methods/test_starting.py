"""A package that `dgsearch methods --new` writes: whole, clean, installed, swept, reported."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import dgsearch
from dgsearch.errors import MethodError
from dgsearch.methods.starting import start_package
from tests.venvs import Venv

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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_is_installed_swept_reported_and_read_without_touching_dgsearch(
    tmp_path: Path,
) -> None:
    list(start_package("fresh", tmp_path))
    environment, folder = Venv(tmp_path / "venv"), tmp_path / "fresh"
    ran = environment.run(
        "pip install --quiet --no-build-isolation -e .\npytest -q -p no:cacheprovider\n"
        "dgsearch methods fresh\n"
        "dgsearch run study.toml --set hyperparameters.epochs=1 "
        "--set hyperparameters.pretrain_epochs=1\n"
        "dgsearch report fresh-sensitivity",
        folder,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "4 passed" in ran.stdout
    page = (folder / "reports" / "fresh-sensitivity.html").read_text(encoding="utf-8")
    assert "How much noise does fresh need, and does it help?" in page
    assert "dgsearch-fresh" in page  # its version stands beside ours
    trials = dgsearch.read_trials(folder / "dgsearch.db", study="fresh-sensitivity")
    assert trials["method"].value_counts().to_dict() == {"fresh": 6, "erm": 2}
    assert (trials["stop_reason"] == "finished").all()
    own = trials[trials["method"] == "fresh"]
    assert sorted(own["noise"].unique()) == [0.0, 0.1, 0.3]
    wide = trials.pivot_table(index="seed", columns=["method", "noise"], values="accuracy/photo")
    assert wide[("fresh", 0.0)].notna().all()
