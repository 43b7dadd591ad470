from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from dgsearch.designs.decisions import (
    BETTER,
    EQUIVALENT,
    FAILED,
    OPEN,
    WAITING,
    WORSE,
    SeedRule,
    decide,
    repeated_interval,
    verdicts,
)

ONE_LOOK_IN_TWO = SeedRule(first=5, cap=6, points=1, margin=0.01, confidence=0.9)  # 95% a look
STUDIES = 1000


def _decide(differences: Sequence[float | None], rule: SeedRule = ONE_LOOK_IN_TWO) -> tuple:
    own = [None if number is None else 0.5 + number for number in differences]
    return decide(own, [0.5] * len(own), rule)


def test_the_level_of_a_look_is_shared_over_looks_and_points() -> None:
    rule = SeedRule(first=5, cap=10, points=4, margin=0.01, confidence=0.95)
    assert rule.looks == 6
    assert rule.level == pytest.approx(1 - 0.05 / 24)
    assert ONE_LOOK_IN_TWO.level == pytest.approx(0.95)


def test_the_interval_matches_hand_computation() -> None:
    found = _decide([0.01, 0.02, 0.03, 0.02, 0.02, None])
    assert found.verdict == BETTER
    assert (found.seeds, found.pairs) == (5, 5)
    half = 2.776445 * math.sqrt(0.5e-4) / math.sqrt(5)  # t(0.975; 4), deviation, n
    assert found.difference == pytest.approx(0.02)
    assert (found.low, found.high) == pytest.approx((0.02 - half, 0.02 + half), abs=1e-8)


@pytest.mark.parametrize(
    ("differences", "verdict", "seeds"),
    [
        ([-0.01, -0.02, -0.03, -0.02, -0.02, None], WORSE, 5),
        ([0.002, -0.002, 0.001, -0.001, 0.0, None], EQUIVALENT, 5),
        ([0.05, -0.05, 0.04, -0.04, 0.0, None], WAITING, 6),  # open, so one more is planned
        ([0.05, -0.05, 0.04, -0.04, 0.0, 0.01], OPEN, 6),
        ([0.0, 0.0, 0.0, 0.0, 0.0, None], EQUIVALENT, 5),  # the same images right every time
        ([0.01, None, 0.03, 0.02, 0.02, 0.02], WAITING, 5),
    ],
)
def test_a_verdict_says_where_the_interval_lies(
    differences: list[float | None], verdict: str, seeds: int
) -> None:
    found = _decide(differences)
    assert (found.verdict, found.seeds) == (verdict, seeds)


def test_the_first_look_that_decides_counts_whatever_came_after() -> None:
    early = [0.01, 0.02, 0.03, 0.02, 0.02]
    assert _decide([*early, -0.9]) == _decide([*early, None])


def test_what_was_seen_at_the_last_look_stays_while_the_next_one_waits() -> None:
    waiting = _decide([0.05, -0.05, 0.04, -0.04, 0.0, None])
    assert waiting.pairs == 5
    assert waiting.difference == pytest.approx(0.0, abs=1e-12)
    assert waiting.low < 0 < waiting.high


def test_a_failed_trial_leaves_its_pair_out_and_fewer_than_two_pairs_end_it() -> None:
    nan = math.nan
    assert _decide([0.01, nan, 0.03, 0.02, 0.02, None]).pairs == 4
    failed = _decide([nan, nan, nan, 0.1, nan, None])
    assert (failed.verdict, failed.seeds, failed.pairs) == (FAILED, 5, 1)


def _first_verdicts(differences: np.ndarray, rule: SeedRule) -> np.ndarray:
    """The verdict of the first look that decides, (studies, points)."""
    found = np.full(differences.shape[:2], OPEN, dtype=object)
    for seeds in range(rule.first, rule.cap + 1):
        _, low, high = repeated_interval(differences[..., :seeds], rule)
        now = verdicts(low, high, margin=rule.margin)
        found = np.where(found == OPEN, now, found)
    return found


def _differences(rule: SeedRule, *, shift: float = 0.0) -> np.ndarray:
    """Points against a baseline that they share, (studies, points, seeds); deviation 0.02."""
    random = np.random.default_rng(0)
    own = random.normal(shift, 0.02, (STUDIES, rule.points, rule.cap))
    return own - random.normal(0, 0.02, (STUDIES, 1, rule.cap))


def _false_rate(rule: SeedRule) -> float:
    """Share of studies without any effect that call a point better or worse."""
    found = _first_verdicts(_differences(rule), rule)
    return float(np.isin(found, [BETTER, WORSE]).any(axis=1).mean())


@pytest.mark.parametrize("points", [1, 4])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_studies_without_an_effect_rarely_find_one(points: int, confidence: float) -> None:
    rule = SeedRule(first=5, cap=12, points=points, margin=1e-9, confidence=confidence)
    assert _false_rate(rule) <= 1 - confidence


def test_looking_again_without_the_correction_would_err_too_often() -> None:
    class Uncorrected(SeedRule):
        level = 0.95  # type: ignore[assignment]

    rule = Uncorrected(first=5, cap=12, points=4, margin=1e-9, confidence=0.95)
    assert _false_rate(rule) > 0.25


def test_a_difference_beyond_the_margin_is_rarely_called_equivalent() -> None:
    rule = SeedRule(first=5, cap=12, points=1, margin=0.03, confidence=0.95)
    found = _first_verdicts(_differences(rule, shift=0.031), rule)
    assert (found == EQUIVALENT).mean() <= 0.05


def test_large_effects_are_found_and_small_ones_called_equivalent() -> None:
    rule = SeedRule(first=5, cap=12, points=1, margin=0.05, confidence=0.95)
    assert (_first_verdicts(_differences(rule, shift=0.1), rule) == BETTER).mean() > 0.95
    assert (_first_verdicts(_differences(rule), rule) == EQUIVALENT).mean() > 0.8


def test_one_study_decides_as_many_at_once_do() -> None:
    rule = SeedRule(first=5, cap=9, points=1, margin=0.02, confidence=0.9)
    differences = _differences(rule)[:50]
    together = _first_verdicts(differences, rule)[:, 0]
    assert [_decide(row, rule).verdict for row in differences[:, 0].tolist()] == together.tolist()


def test_two_equal_differences_decide_nothing() -> None:
    rule = SeedRule(first=2, cap=4, points=1, margin=0.001, confidence=0.95)
    assert _decide([0.01, 0.01, None, None], rule).verdict == WAITING
    assert _decide([0.01, 0.01, 0.01, None], rule).verdict == BETTER


@pytest.mark.parametrize("images", [50, 100, 600])
@pytest.mark.parametrize("spread", [0.02, 0.01, 0.005])
def test_accuracies_of_few_images_keep_the_confidence(images: int, spread: float) -> None:
    """Four points, cap 10, no point differs from the baseline: at most 5% of studies err."""
    rule = SeedRule(first=3, cap=10, points=4, margin=0.01, confidence=0.95, images=images)
    random = np.random.default_rng(5)
    level = np.round(random.normal(0.6, spread, (STUDIES, 5, 10)) * images) / images
    found = _first_verdicts(level[:, 1:] - level[:, :1], rule)
    assert np.isin(found, [BETTER, WORSE]).any(axis=1).mean() <= 0.05


def test_without_the_number_of_images_fifty_images_would_err_too_often() -> None:
    rule = SeedRule(first=3, cap=10, points=4, margin=0.01, confidence=0.95)
    random = np.random.default_rng(5)
    level = np.round(random.normal(0.6, 0.02, (STUDIES, 5, 10)) * 50) / 50
    found = _first_verdicts(level[:, 1:] - level[:, :1], rule)
    assert np.isin(found, [BETTER, WORSE]).any(axis=1).mean() > 0.08


def test_equal_differences_have_the_error_that_their_images_allow() -> None:
    rule = SeedRule(first=3, cap=4, points=1, margin=0.01, confidence=0.9, images=50)
    mean, low, high = repeated_interval(np.array([0.02, 0.02, 0.02]), rule)
    # level .95, t = 4.3027; deviation sqrt(.02 * .98 / 50 + 1 / (6 * 2500)) = .021417
    assert float(mean) == pytest.approx(0.02)
    assert float(high - low) == pytest.approx(2 * 4.302653 * 0.0214165 / 3**0.5, rel=1e-4)
