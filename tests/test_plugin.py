"""The public module of plug-in authors, and how things leave it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dgsearch
from dgsearch import plugin
from dgsearch.deprecation import DgsearchDeprecationWarning, deprecated

PACKAGE = Path(dgsearch.__file__).parent
TEMPLATES = PACKAGE / "methods" / "new_package"


def _imported(text: str) -> set[str]:
    """Modules of dgsearch that a text imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.partition(".")[0] == "dgsearch"}


def test_every_name_is_there_and_no_other() -> None:
    assert sorted(plugin.__all__) == sorted(n for names in plugin._HOMES.values() for n in names)
    assert all(getattr(plugin, name) is not None for name in plugin.__all__)
    assert dir(plugin) == sorted(plugin.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Classifer'"):
        _ = plugin.Classifer


@pytest.mark.parametrize("file", ["method.py.template", "test.py.template"])
def test_the_template_imports_nothing_else_of_dgsearch(file: str) -> None:
    text = (TEMPLATES / file).read_text(encoding="utf-8").replace("$name", "fresh")
    assert _imported(text) == {"dgsearch.plugin"}


def test_so_do_the_walks_for_people_outside() -> None:
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (benchmark,) = re.findall(r"```python\n(# stripes.*?)```", text, flags=re.S)
    assert _imported(benchmark) == {"dgsearch.plugin"}


def test_a_metric_or_a_design_needs_no_torch() -> None:
    code = "from dgsearch.plugin import Metric, Design, Configuration; import sys; "
    code += "print(sorted({'torch', 'ray'} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_a_deprecation_names_both_versions_and_what_takes_its_place() -> None:
    def old() -> None:
        deprecated("old()", since="0.3.0", removed="0.5.0", instead="new()")

    expected = "old() is deprecated since dgsearch 0.3.0 and goes with 0.5.0; use new()"
    with pytest.warns(DgsearchDeprecationWarning, match=re.escape(expected)) as caught:
        old()
    assert caught[0].filename == __file__  # the line of whoever called it


@pytest.mark.parametrize(("old", "new"), plugin._RENAMED.items())
def test_a_renamed_name_still_works_and_warns(old: str, new: str) -> None:
    expected = f"dgsearch.plugin.{old} is deprecated since dgsearch 0.3.0 .* use {new}"
    with pytest.warns(DgsearchDeprecationWarning, match=expected) as caught:
        found = getattr(plugin, old)
    assert found is getattr(plugin, new)
    assert caught[0].filename == __file__


def _deprecations() -> Iterator[tuple[str, str]]:
    """File and `removed` of each use."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "deprecated":
                (removed,) = [word.value for word in node.keywords if word.arg == "removed"]
                yield str(file), ast.literal_eval(removed)


def test_what_was_to_be_gone_by_now_is_gone() -> None:
    def parts(version: str) -> list[int]:
        return [int(part) for part in version.split(".")]

    found = list(_deprecations())
    assert found  # otherwise this test looks for the wrong thing
    late = [each for each in found if parts(each[1]) <= parts(dgsearch.__version__)]
    assert late == []


def test_every_error_that_leaves_the_package_is_of_the_tree() -> None:
    """Classes of exceptions that are defined anywhere descend from one, or are private."""
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for name in re.findall(r"^class ([A-Z]\w*Error)\b", text, flags=re.M):
            place = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
            found = getattr(importlib.import_module(place), name)
            assert inspect.isclass(found)
            assert issubclass(found, dgsearch.DgsearchError)
