"""docs/agents.md, followed to the letter: each block is a file to write or a script to run."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.warm_command import forked_command

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT, flags=re.M | re.S)
LIMIT_S = 1200


def _write(text: str, folder: Path) -> None:
    first, _, rest = text.partition("\n")
    (folder / first.removeprefix("# ")).write_text(rest, encoding="utf-8")


def _run(script: str, folder: Path, commands: Path) -> list[dict[str, object]]:
    """The objects that the commands of a script printed."""
    environment = {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("DGSEARCH_DATABASE", None)
    ran = subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert ran.returncode == 0, f"{script}\n{ran.stdout}{ran.stderr}"
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_every_block_is_one_that_can_be_followed() -> None:
    assert [language for language, _ in BLOCKS] == ["sh", "toml", "sh", "python", "sh"]
    for language, text in BLOCKS:
        if language != "sh":
            assert re.match(r"# \w+\.(py|toml)\n", text), text


def test_every_command_of_the_document_asks_for_json() -> None:
    commands = re.findall(r"^dgsearch .*$", DOCUMENT, flags=re.M)
    assert len(commands) > 10
    assert [line for line in commands if "--json" not in line] == []


@pytest.mark.slow
@pytest.mark.timeout(2 * LIMIT_S)
def test_a_program_improves_mpbm_by_json_alone(tmp_path: Path) -> None:
    answers = []
    with forked_command(tmp_path / "commands") as commands:
        for language, text in BLOCKS:
            if language == "sh":
                answers += _run(text, tmp_path, commands)
            else:
                _write(text, tmp_path)
    assert all(answer["exit_code"] == 0 for answer in answers)
    by_command = {answer["command"]: answer["result"] for answer in answers}
    assert by_command["best"]["best"]["varied"] == {"lr": 1e-3}
    assert by_command["compare"]["verdict"] == "better"
    assert [row["verdict"] for row in by_command["decisions"]["configurations"]] == ["better"]
    assert (tmp_path / "first.html").is_file()
    improved = json.loads((tmp_path / "improved.json").read_text(encoding="utf-8"))
    assert improved == by_command["judge"]
    first, second = improved["proposals"]
    assert (first["changes"], first["decision"], first["seeds"]) == ({"lr": 1e-3}, "kept", 4)
    assert first["gain"] > 0.1  # 0.3 where this was written
    assert first["p"] <= first["part"]
    assert second["champion"] == first["config_id"]
    assert improved["champion"]["changes"]["lr"] == 1e-3
    assert second["decision"] in ("kept", "dropped", "open")
    (study,) = by_command["status"]["studies"]
    assert (study["study"], study["left"]) == ("first", 0)
