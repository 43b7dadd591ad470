"""The list of tests that `make test-lowest` leaves out names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_OUT = (ROOT / "tests" / "lowest_left_out.txt").read_text(encoding="utf-8").splitlines()


def _tests(file: str) -> list[str]:
    return re.findall(r"^def (test_\w+)", (ROOT / file).read_text(encoding="utf-8"), flags=re.M)


def test_each_line_leaves_out_one_test() -> None:
    assert sorted(set(LEFT_OUT)) == LEFT_OUT
    for line in LEFT_OUT:
        file, _, name = line.removeprefix("--deselect=").partition("::")
        begin_so = [test for test in _tests(file) if test.startswith(name)]  # as pytest compares
        assert begin_so == [name], line
