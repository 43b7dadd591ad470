"""Every command takes --json, and its keys are those of docs/json.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from dgsearch.cli import app
from dgsearch.runner.options import FailedTrial, Outcome
from tests.fakes import GRID, fake_spec, full_study
from tests.test_replies import Answered, answered

__all__ = ["answered"]  # the fixture

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
CALLS = {
    "best": ["best", "fake"],
    "compare": ["compare", "fake", "erm", "best"],
    "decisions": ["decisions", "fake"],
    "judge": ["judge", "fake"],
    "plan": ["plan", str(ROOT / "studies" / "demo_mpbm.toml")],
    "status": ["status"],
    "report": ["report", "fake"],
    "questions": ["questions"],
    "export": ["export", "fake", "-o", "t.csv"],
    "replay": ["replay", "fake", "--orders", "2"],
    "studies": ["studies"],
    "networks": ["networks"],
    "methods": ["methods"],
    "data": ["data"],
    "delete": ["delete", "fake", "--yes"],
    "rename": ["rename", "fake", "new", "--yes"],
}
NAME = {"config_id", "name"}
CONFIGURATION = NAME | {
    "method",
    "role",
    "variant",
    "varied",
    "hyperparameters",
    "seeds",
    "failed_seeds",
}
INTERVAL = {"n", "mean", "deviation", "low", "high"}
DIFFERENCE = {
    "pairs", "mean_a", "mean_b", "difference", "low", "high", "p", "smallest_p", "detectable",
}  # fmt: skip


def _documented(command: str) -> set[str]:
    """The keys in the table of a command."""
    _, found, section = DOCUMENT.partition(f"\n### `{command}`\n")
    assert found, command
    rows = re.findall(r"^\| (`.*?) \|", section.partition("\n### ")[0], flags=re.M)
    return {key for row in rows for key in re.findall(r"`([^`]+)`", row)}


def _keys(result: dict[str, Any], documented: set[str]) -> set[str]:
    """The keys of a result; of a list's items where the document names them one by one."""
    found = set()
    for key, value in result.items():
        if any(name.startswith(f"{key}[].") for name in documented):
            found |= {f"{key}[].{name}" for item in value for name in item}
        else:
            found.add(key)
    return found


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def test_every_command_takes_json_and_is_documented() -> None:
    commands = dict(_commands(typer.main.get_command(app)))
    without = [
        name
        for name, command in commands.items()
        if not any("--json" in parameter.opts for parameter in command.params)
    ]
    assert without == []
    assert [name for name in commands if f"`{name}`" not in DOCUMENT] == []


@pytest.mark.parametrize("command", CALLS)
def test_the_keys_of_a_command_are_those_of_the_document(
    command: str, database: str, monkeypatch: pytest.MonkeyPatch, answered: Callable[..., Answered]
) -> None:
    design = GRID if command == "replay" else fake_spec().design.model_dump(mode="json")
    full_study(database, spec=fake_spec(design=design))
    monkeypatch.setenv("DGSEARCH_DATABASE", database)
    code, answer = answered(*CALLS[command])
    assert (code, answer["command"]) == (0, command), answer.get("error")
    documented = _documented(command)
    assert _keys(answer["result"], documented) == documented


def test_the_keys_of_a_run_are_those_of_the_document() -> None:
    failed = FailedTrial(3, "abc", 0, "ValueError", "it is wrong")
    answer = Outcome("fake", started=2, planned=3, failed=[failed]).answer()
    assert set(answer) == _documented("run")
    assert answer["failed"][0]["error_type"] == "ValueError"


def test_shapes_are_those_of_the_document(
    database: str, answered: Callable[..., Answered]
) -> None:
    full_study(database)
    _, best = answered("best", "fake", "--database", database)
    _, compared = answered("compare", "fake", "erm", "reference", "--database", database)
    shapes = DOCUMENT.partition("## Shapes")[2].partition("## Results")[0]
    for shape in (CONFIGURATION, INTERVAL, DIFFERENCE):
        assert [key for key in shape if f"`{key}`" not in shapes] == []
    assert set(best["result"]["best"]) == set(compared["result"]["a"]) == CONFIGURATION
    assert set(best["result"]["validation"]) == INTERVAL
    assert set(best["result"]["targets"]) == {"mean of targets", "photo", "street"}
    assert set(compared["result"]["targets"]["photo"]) == DIFFERENCE


def test_status_hides_a_password_and_counts_as_its_table_does(
    database: str, answered: Callable[..., Answered]
) -> None:
    full_study(database)
    _, answer = answered("status", "--database", database)
    (study,) = answer["result"]["studies"]
    assert (study["complete"], study["planned"], study["left"]) == (18, 18, 0)
    assert (study["best"], study["best_trial"]) == (0.54, 2)
    assert study["last_activity"].endswith("+00:00")


@pytest.mark.parametrize("command", [["delete", "fake"], ["rename", "fake", "new"]])
def test_a_program_is_asked_nothing(
    command: list[str], database: str, answered: Callable[..., Answered]
) -> None:
    full_study(database)
    code, answer = answered(*command, "--database", database)
    assert code == 2
    assert "--json asks no question; add --yes" in answer["error"]["message"]
    assert answered("status", "fake", "--database", database)[0] == 0


def test_stages_and_their_faults_are_told(
    tmp_path: Path, answered: Callable[..., Answered]
) -> None:
    from dgsearch.trainable.store import Store

    folder = tmp_path / "artifacts"
    store = Store(folder / "stages")
    store.folder.mkdir(parents=True, exist_ok=True)
    (store.folder / "broken").mkdir()
    code, answer = answered("stages", "list", "--artifacts", str(folder))
    assert code == 0
    assert [stage["key"] for stage in answer["result"]["stages"]] == ["broken"]
    assert _keys(answer["result"], _documented("stages list")) == _documented("stages list")
    code, answer = answered("stages", "verify", "--artifacts", str(folder))
    assert code == answer["exit_code"] == 1
    assert set(answer["result"]) == _documented("stages verify")
    code, answer = answered("stages", "prune", "--keep-gb", "0", "--artifacts", str(folder))
    assert code == 0
    assert set(answer["result"]) == {
        "folder",
        "bytes",
        "half_written",
        "trained_ahead",
        "stages",
        "remarks",
    }


def test_a_wrong_study_file_names_each_problem(
    tmp_path: Path, answered: Callable[..., Answered]
) -> None:
    study = tmp_path / "s.toml"
    study.write_text('name = "x"\nmethod = "mpbn"\nseeds = "no"\n', encoding="utf-8")
    code, answer = answered("plan", str(study))
    assert code == 2
    assert answer["error"]["kind"] == "StudyFileError"
    problems = {problem["key"] for problem in answer["error"]["problems"]}
    assert {"method", "seeds"} <= problems


def test_one_method_and_one_benchmark_are_told_in_full(
    answered: Callable[..., Answered],
) -> None:
    _, answer = answered("methods", "mpbm")
    (rate,) = [item for item in answer["result"]["hyperparameters"] if item["name"] == "lr"]
    assert rate["log"]
    _, answer = answered("data", "digits-mini")
    scan = answer["result"]["domains"][0]
    assert (scan["name"], scan["images"]) == ("scan", 1197)
    assert sum(scan["classes"].values()) == 1197
