"""Ray's ASHA through our eyes, pinned against the installed version."""

from __future__ import annotations

from types import SimpleNamespace

from ray.tune.schedulers import TrialScheduler

from dgsearch.runner.halving import Cut, RecordedHalving
from dgsearch.study import Halving


def _asha() -> RecordedHalving:
    asha = RecordedHalving(Halving(grace_epochs=1, keep_one_in=3), max_epochs=9)
    for name in "abcdef":
        asha.on_trial_add(None, SimpleNamespace(trial_id=name))
    return asha


def _tell(asha: RecordedHalving, name: str, epoch: int, value: float) -> str:
    result = {"epoch": epoch, "value": value}
    return asha.on_trial_result(None, SimpleNamespace(trial_id=name), result)


def test_a_stop_is_kept_with_its_rung_and_cut_off() -> None:
    asha = _asha()
    assert _tell(asha, "a", 1, 0.9) == TrialScheduler.CONTINUE
    assert _tell(asha, "b", 1, 0.6) == TrialScheduler.STOP
    assert asha.cuts == {"b": Cut(1, 0.9)}


def test_the_cut_off_is_the_quantile_of_the_values_before() -> None:
    asha = _asha()
    for name, value in (("a", 0.1), ("b", 0.2), ("c", 0.3)):
        _tell(asha, name, 1, value)
    assert _tell(asha, "d", 1, 0.2) == TrialScheduler.STOP
    assert asha.cuts["d"].rung == 1
    assert abs(asha.cuts["d"].cutoff - (0.1 + 0.2 * 2 / 3)) < 1e-9


def test_reaching_the_last_epoch_is_no_cut() -> None:
    asha = _asha()
    assert _tell(asha, "a", 9, 0.1) == TrialScheduler.STOP
    assert asha.cuts == {}


def test_reports_without_a_value_decide_nothing() -> None:
    asha = _asha()
    trial = SimpleNamespace(trial_id="a")
    assert asha.on_trial_result(None, trial, {"stage": "pretrain"}) == TrialScheduler.CONTINUE


def test_a_resumed_study_prunes_as_an_uninterrupted_one() -> None:
    before = {0: [(1, 0.1)], 1: [(1, 0.2), (2, 0.2), (3, 0.25)], 2: [(1, 0.3), (2, 0.3)]}
    whole, resumed = _asha(), _asha()
    for number, name in enumerate("abc"):
        for epoch, value in before[number]:
            _tell(whole, name, epoch, value)
    resumed.recall(before)
    rungs = [
        [dict(recorded) for _, recorded in asha._brackets[0]._rungs] for asha in (whole, resumed)
    ]
    assert [sorted(rung.values()) for rung in rungs[0]] == [
        sorted(rung.values()) for rung in rungs[1]
    ]
    for asha in (whole, resumed):
        assert _tell(asha, "d", 1, 0.2) == TrialScheduler.STOP
        assert _tell(asha, "e", 1, 0.29) == TrialScheduler.CONTINUE
    assert resumed.cuts == whole.cuts
