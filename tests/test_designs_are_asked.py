"""What depends on a design is asked of it: nobody else tells designs apart."""

from __future__ import annotations

import re
from pathlib import Path

from dgsearch.designs.registry import installed_designs

PACKAGE = Path(__file__).parents[1] / "dgsearch"
CLASSES = "|".join(model.__name__ for model in installed_designs().values())
KINDS = "|".join(kind for kind in installed_designs() if "-" in kind)  # no other word is one
TOLD_APART = (
    re.compile(rf"isinstance\([^\n]*\b(?:{CLASSES})\b"),
    re.compile(rf"type\([^\n]*\) (?:is|==|in) [^\n]*\b(?:{CLASSES})\b"),
    re.compile(r"\b(?:view|design|facts|self)\.kind (?:==|!=|in|not in) "),
    re.compile(r"""["']kind["'][\])]+ (?:==|!=|in|not in) """),
    re.compile(rf"""["'](?:{KINDS})["']"""),
)


def test_designs_are_not_told_apart_outside_their_folder() -> None:
    found = [
        f"{file.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for file in sorted(PACKAGE.rglob("*.py"))
        if file.parent.name not in ("designs", "mpbm", "augkd")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if any(pattern.search(line) for pattern in TOLD_APART)
    ]
    assert not found, "\n".join(found)
