"""The documents say what is true: commands, links, layers, names."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer

import dgsearch
from dgsearch.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def _commands() -> set[str]:
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_the_readme_has_a_row_for_every_command_and_no_other() -> None:
    assert set(re.findall(r"^\| `dgsearch (\w+)", README, flags=re.M)) == _commands()


def test_every_command_in_the_readme_exists() -> None:
    assert set(re.findall(r"^dgsearch (\w+)", README, flags=re.M)) <= _commands()


def test_the_departures_of_augkd_are_listed_with_a_reason_and_the_way_back() -> None:
    text = (ROOT / "docs" / "augkd.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    headings = ["what", "released", "paper", "dgsearch", "why", "as released"]
    assert [row for row in rows if row[0] == "what"] == [headings] * 4
    assert all(len(row) == 6 and all(row) for row in rows)
    listed = " ".join(row[0] for row in rows)
    for departure in (  # found by comparing the two codes
        "down-sampling", "mask: layers", "slopes", "initial weights", "biases", "weight decay",
        "images", "teacher's checkpoint", "kept epoch", "invariance", "target",
    ):  # fmt: skip
        assert departure in listed


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_local_link_leads_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    assert [target for target in targets if not (ROOT / target.partition("#")[0]).exists()] == []


def test_every_make_target_in_the_documents_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.M))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", README + CONTRIBUTING, flags=re.M)) <= targets


def test_every_dependency_is_listed_with_its_purpose() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[\[><=]", entry)[0] for entry in project["dependencies"]]
    purposes = CONTRIBUTING.partition("## Dependencies")[2]
    assert [name for name in names if name not in purposes] == []


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower()
    extras = project["optional-dependencies"]
    entries = [*project["dependencies"], *extras["docs"], *extras["dev"][1:]]
    names = [re.split(r"[\[><=]", entry)[0].lower() for entry in entries]
    assert [name for name in names if f"\n{name}==" not in pins] == []


def test_no_file_names_a_package_index() -> None:
    pattern = re.compile(r"https?://\S*(pypi|pythonhosted|index|mirror)\S*|--(extra-)?index-url")
    shown = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [ROOT / name for name in shown.stdout.split() if not name.endswith(".png")]
    assert len(files) > 100
    assert [file.name for file in files if pattern.search(file.read_text("utf-8"))] == []


def test_the_readmes_python_reads_a_study(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fakes import fake_spec, full_study

    full_study(database, spec=fake_spec(name="demo-mpbm"))
    code, _ = re.findall(r"```python\n(.*?)```", README, flags=re.S)  # the second one runs a study
    monkeypatch.chdir(Path(database.removeprefix("sqlite:///")).parent)
    exec(code.replace("dgsearch.db", "study.db"), {})


def test_the_readmes_study_is_one(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", README, flags=re.S)
    study = tmp_path / "s.toml"
    study.write_text(examples[0], encoding="utf-8")
    assert dgsearch.load_study(study).name == "demo-mpbm"
    head = examples[0].partition("[hyperparameters]")[0]
    study.write_text(head + examples[1], encoding="utf-8")
    assert dgsearch.load_study(study).halving is not None


def test_the_layers_in_contributing_are_those_that_are_enforced() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    shown = re.search(r"^cli > .*$", CONTRIBUTING, flags=re.M)
    assert shown is not None
    written = [part.strip().replace(",", " |") for part in shown[0].split(">")]
    assert written == [layer.replace("dgsearch.", "") for layer in layers]
