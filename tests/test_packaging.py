"""The wheel: built, installed where nothing of the checkout is, used from an empty folder."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.venvs import ROOT, Venv

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built from a copy without its build folder."""
    folder = tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    archive = ["tar", "--null", "-T", "-", "-cf", "-"]
    packed = subprocess.run(archive, cwd=ROOT, input=tracked, capture_output=True, check=True)
    source = folder / "source"
    source.mkdir()
    subprocess.run(["tar", "-xf", "-"], cwd=source, input=packed.stdout, check=True)
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", folder, source]
    pip = [sys.executable, "-m", "pip", "wheel", *options]
    subprocess.run(pip, check=True, capture_output=True)
    (built,) = folder.glob("dgsearch-*.whl")
    return built


def test_the_wheel_holds_the_package_and_the_studies(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert sum(name.endswith(".toml") and "/studies/" in name for name in names) == len(
        list((ROOT / "studies").glob("*.toml"))
    )
    assert "dgsearch/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "studies/"))]
    templates = {file.name for file in (ROOT / "dgsearch").rglob("*.template")}
    assert templates <= {name.rpartition("/")[2] for name in names}


def test_a_shipped_study_runs_from_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    venv, empty = Venv(tmp_path / "venv"), tmp_path / "empty"
    empty.mkdir()
    short = " ".join(
        f"--set hyperparameters.{name}=1" for name in ("epochs", "pretrain_epochs", "T")
    )
    script = f"""
        unset PYTHONPATH
        pip install --quiet --no-deps --force-reinstall {wheel}
        dgsearch studies | grep -q '^demo_mpbm '
        dgsearch run demo_mpbm {short} --set 'seeds=[0]' \\
            --set 'design.vary={{ T = [1] }}' --set 'baselines=[]'
        dgsearch report demo-mpbm -o page.html
        python -c 'import dgsearch; print(dgsearch.__file__)'
    """
    done = venv.run(script, empty)
    assert done.returncode == 0, done.stderr + done.stdout
    assert str(tmp_path / "venv") in done.stdout
    assert (empty / "page.html").stat().st_size > 100_000
