"""Which epochs reach the driver together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dgsearch.runner.actor import bundled
from dgsearch.trainable.reports import EpochReport, StageUse

FIRST = StageUse("pretrain", "k", False, 1.0)


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def _reports(
    clock: Clock, *, each_s: float, earlier: int = 3, last: int = 5, fails: bool = False
) -> Iterator[EpochReport]:
    """Epochs of a stage `pretrain`, then of the last one."""
    for epoch in range(1, earlier + 1):
        clock.seconds += each_s
        yield EpochReport("pretrain", epoch, earlier, False, None, (), clock.seconds)
    for epoch in range(1, last + 1):
        clock.seconds += each_s
        if fails and epoch == last:
            raise ValueError("too hot")
        yield EpochReport("erm", epoch, last, True, 0.5, (), clock.seconds, stages=(FIRST,))


def _names(bundle: list[EpochReport]) -> list[str]:
    return [f"{report.stage} {report.stage_epoch}" for report in bundle]


def test_short_epochs_are_reported_together_and_the_end_at_once() -> None:
    clock = Clock()
    reports = _reports(clock, each_s=0.3, earlier=0, last=8)
    assert [_names(bundle) for bundle in bundled(reports, every_epoch=False, now=clock)] == [
        ["erm 1"],  # the stage before it is stored
        ["erm 2", "erm 3", "erm 4", "erm 5"],
        ["erm 6", "erm 7", "erm 8"],
    ]


def test_of_earlier_stages_only_the_latest_epoch_is_told() -> None:
    clock = Clock()
    reports = _reports(clock, each_s=0.4, earlier=7, last=1)
    assert [_names(bundle) for bundle in bundled(reports, every_epoch=False, now=clock)] == [
        ["pretrain 3"],
        ["pretrain 6"],
        ["erm 1"],
    ]


def test_long_epochs_come_one_by_one() -> None:
    clock = Clock()
    bundles = list(bundled(_reports(clock, each_s=2.0), every_epoch=False, now=clock))
    assert [len(bundle) for bundle in bundles] == [1] * 8


def test_where_each_epoch_is_decided_on_none_waits() -> None:
    clock = Clock()
    reports = _reports(clock, each_s=0.001)
    assert [_names(bundle) for bundle in bundled(reports, every_epoch=True, now=clock)] == [
        [f"erm {epoch}"] for epoch in range(1, 6)
    ]


def test_epochs_before_an_error_are_told_before_it() -> None:
    clock = Clock()
    bundles = bundled(_reports(clock, each_s=0.01, fails=True), every_epoch=False, now=clock)
    assert _names(next(bundles)) == ["erm 1"]
    assert _names(next(bundles)) == ["erm 2", "erm 3", "erm 4"]
    with pytest.raises(ValueError, match="too hot"):
        next(bundles)
