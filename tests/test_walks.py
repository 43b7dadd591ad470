"""The walks of CONTRIBUTING (a method, a benchmark, an analysis, a design), to the letter.

A fenced block is a script to run (`sh`), a change to apply (`diff`), or a file to write, whose
path stands in its first line.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import dgsearch
from tests.venvs import ROOT, Venv

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def _blocks(heading: str) -> list[tuple[str, str]]:
    """Language and text of each fenced block under a heading."""
    _, found, section = CONTRIBUTING.partition(f"\n## {heading}\n")
    assert found, heading
    section = section.partition("\n## ")[0]
    return re.findall(r"^```(\w+)\n(.*?)^```$", section, flags=re.M | re.S)


def _write(text: str, folder: Path) -> None:
    first, _, rest = text.partition("\n")
    file = folder / first.removeprefix("# ")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(rest, encoding="utf-8")


def _apply(text: str, folder: Path) -> None:
    command = ["git", "apply", "-"]
    ran = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def _follow(heading: str, folder: Path, environment: Venv, checkout: Path) -> str:
    """Carry out every block of a walk in a folder; what its scripts printed."""
    printed = ""
    for language, text in _blocks(heading):
        if language == "sh":
            ran = environment.run(text, folder, source=checkout)
            assert ran.returncode == 0, f"{text}\n{ran.stdout}{ran.stderr}"
            printed += ran.stdout + ran.stderr
        elif language == "diff":
            _apply(text, folder)
        else:
            _write(text, folder)
    return printed


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_walks_lead_where_they_say(tmp_path: Path) -> None:
    checkout = tmp_path / "dgsearch"
    for name in ("dgsearch", "tests"):
        shutil.copytree(ROOT / name, checkout / name)  # with what Python has compiled
    shutil.copy(ROOT / "pyproject.toml", checkout)
    environment = Venv(tmp_path / "venv")

    printed = _follow("Adding a method", tmp_path, environment, checkout)
    assert "4 passed" in printed
    assert "8/8 trials done" in printed
    _check_sweep(tmp_path / "fade")

    printed = _follow("Adding a benchmark", tmp_path, environment, checkout)
    assert re.search(r"light +200", printed)
    assert "bars: How much noise does fade need" in printed
    assert "trials     8 planned" in printed

    printed = _follow("Adding an analysis", checkout, environment, checkout)
    assert "1 passed" in printed
    page = (checkout / "reports" / "fade-sensitivity.html").read_text(encoding="utf-8")
    assert "Spread over target domains" in page
    assert "best less worst target" in page

    printed = _follow("Adding a design", checkout, environment, checkout)
    assert "2 passed" in printed


def _check_sweep(folder: Path) -> None:
    """Look at what was written without dgsearch having been touched."""
    page = (folder / "reports" / "fade-sensitivity.html").read_text(encoding="utf-8")
    assert "How much noise does fade need, and does it help?" in page
    assert "dgsearch-fade" in page  # its version stands beside ours
    trials = dgsearch.read_trials(folder / "dgsearch.db", study="fade-sensitivity")
    assert trials["method"].value_counts().to_dict() == {"fade": 6, "erm": 2}
    assert (trials["stop_reason"] == "finished").all()
    own = trials[trials["method"] == "fade"]
    assert sorted(own["noise"].unique()) == [0.0, 0.1, 0.3]
    wide = trials.pivot_table(index="seed", columns=["method", "noise"], values="accuracy/photo")
    assert wide[("fade", 0.0)].notna().all()


@pytest.mark.parametrize("heading", ["Adding an analysis", "Adding a design"])
def test_the_change_of_the_walk_fits_the_files_that_it_changes(heading: str) -> None:
    changes = [text for language, text in _blocks(heading) if language == "diff"]
    assert len(changes) == 1
    command = ["git", "apply", "--check", "-"]
    ran = subprocess.run(command, cwd=ROOT, input=changes[0], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_every_block_of_the_walks_is_one_that_can_be_followed() -> None:
    for heading in (
        "Adding a method",
        "Adding a benchmark",
        "Adding an analysis",
        "Adding a design",
    ):
        blocks = _blocks(heading)
        assert blocks
        for language, text in blocks:
            assert language in ("sh", "diff", "python", "toml")
            if language in ("python", "toml"):
                assert re.match(r"# [\w/]+\.(py|toml)\n", text), text
