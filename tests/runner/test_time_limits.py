"""Which attempts are over a time limit."""

from __future__ import annotations

import pytest

from dgsearch.runner.time_limits import TimeLimits
from dgsearch.study import Resources


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_attempt_is_over_the_total_limit_though_it_reports_and_is_told_once() -> None:
    clock = Clock()
    limits = TimeLimits(Resources(trial_timeout_s=10), clock=clock)
    limits.began("a")
    clock.now = 10.0
    limits.heard("a")
    assert limits.exceeded() == {}
    clock.now = 10.1
    assert limits.exceeded() == {"a": "it ran for more than 10 s (resources.trial_timeout_s)"}
    assert limits.exceeded() == {}


def test_a_report_starts_the_silence_again() -> None:
    clock = Clock()
    limits = TimeLimits(Resources(report_timeout_s=5), clock=clock)
    limits.began("a")
    clock.now = 4.0
    limits.heard("a")
    clock.now = 8.0
    assert limits.exceeded() == {}
    clock.now = 9.1
    assert "for more than 5 s (resources.report_timeout_s)" in limits.exceeded()["a"]


def test_the_next_attempt_has_the_whole_time_again() -> None:
    clock = Clock()
    limits = TimeLimits(Resources(trial_timeout_s=10), clock=clock)
    limits.began("a")
    clock.now = 9.0
    limits.ended("a")
    limits.began("b")
    clock.now = 18.0
    assert limits.exceeded() == {}


@pytest.mark.parametrize("field", ["trial_timeout_s", "report_timeout_s"])
def test_without_a_limit_no_attempt_is_ended(field: str) -> None:
    clock = Clock()
    limits = TimeLimits(Resources(**{field: None}), clock=clock)
    limits.began("a")
    clock.now = 1e9
    assert limits.exceeded() == {}
