"""The reasons why trials end are spelled in one place."""

from __future__ import annotations

import ast
from pathlib import Path

from dgsearch.endings import StopReason

PACKAGE = Path(__file__).parents[1] / "dgsearch"
HOME = PACKAGE / "endings.py"


def _compared_with_a_reason(tree: ast.AST) -> list[int]:
    """Lines that compare `stop_reason` with text, or give it as text."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and "stop_reason" in ast.unparse(node.left):
            found += [node.lineno for side in node.comparators if _is_reason(side)]
        if isinstance(node, ast.keyword) and node.arg == "stop_reason" and _is_reason(node.value):
            found.append(node.value.lineno)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Ending", "Attempt"}:
            found += [node.lineno for argument in node.args if _is_reason(argument)]
    return found


def _is_reason(node: ast.AST) -> bool:
    return any(
        isinstance(part, ast.Constant) and part.value in set(StopReason) for part in ast.walk(node)
    )


def test_no_module_spells_a_stop_reason_of_its_own() -> None:
    spelled = [
        f"{file.relative_to(PACKAGE)}:{line}"
        for file in PACKAGE.rglob("*.py")
        if file != HOME
        for line in _compared_with_a_reason(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert spelled == []


def test_stored_values_are_those_of_every_earlier_version() -> None:
    assert [str(reason) for reason in StopReason] == [
        "finished",
        "halved",
        "failed",
        "interrupted",
        "timed out",
    ]


def test_only_an_interrupted_trial_is_still_to_be_run() -> None:
    assert [reason for reason in StopReason if reason.is_open] == [StopReason.INTERRUPTED]
    assert [reason for reason in StopReason if reason.is_fault] == [
        StopReason.FAILED,
        StopReason.TIMED_OUT,
    ]
