"""The promise of the style: short files, short bodies, no exception swallowed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "dgsearch"
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES, MOST_BODY_LINES = 400, 40


def _bodies(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_is_short_and_so_are_its_bodies(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert [body for body in _bodies(ast.parse(text)) if body[1] > MOST_BODY_LINES] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_exception_is_swallowed(file: Path) -> None:
    handlers = [
        node
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
    ]
    assert [node.lineno for node in handlers if isinstance(node.body[0], ast.Pass)] == []
    assert [node.lineno for node in handlers if node.type is None] == []


def _is_public(file: Path) -> bool:
    """Packages, what users and plug-ins import from, and analyses: the site documents these."""
    place = file.relative_to(PACKAGE)
    names = ("plugin.py", "errors.py", "space.py", "deprecation.py")
    return file.name == "__init__.py" or place.parts[0] == "analysis" or str(place) in names


def test_only_public_modules_list_their_names() -> None:
    """In any other module the underscore tells what is private; a list says it twice."""
    listed = [
        str(file.relative_to(PACKAGE))
        for file in FILES
        if not _is_public(file) and "\n__all__ = " in file.read_text(encoding="utf-8")
    ]
    assert listed == []


def test_the_package_was_found() -> None:
    assert len(FILES) > 40
