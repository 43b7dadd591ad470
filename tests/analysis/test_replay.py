"""Rules that stop trials early, replayed on curves whose outcome is worked by hand."""

from __future__ import annotations

import numpy as np
import optuna
import pandas as pd
import pytest

from dgsearch.analysis.halving_replay import rungs
from dgsearch.analysis.replay import Curves, advise, full_curves, replay
from dgsearch.analysis.stopping import (
    FirstEpochs,
    HalvingRule,
    Median,
    Patience,
    StoppingRule,
    default_rules,
    ends_under,
    parse_rule,
)
from dgsearch.errors import ReportError

# Four trials of four epochs. Trial 3 is best in the end and worst at the beginning.
VALUES = np.array([[4, 4, 4, 4], [3, 3, 3, 3], [2, 2, 2, 2], [1, 1, 5, 9]]) / 10
IN_ORDER = [np.arange(4)]


def _block(values: np.ndarray = VALUES, **changes: np.ndarray) -> Curves:
    count = len(values)
    parts = {"seconds": np.full(count, 3600.0), "outcomes": values[:, -1], "final": values[:, -1]}
    return Curves(values=values, **(parts | changes))


def _ends(rule: StoppingRule) -> list[int]:
    found: list[int] = rule.ends(VALUES, IN_ORDER)[0].tolist()
    return found


def test_halving_by_hand() -> None:
    """Rungs 1 and 2. At each: 4 goes on, 3 is below 4; then 2 below 3.5, 1 below 3."""
    assert rungs(1, 4, 2) == (1, 2)
    assert _ends(HalvingRule(1, 2)) == [4, 1, 1, 1]
    assert _ends(HalvingRule(3, 2)) == [4, 3, 3, 4]  # at epoch 3 the last has 5, the median is 3


def test_rungs_are_grace_times_powers_of_eta_before_the_end() -> None:
    assert rungs(4, 30, 3) == (4, 12)
    assert rungs(1, 27, 3) == (1, 3, 9)  # the last epoch is the end, no rung
    assert rungs(1, 27, 3, 1) == (3, 9)
    assert rungs(50, 10, 3) == ()


def test_other_rules_by_hand() -> None:
    assert _ends(FirstEpochs(keep=2)) == [4, 4, 1, 1]
    assert _ends(FirstEpochs(keep=1, epochs=3)) == [3, 3, 3, 4]
    assert _ends(Patience(2)) == [3, 3, 3, 4]  # the last rises at epochs 3 and 4
    # with two finished, 4 and 3, the median is 3.5: both others lie below it after epoch 1
    assert _ends(Median(grace_epochs=1, first=2)) == [4, 4, 1, 1]
    assert _ends(Median(grace_epochs=3, first=2)) == [4, 4, 3, 4]


def test_trials_that_are_not_in_the_order_have_no_end() -> None:
    for rule in default_rules(4, 4):
        (ends,) = rule.ends(VALUES, [np.array([3, 1])])
        assert (ends > 0).tolist() == [False, True, False, True]


def test_costs_by_hand() -> None:
    """Of 16 hours halving spends 4 + 1 + 1 + 1; it chooses .4 where .9 was there."""
    table = replay([_block()], [HalvingRule(1, 2)], orders=1)
    ends = HalvingRule(1, 2).ends(VALUES, [np.random.default_rng(0).permutation(4)])[0]
    (row,) = table.to_dict("records")
    assert row["hours"] == (16 - ends.sum())
    assert row["saved"] == (16 - ends.sum()) / 16
    best = VALUES[ends == 4, -1].max()
    assert row["regret"] == pytest.approx(0.9 - best)
    assert row["lost"] == float(best < 0.9)


def test_what_patience_chooses_is_trained_to_the_end() -> None:
    """Trial 3 is chosen with 9 and runs in full; the others spare an epoch each: 3 of 16."""
    (row,) = replay([_block()], [Patience(2)], orders=3).to_dict("records")
    assert (row["regret"], row["saved"]) == (0, 3 / 16)
    falling = np.array([[5, 4, 3, 2], [1, 1, 1, 3]]) / 10  # stopped with 4; in the end it has 2
    (row,) = replay([_block(falling)], [Patience(1)], orders=3).to_dict("records")
    assert row["regret"] == pytest.approx(0.1)
    assert row["saved"] == pytest.approx(2 / 8)  # two epochs of the other trial


def test_the_target_is_looked_at_where_it_is_known() -> None:
    outcomes = np.array([0.5, 0.1, 0.1, 0.2])
    (row,) = replay([_block(outcomes=outcomes)], [FirstEpochs(1)], orders=2).to_dict("records")
    assert row["regret"] == pytest.approx(0.5)
    assert row["target_regret"] == pytest.approx(-0.3)  # the choice is better on the targets


def test_hours_are_unknown_where_seconds_are() -> None:
    block = _block(seconds=np.array([1.0, np.nan, 1.0, 1.0]))
    (row,) = replay([block], [FirstEpochs(1)], orders=2).to_dict("records")
    assert np.isnan(row["hours"])
    assert row["saved"] == 9 / 16


def test_advice_takes_the_rule_that_saves_most_within_the_tolerance() -> None:
    """Curves that never cross lose nothing under any rule, so the earliest and hardest wins."""
    random = np.random.default_rng(0)
    level = np.sort(random.random(40))
    parallel = _block(level[:, None] + np.arange(9)[None, :] / 9)
    advice = advise([parallel], default_rules(9, 40), tolerance=0.001)
    assert advice.rule == HalvingRule(1, 4)
    assert (advice.kept, advice.regret) == (1, 0)
    assert advice.again > 0.5  # keep 1 in 3 looks after epoch 3 and saves nearly as much
    assert 0.4 < advice.saved_low <= advice.saved <= advice.saved_high < 1
    noise = _block(random.random((40, 9)))
    assert advise([noise], default_rules(9, 40), tolerance=0.001).rule is None
    assert advise([noise], default_rules(9, 40), tolerance=1.0).rule is not None


def test_curves_are_those_of_full_length_by_seed() -> None:
    trials = pd.DataFrame(
        [
            {"study": "s", "config_id": f"c{number % 9}", "seed": number // 9, "value": 0.3,
             "trial_number": number, "state": "COMPLETE", "role": "point", "wall_s": 40.0,
             "t": 0.1 * number}
            for number in range(12)
        ]
    )  # fmt: skip
    trials.loc[0, "state"] = "PRUNED"
    curves = pd.DataFrame(
        [(number, epoch, 0.1 * epoch) for number in range(12) for epoch in (1, 2, 3)],
        columns=["trial_number", "epoch", "value"],
    )
    stages = pd.DataFrame({"trial_number": [1, 1], "seconds": [4.0, 6.0]})
    (block,) = full_curves(trials, curves, stages, outcome="t")
    assert block.values.tolist() == [[0.1, 0.2, pytest.approx(0.3)]] * 8  # seed 1 has three
    assert block.seconds.tolist() == pytest.approx([10.0] + [40 / 3] * 7)
    assert block.outcomes.tolist() == pytest.approx([0.1 * number for number in range(1, 9)])
    (lower,) = full_curves(trials, curves, stages, maximise=False)
    assert lower.values[0].tolist() == [-0.1, -0.2, pytest.approx(-0.3)]
    short = curves[curves["epoch"] < 3]
    assert full_curves(trials, short, stages) == []


def test_of_very_many_curves_five_hundred_are_drawn() -> None:
    numbers = np.arange(600)
    trials = pd.DataFrame(
        {"study": "s", "config_id": numbers.astype(str), "seed": 0, "value": numbers / 600,
         "trial_number": numbers, "state": "COMPLETE", "role": "point", "wall_s": 1.0}
    )  # fmt: skip
    curves = pd.DataFrame(
        {"trial_number": np.repeat(numbers, 3), "epoch": np.tile([1, 2, 3], 600), "value": 0.5}
    )
    none = pd.DataFrame({"trial_number": [], "seconds": []})
    (block,) = full_curves(trials, curves, none)
    assert block.values.shape == (500, 3)
    assert len(np.unique(block.final)) == 500
    assert (full_curves(trials, curves, none)[0].final == block.final).all()


@pytest.mark.parametrize("grace", [1, 3])
def test_the_median_rule_decides_as_optuna_does(grace: int) -> None:
    random = np.random.default_rng(grace)
    values = np.round(random.normal(size=(60, 1)) + random.normal(size=(60, 8)), 1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=grace)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    ends = []
    for curve in values.tolist():
        trial = study.ask()
        stopped = None
        for epoch, value in enumerate(curve, start=1):
            trial.report(value, epoch)
            if epoch < 8 and trial.should_prune():
                stopped = epoch
                break
        state = optuna.trial.TrialState.PRUNED if stopped else optuna.trial.TrialState.COMPLETE
        study.tell(trial, None if stopped else curve[-1], state=state)
        ends.append(stopped or 8)
    assert Median(grace).ends(values, [np.arange(60)])[0].tolist() == ends
    assert min(ends) < 8


def test_rules_of_the_command_line() -> None:
    assert parse_rule("halving:grace_epochs=2,keep_one_in=4") == HalvingRule(2, 4)
    assert parse_rule("halving:grace_epochs=1,keep_one_in=3,brackets=2").brackets == 2  # type: ignore[attr-defined]
    assert parse_rule("median:grace_epochs=2") == Median(2)
    assert parse_rule("patience:epochs=3") == Patience(3)
    assert parse_rule("top:keep=5") == FirstEpochs(5, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("halvin:x=1", "unknown rule; allowed: halving, .*did you mean 'halving'"),
        ("halving:grace_epochs=2", "a setting is missing; halving has grace_epochs, keep_one_in"),
        ("halving:keep_one_in=1,grace_epochs=1", "keep_one_in = '1' must be a whole number >= 2"),
        ("top:keep=few", "keep = 'few' must be a whole number >= 1"),
        ("patience:epoch=2", "unknown setting; allowed: epochs; did you mean 'epochs'"),
    ],
)
def test_a_bad_rule_is_named(text: str, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        parse_rule(text)


def test_rules_replayed_together_decide_as_each_alone() -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(50, 9))
    orders = [random.permutation(50)[:size] for size in (50, 31)]
    rules = [*default_rules(9, 50), HalvingRule(1, 2, brackets=3)]
    for rule, ends in zip(rules, ends_under(rules, values, orders), strict=True):
        assert (ends == rule.ends(values, orders)).all(), rule


def test_nothing_is_recommended_on_noise() -> None:
    """The last epoch has nothing to do with those before it: every rule throws good ones away."""
    recommended = [
        advise([_block(np.random.default_rng(seed).random((40, 9)))], rules, tolerance=0.001).rule
        for rules in [default_rules(9, 40)]
        for seed in range(10)
    ]
    assert recommended.count(None) >= 9
