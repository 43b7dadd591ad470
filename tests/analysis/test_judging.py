from __future__ import annotations

import math

import pandas as pd
import pytest

from dgsearch.analysis.augmented import Judging
from dgsearch.analysis.judging import values_by_rule

SCORES = pd.DataFrame(
    [
        (0, 1, "validation", "s", 0.9),
        (0, 2, "validation", "s", 0.8),
        (0, 1, "augmented", "blur", 0.5),
        (0, 1, "augmented", "noise", 0.3),
        (0, 2, "augmented", "blur", 0.7),
        (0, 2, "augmented", "noise", 0.2),
        (1, 1, "validation", "s", 0.6),
    ],
    columns=["trial_number", "epoch", "split", "domain", "value"],
).assign(metric="accuracy")
JUDGING = Judging({0: ("blur", "noise"), 1: ("blur", "noise")}, {})
TRIALS = pd.DataFrame({"trial_number": [1, 0]}, index=[5, 6])


@pytest.mark.parametrize(
    ("rule", "maximise", "expected"),
    [
        ("validation", True, 0.9),
        ("validation", False, 0.8),
        ("augmented", True, 0.45),  # of (.5 + .3) / 2 and (.7 + .2) / 2
        ("augmented", False, 0.4),
    ],
)
def test_each_trial_has_its_best_epoch_by_the_rule(
    rule: str, maximise: bool, expected: float
) -> None:
    found = values_by_rule(TRIALS, SCORES, rule=rule, judging=JUDGING, maximise=maximise)
    assert found[6] == pytest.approx(expected)


def test_a_trial_without_such_scores_has_no_value() -> None:
    found = values_by_rule(TRIALS, SCORES, rule="augmented", judging=JUDGING)
    assert math.isnan(found[5])
