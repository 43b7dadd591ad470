"""The code of the guide: shell commands exist, Python compiles and runs, TOML is accepted."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w

import dgsearch
from docs.generating.commands import commands

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "docs" / "index.md", *(ROOT / "docs").glob("[gh]*/*.md")])
OTHERS = {  # programs that are not ours, with the words that may follow them
    "ray": ("start", "stop", "symmetric-run"),
    "pip": ("install",),
    "optuna-dashboard": (),
    "createdb": (),
    "export": (),
}
BASE = {
    "name": "fragment",
    "method": "mpbm",
    "seeds": [0, 1],
    "data": {"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo"]},
    "design": {"kind": "grid", "vary": {"T": [1, 5]}},
}


def _blocks(language: str) -> list[tuple[str, str]]:
    """Page and text of each block of a language."""
    fence = re.compile(rf"^```{language}\n(.*?)^```$", flags=re.M | re.S)
    return [
        (page.name, block)
        for page in PAGES
        for block in fence.findall(page.read_text(encoding="utf-8"))
    ]


def _lines() -> Iterator[list[str]]:
    for _, block in _blocks("sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words and "=" not in words[0]:  # neither a comment nor an assignment
                yield words[1:] if words[0] == "srun" else words


def test_pages_were_found() -> None:
    assert len(PAGES) > 10
    assert all(re.search(r"^```\w*$", page.read_text("utf-8"), flags=re.M) for page in PAGES)
    fences = [
        line for page in PAGES for line in re.findall(r"^```\w+", page.read_text("utf-8"), re.M)
    ]
    assert set(fences) == {"```sh", "```toml", "```python"}


def test_every_command_of_the_guide_has_the_options_that_it_is_given() -> None:
    known = commands()
    lines = [words for words in _lines() if "dgsearch" in words and "--version" not in words]
    assert len(lines) > 25
    for words in lines:
        rest = words[words.index("dgsearch") + 1 :]
        name = " ".join(rest[:2]) if " ".join(rest[:2]) in known else rest[0]
        assert name in known, words
        options = {option for item in known[name].params for option in item.opts} | {"--help"}
        assert {word for word in rest if word.startswith("-")} <= options, words


def test_every_other_program_of_the_guide_is_one_that_was_tried() -> None:
    for words in _lines():
        if words[0] != "dgsearch":
            assert words[0] in OTHERS, words
            assert not OTHERS[words[0]] or words[1] in OTHERS[words[0]], words


@pytest.mark.slow
def test_the_options_of_ray_exist() -> None:
    from ray.scripts.scripts import cli

    for words in _lines():
        if words[0] == "ray":
            own = words[2 : words.index("--")] if "--" in words else words[2:]
            given = {word.partition("=")[0] for word in own if word.startswith("--")}
            names = [words[1], "start"]  # symmetric-run hands what it does not know to start
            options = {
                option
                for name in names
                for item in cli.commands[name].params
                for option in item.opts
            }
            assert given <= options, words


@pytest.mark.parametrize(("page", "code"), _blocks("python"))
def test_every_python_block_compiles(page: str, code: str) -> None:
    compile(code, page, "exec")


@pytest.mark.parametrize("page", ["reading.md", "optuna_dashboard.md"])
def test_the_python_of_a_page_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.fakes import fake_spec, full_study

    full_study(f"sqlite:///{tmp_path}/dgsearch.db", spec=fake_spec(name="demo-mpbm"))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = [code for name, code in _blocks("python") if name == page]
    assert blocks
    for code in blocks:
        exec(compile(code, page, "exec"), names)


@pytest.mark.parametrize(("page", "text"), _blocks("toml"))
def test_every_toml_block_is_a_study_file_or_a_part_of_one(
    page: str, text: str, tmp_path: Path
) -> None:
    given = tomllib.loads(text)
    whole = {**BASE, **given}
    file = tmp_path / "study.toml"
    file.write_text(text if {*BASE} <= {*given} else tomli_w.dumps(whole), encoding="utf-8")
    assert dgsearch.load_study(file).name == whole["name"], page
