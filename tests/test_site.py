"""The documentation site: its reference holds all that the code has, and it builds strictly."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import dgsearch
from dgsearch.database.frames import FRAMES
from dgsearch.environment import VARIABLES
from dgsearch.methods.registry import installed_methods
from docs.generating.commands import commands
from docs.generating.pages import generated_pages
from docs.generating.study_file import comments, sections

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return generated_pages()


def test_every_key_of_a_study_file_has_a_meaning() -> None:
    missing = [
        f"{section}.{name}"
        for section, model in sections().items()
        for name in model.model_fields
        if name != "kind" and name not in comments(model)
    ]
    assert missing == []


def test_every_key_of_a_study_file_is_in_the_reference(pages: dict[str, str]) -> None:
    page = pages["reference/study_file.md"]
    for section, model in sections().items():
        kind = re.fullmatch(r'design, kind = "(.*)"', section)
        place = f"design.{kind[1]}." if kind else f"{section}." if section else ""
        for name in model.model_fields:
            assert f"| `{name}`{{ #{place}{name} }} |" in page


def test_a_row_says_type_bounds_default_and_meaning(pages: dict[str, str]) -> None:
    page = pages["reference/study_file.md"]
    for row in (
        "| `validation`{ #data.validation } | number > 0, < 1 | `0.2` | share of the source held "
        "out for selection |",
        "| `redraw`{ #data.redraw } | boolean | `false` |",
        "| `student_images`{ #data.student_images } | whole number > 0 | `100` |",
        '| `gpus`{ #resources.gpus } | number >= 0 or `"auto"` | `"auto"` |',
        "| `vary`{ #design.search.vary } | table of [ranges](#range) or lists of values, at "
        "least 1 | required |",
        "| `variants`{ #design.ablation.variants } | table of tables of values, at least 1 |",
        "| `seeds`{ #seeds } | list of whole numbers >= 0, <= 9223372036854775807, at least 1 |",
    ):
        assert row in page


def test_every_hyperparameter_is_in_the_reference(pages: dict[str, str]) -> None:
    page = pages["reference/hyperparameters.md"]
    for name, method in installed_methods().items():
        for item in method.space:
            shown = [f"| `{item.name}`{{ #{place}.{item.name} }} |" for place in ("common", name)]
            assert sum(row in page for row in shown) == 1, (name, item.name)


def test_every_command_and_option_is_in_the_reference(pages: dict[str, str]) -> None:
    parts = re.split(r"^## `dgsearch (.+)` \{.*$", pages["reference/commands.md"], flags=re.M)
    described = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert described.keys() == commands().keys()
    for name, command in commands().items():
        for parameter in command.params:
            options = parameter.opts if parameter.param_type_name == "option" else []
            assert all(f"`{option}`" in described[name] for option in options)


def test_every_environment_variable_of_the_code_is_declared_and_in_the_reference(
    pages: dict[str, str],
) -> None:
    package = Path(dgsearch.__file__).parent
    used = {
        name
        for file in package.rglob("*.py")
        if file.name != "environment.py"
        for name in re.findall(r"DGSEARCH_[A-Z_]+", file.read_text(encoding="utf-8"))
    }
    assert used == {item.name for item in VARIABLES}
    assert all(f"| `{name}`{{" in pages["reference/environment.md"] for name in used)


def test_every_column_of_a_frame_is_in_the_reference(pages: dict[str, str]) -> None:
    page = pages["reference/frames.md"].replace("&lt;", "<")
    rows = [(name, column.name) for name, frame in FRAMES.items() for column in frame.columns]
    assert [row for row in rows if f"| {row[0]} | {row[1]} |" not in page] == []


def test_every_public_name_of_a_module_is_on_its_page(pages: dict[str, str]) -> None:
    for name in ("dgsearch", "dgsearch.plugin", "dgsearch.errors", "dgsearch.notebook"):
        module = sys.modules.get(name) or __import__(name, fromlist=["x"])
        page = pages[f"api/{name}.md"]
        assert all(f'- "{member}"\n' in page for member in module.__all__)


@pytest.mark.slow
def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install -e '.[docs]'")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = list(tmp_path.rglob("*.html"))
    assert len(files) > 20
    loaded = re.compile(r"<(?:script|img|iframe)[^>]* src=\"?https?:|<link[^>]* href=\"?https?:")
    assert [file.name for file in files if loaded.search(file.read_text("utf-8"))] == []
    styles = re.compile(r"@import|url\([\"']?https?:")
    sheets = list(tmp_path.rglob("*.css"))
    assert [file.name for file in sheets if styles.search(file.read_text("utf-8"))] == []
