"""Trials that fail because their seed is hard mislead means, and none of the comparisons."""

from __future__ import annotations

import pytest

from tests.benchmarks.hard_seeds import rates


@pytest.mark.slow
def test_no_wrong_statement_above_its_level_where_hard_seeds_fail() -> None:
    against, best, plain = rates(200, 8, 0.0)
    assert against <= 0.09  # 5% of 200 studies, and two and a half standard errors
    assert best <= 0.09
    assert plain > against
    worse = rates(100, 8, -0.01)
    assert worse[0] <= 0.05  # the worse group called better
