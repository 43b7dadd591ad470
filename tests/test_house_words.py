"""What users read has none of the words that only this house uses (`style.md`, Prose)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "dgsearch"
HOUSE_WORDS = {  # what not to write, and what a reader understands
    r"\banew\b": "again, from scratch",
    r"\b(go|goes|going|went) on\b": "resume, continue",
    r"\b(set|stands?|shown) beside\b|\bbeside it\b": "next to, alongside, compared with",
    r"\bspare[ds]?\b": "save",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\b(not|is|are|be) told\b|\btold apart\b": "differ significantly; shown, reported",
    r"\bset(s|ting)? aside\b": "exclude",
    r"\bleft out of every\b": "excluded from every",
    r"\blost and repeated\b": "lost and retried",
    r"\bways to fail\b": "failure checks",
    r"\bwhat trials made\b": "stored samples",
    r"\brest(s|ed)? on\b": "is based on, depends on",
    r"\b(its|their) own fault\b": "with an error",
    r"\bsay it\b": "show the ...",
    r"\bmay stay\b": "target size",
    r"\bshall\b": "should, must",
    r"\b(is|are) failed\b": "failed",
    r"\b(is|are) stopped early\b": "was, were stopped early",
    r"\bdeviates? by\b": "the standard deviation is",
    r"\b(one|a) (row|line|mark|panel|number|point|page) an? \w": "one row per",
    r"\bnobody\b": "who, exactly?",
    r"\bfound out\b": "detected",
}
PATTERN = re.compile("|".join(HOUSE_WORDS), re.IGNORECASE)
DOCUMENTS = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(PACKAGE.rglob("*.md")),
    *sorted((PACKAGE / "report").glob("*.html")),
)


def _docstrings(tree: ast.AST) -> set[int]:
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef)]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    bodies += [node.body for node in ast.walk(tree) if isinstance(node, kinds)]
    first = [body[0] for body in bodies if body and isinstance(body[0], ast.Expr)]
    return {id(item.value) for item in first}


def _text(node: ast.AST) -> str:
    """A text of the code; what is put into it is "{}"."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _text(part) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@lru_cache(maxsize=1)
def _sentences() -> tuple[tuple[str, str], ...]:
    """Place and text of every text of the package with a space in it, docstrings apart."""
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        seen = _docstrings(tree)
        for node in ast.walk(tree):
            if id(node) not in seen and " " in _text(node):
                found.append((f"{file.relative_to(ROOT)}:{node.lineno}", _text(node)))
            if isinstance(node, ast.JoinedStr):
                seen |= {id(part) for part in node.values}
    return tuple(found)


def _help_texts() -> Iterator[tuple[str, str]]:
    from docs.generating.commands import commands

    for name, command in commands().items():
        yield f"dgsearch {name} --help", command.help
        yield from ((f"dgsearch {name} --help", item.help or "") for item in command.params)


def _scripts() -> Iterator[tuple[str, str]]:
    for file in sorted((PACKAGE / "report").glob("*.js")):
        for text in re.findall(r"[\"'`]([^\"'`\n]* [^\"'`\n]*)[\"'`]", file.read_text("utf-8")):
            yield file.name, text


def _found(texts: Iterator[tuple[str, str]]) -> list[str]:
    return [
        f"{place}: {hit[0]!r} in {text!r}"
        for place, text in texts
        if (hit := PATTERN.search(text))
    ]


def test_no_text_of_the_code_has_a_house_word() -> None:
    assert len(_sentences()) > 1000
    assert _found(iter(_sentences())) == []


def test_no_help_text_has_a_house_word() -> None:
    assert _found(_help_texts()) == []


def test_no_text_of_the_pages_scripts_has_a_house_word() -> None:
    assert len(list(_scripts())) > 50
    assert _found(_scripts()) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_document_has_a_house_word(document: Path) -> None:
    lines = document.read_text(encoding="utf-8").splitlines()
    numbered = ((f"{document.name}:{number}", line) for number, line in enumerate(lines, 1))
    assert _found(numbered) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "it goes on from epoch 3",
        "fetch it anew",
        "3 trials are failed",
        "say it",
        "one row a trial",
        "it cannot be told from the best",
        "the bold rests on 3 seeds",
        "5 trials are set aside",
    ],
)
def test_a_house_word_is_found(sentence: str) -> None:
    assert PATTERN.search(sentence)


@pytest.mark.parametrize(
    "sentence", ["the trial resumes from epoch 3", "one row per trial", "3 trials failed"]
)
def test_plain_words_are_not(sentence: str) -> None:
    assert PATTERN.search(sentence) is None
