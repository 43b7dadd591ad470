"""Ray's ASHA through our eyes, pinned against the installed version."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from ray.tune.schedulers import TrialScheduler

from dgsearch.database.halving_records import Cut, Judged
from dgsearch.runner.halving import RecordedHalving
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


def test_where_lower_is_better_the_high_value_is_stopped() -> None:
    asha = RecordedHalving(Halving(grace_epochs=1, keep_one_in=3), max_epochs=9, maximise=False)
    asha.recall({"a": Judged([(1, 0.6)])})
    for name in "bc":
        asha.on_trial_add(None, SimpleNamespace(trial_id=name))
    assert _tell(asha, "b", 1, 0.5) == TrialScheduler.CONTINUE
    assert _tell(asha, "c", 1, 0.9) == TrialScheduler.STOP
    # of 0.5 and 0.6 the cut-off lies a third of the way: the best third may pass
    assert asha.cuts["c"].cutoff == pytest.approx(0.5 + 0.1 / 3)


@pytest.mark.parametrize("maximise", [True, False])
def test_a_value_that_is_no_number_reaches_no_cut_off(maximise: bool) -> None:
    """Ray alone lets a diverged trial train to its last epoch."""
    halving = Halving(grace_epochs=1, keep_one_in=3)
    asha = RecordedHalving(halving, max_epochs=9, maximise=maximise)
    for name in "abcd":
        asha.on_trial_add(None, SimpleNamespace(trial_id=name))
    assert _tell(asha, "a", 1, math.nan) == TrialScheduler.CONTINUE  # nobody was there before
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        assert _tell(asha, "b", 1, 0.5) == TrialScheduler.CONTINUE
    assert _tell(asha, "c", 1, math.nan) == TrialScheduler.STOP
    assert asha.cuts == {"c": Cut(1, 0.5)}
    assert _tell(asha, "d", 1, 0.5) == TrialScheduler.CONTINUE
    assert _tell(asha, "b", 2, math.nan) == TrialScheduler.CONTINUE  # no rung there
    assert _tell(asha, "d", 3, 0.5) == TrialScheduler.CONTINUE
    assert _tell(asha, "b", 3, math.nan) == TrialScheduler.STOP


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
    before = {"a": [(1, 0.1)], "b": [(1, 0.2), (2, 0.2), (3, 0.25)], "c": [(1, 0.3), (2, 0.3)]}
    whole, resumed = _asha(), _asha()
    for name, reports in before.items():
        for epoch, value in reports:
            _tell(whole, name, epoch, value)
    resumed.recall({name: Judged(reports) for name, reports in before.items()})
    assert whole._brackets[0]._rungs == resumed._brackets[0]._rungs
    for asha in (whole, resumed):
        assert _tell(asha, "d", 1, 0.2) == TrialScheduler.STOP
        assert _tell(asha, "e", 1, 0.29) == TrialScheduler.CONTINUE
    assert resumed.cuts == whole.cuts


def test_a_resumed_trial_is_not_decided_on_again() -> None:
    """It passed rung 1 alone; all that ran since is better, and it reports rung 1 again."""
    asha = _asha()
    asha.recall({"a": Judged([(1, 0.5)]), "b": Judged([(1, 0.8)]), "c": Judged([(1, 0.9)])})
    first_rung = dict(asha._brackets[0]._rungs[-1][1])
    assert _tell(asha, "a", 2, 0.97) == TrialScheduler.CONTINUE
    first_rung = dict(asha._brackets[0]._rungs[-1][1])
    assert first_rung == {"a": 0.5, "b": 0.8, "c": 0.9}


def test_a_stop_that_was_decided_before_a_kill_stands() -> None:
    asha = _asha()
    asha.recall({"a": Judged([(1, 0.1)], Cut(1, 0.3))})
    assert _tell(asha, "a", 1, 0.1) == TrialScheduler.STOP
    assert asha.cuts == {"a": Cut(1, 0.3)}


def test_a_trial_whose_worker_died_counts_once_in_its_rung() -> None:
    asha = _asha()
    for name, trial_id in (("x", "first"), ("x", "second")):
        trial = SimpleNamespace(trial_id=trial_id, config={"key": name})
        asha.on_trial_add(None, trial)
        asha.on_trial_result(None, trial, {"epoch": 1, "value": 0.4})
    assert [dict(recorded) for _, recorded in asha._brackets[0]._rungs][-1] == {"x": 0.4}


class _Simulated:
    """A study of trials with made curves, on two workers, that can be killed after any report."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.curves = np.sort(self.random.random((8, 9)), axis=1) * self.random.random((8, 1))

    def decisions(self, *, kill_at: int | None = None) -> dict[str, tuple[int, Cut | None]]:
        """Epochs and cut of each trial; what was reported before a kill is all that stays."""
        asha, stored, ends = _asha(), dict[str, Judged](), dict[str, tuple[int, Cut | None]]()
        waiting, running = [str(n) for n in range(8)], dict[str, int]()
        for event in range(8 * 9):
            while waiting and len(running) < 2:
                running[waiting.pop(0)] = 0
            if not running:
                break
            if event == kill_at:
                asha = _asha()
                asha.recall(stored)
                for name, epochs in running.items():  # the epochs before come again
                    self._tell_all(asha, name, epochs, ends)
                running = {name: epoch for name, epoch in running.items() if name not in ends}
                if not running:
                    continue
            name = sorted(running)[event % len(running)]
            running[name] += 1
            self._report(asha, name, running[name], stored, ends)
            if name in ends:
                del running[name]
        return ends

    def _report(
        self,
        asha: RecordedHalving,
        name: str,
        epoch: int,
        stored: dict[str, Judged],
        ends: dict[str, tuple[int, Cut | None]],
    ) -> None:
        value = float(self.curves[int(name), epoch - 1])
        if epoch == 1:
            asha.on_trial_add(None, SimpleNamespace(trial_id=name))
        decision = _tell(asha, name, epoch, value)
        reports = [*(stored[name].reports if name in stored else ()), (epoch, value)]
        stored[name] = Judged(reports, asha.cuts.get(name))
        if decision == TrialScheduler.STOP:
            ends[name] = epoch, asha.cuts.get(name)

    def _tell_all(
        self,
        asha: RecordedHalving,
        name: str,
        epochs: int,
        ends: dict[str, tuple[int, Cut | None]],
    ) -> None:
        asha.on_trial_add(None, SimpleNamespace(trial_id=name))
        for epoch in range(1, epochs + 1):
            decision = _tell(asha, name, epoch, float(self.curves[int(name), epoch - 1]))
            if decision == TrialScheduler.STOP:
                ends[name] = epoch, asha.cuts.get(name)


@pytest.mark.parametrize("seed", range(3))
def test_a_kill_at_any_point_changes_no_decision(seed: int) -> None:
    undisturbed = _Simulated(seed).decisions()
    assert any(cut for _, cut in undisturbed.values())
    for kill_at in range(40):
        assert _Simulated(seed).decisions(kill_at=kill_at) == undisturbed


@pytest.mark.slow
def test_a_kill_changes_no_decision_in_a_thousand_studies() -> None:
    for seed in range(1000):
        study = _Simulated(seed)
        assert study.decisions(kill_at=1 + seed % 30) == study.decisions()
