"""Verdicts on differences: by hand, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from dgsearch.analysis.comparison import compare_columns
from dgsearch.analysis.equivalence import equivalence_p, equivalence_power, with_verdicts


def _compared(*groups: list[float]) -> pd.DataFrame:
    wide = pd.DataFrame({"reference": [0.0] * len(groups[0])})
    for number, group in enumerate(groups):
        wide[f"group {number}"] = group
    return compare_columns(wide, "reference")


ALIKE = [0.001, -0.001, 0.002, -0.002, 0.001, -0.001, 0.002, -0.002]
ABOVE = [0.05, 0.06, 0.04, 0.05, 0.07, 0.05, 0.06, 0.05]
SMALL = [0.001, 0.002, 0.001, 0.002, 0.001, 0.002, 0.001, 0.002]
NOISY = [0.05, -0.04, 0.06, -0.05, 0.07, -0.06, 0.05, -0.07]


def test_each_verdict_has_its_place() -> None:
    table = with_verdicts(_compared(ALIKE, ABOVE, SMALL, NOISY), rope=0.01)
    assert table["verdict"].tolist() == ["", "equivalent", "better", "equivalent", "open"]
    assert table["p_holm"].iloc[3] < 0.05  # shown, and too small to matter
    lower = with_verdicts(_compared(ALIKE, ABOVE, SMALL, NOISY), rope=0.01, maximise=False)
    assert lower["verdict"].tolist() == ["", "equivalent", "worse", "equivalent", "open"]


def test_without_a_rope_nothing_is_equivalent() -> None:
    table = with_verdicts(_compared(ALIKE, ABOVE, SMALL), rope=None)
    assert table["verdict"].tolist() == ["", "open", "better", "better"]
    assert table["p_equivalent"].isna().all()


def test_the_p_of_equivalence_by_hand() -> None:
    """Mean 0 and standard error 1/sqrt(3) of -1, 0, 1: t = 2 sqrt(3), 2 degrees of freedom."""
    found = equivalence_p(_compared([-1.0, 0.0, 1.0]).iloc[1:], rope=2.0)
    root = 2 * math.sqrt(3)
    assert found.item() == pytest.approx(0.5 - root / (2 * math.sqrt(2 + root**2)))


def test_few_or_tied_seeds_are_never_equivalent() -> None:
    assert np.isnan(equivalence_p(_compared([0.0, 0.001]), rope=0.5)).all()
    assert with_verdicts(_compared([0.0] * 6), rope=0.5)["verdict"].tolist() == ["", "open"]


def test_groups_at_the_edge_are_called_equivalent_in_at_most_5_percent() -> None:
    random = np.random.default_rng(0)
    called = [
        with_verdicts(_compared(random.normal(0.01, 0.01, 8).tolist()), rope=0.01)["verdict"].iloc[
            1
        ]
        for _ in range(1000)
    ]
    assert np.mean([verdict == "equivalent" for verdict in called]) <= 0.05 + 0.0138  # 2 errors


def test_power_is_that_of_a_simulation() -> None:
    random = np.random.default_rng(1)
    drawn = random.normal(0, 0.01, (4000, 6))
    error = drawn.std(axis=1, ddof=1) / math.sqrt(6)
    inside = np.abs(drawn.mean(axis=1)) + 2.015 * error < 0.01  # t of 5 degrees, 95%
    power = equivalence_power(0.01, 6, rope=0.01)
    assert power == pytest.approx(inside.mean(), abs=0.02)
    assert equivalence_power(0.01, 2, rope=0.01) == 0
    assert math.isnan(equivalence_power(math.nan, 6, rope=0.01))
