from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgsearch.analysis.augmented import Judging, augmented_values
from dgsearch.analysis.choosing import costs_by_rule, rule_costs
from dgsearch.analysis.rules import chosen_trials, epoch_accuracies, rule_table

FAMILIES = ("blur", "noise")
JUDGING = Judging(dict.fromkeys(range(9), FAMILIES), {})
# validation, blur, noise and the target, each at one seed and one epoch
CANDIDATES = ((0.99, 0.9, 0.5, 0.6), (0.99, 0.8, 0.8, 0.7), (0.95, 0.4, 0.6, 0.5))


def _scores(
    rows: list[tuple[int, int, tuple[float, float, float, float]]],
) -> pd.DataFrame:
    names = (("validation", "s"), ("augmented", "blur"), ("augmented", "noise"), ("test", "t"))
    long = [
        (number, epoch, split, domain, "accuracy", value)
        for number, epoch, values in rows
        for (split, domain), value in zip(names, values, strict=True)
    ]
    columns = ["trial_number", "epoch", "split", "domain", "metric", "value"]
    return pd.DataFrame(long, columns=columns)


def _trials(seeds: list[int]) -> pd.DataFrame:
    """Three configurations at each seed."""
    rows = [
        {
            "study": "s",
            "trial_number": 3 * place + at,
            "config_id": "abc"[at],
            "seed": seed,
            "state": "COMPLETE",
            "row": "mpbm",
        }
        for place, seed in enumerate(seeds)
        for at in range(3)
    ]
    return pd.DataFrame(rows)


def _epochs(*seeds: tuple[tuple[float, float, float, float], ...]) -> pd.DataFrame:
    rows = [
        (3 * place + at, 1, values)
        for place, candidates in enumerate(seeds)
        for at, values in enumerate(candidates)
    ]
    return epoch_accuracies(_scores(rows), ["t"], judging=JUDGING)


def test_the_augmented_value_is_the_mean_over_the_families_that_count() -> None:
    scores = _scores([(0, 1, CANDIDATES[0])])
    both = augmented_values(scores, JUDGING)
    assert both.to_dict("records") == [
        {"trial_number": 0, "epoch": 1, "augmented": pytest.approx(0.7)}
    ]
    blur, more = (Judging({0: own}, {}) for own in (("blur",), ("blur", "edges")))
    assert augmented_values(scores, blur)["augmented"].tolist() == [0.9]
    assert augmented_values(scores, more).empty  # one of them was not scored


def test_augmented_validation_chooses_what_validation_cannot_tell_apart() -> None:
    trials, epochs = _trials([0]), _epochs(CANDIDATES)
    chosen = chosen_trials(trials, epochs, rule="augmented", targets=["t"])
    assert chosen[["config_id", "t"]].to_numpy().tolist() == [["b", 0.7]]  # .8 against .7 and .5


def test_each_rule_takes_the_epoch_that_it_finds_best() -> None:
    rows = [(0, 1, (0.9, 0.7, 0.7, 0.6)), (0, 2, (0.8, 0.8, 0.8, 0.7))]
    epochs = epoch_accuracies(_scores(rows), ["t"], judging=JUDGING)
    trials = _trials([0]).head(1)
    found = {
        rule: chosen_trials(trials, epochs, rule=rule, targets=["t"])["epoch"].item()
        for rule in ("validation", "last epoch", "augmented", "oracle")
    }
    assert found == {"validation": 1, "last epoch": 2, "augmented": 2, "oracle": 2}


def test_without_scores_under_families_there_is_no_row_for_them() -> None:
    scores = _scores([(at, 1, CANDIDATES[at]) for at in range(3)])
    epochs = epoch_accuracies(scores[scores["split"] != "augmented"], ["t"], judging=JUDGING)
    table = rule_table(_trials([0]), epochs, targets=["t"])
    assert set(table["rule"]) == {"validation", "last epoch", "oracle"}


def test_regret_is_what_the_choice_stays_below_the_oracle() -> None:
    costs = rule_costs(_trials([0]), _epochs(CANDIDATES)).set_index("rule")
    assert list(costs.index) == ["validation", "last epoch", "augmented"]
    # a and b tie on validation: (.6 + .7) / 2 against the best .7
    assert costs.loc["validation", "regret"] == pytest.approx(0.05)
    assert costs.loc["augmented", "regret"] == pytest.approx(0)
    assert costs.loc["augmented", "accuracy"] == pytest.approx(0.7)
    # ranks of validation 2.5, 2.5, 1 and of the target 2, 3, 1: 1.5 / sqrt(1.5 * 2)
    assert costs.loc["validation", "rho"] == pytest.approx(1.5 / math.sqrt(3))
    assert costs.loc["augmented", "rho"] == pytest.approx(1)


def test_a_lower_number_may_be_the_better_one() -> None:
    costs = rule_costs(_trials([0]), _epochs(CANDIDATES), maximise=False).set_index("rule")
    assert costs.loc["validation", "accuracy"] == pytest.approx(0.5)  # c has the lowest
    assert costs.loc["validation", "regret"] == pytest.approx(0)


def test_rules_are_compared_with_validation_seed_by_seed() -> None:
    worse = ((0.99, 0.9, 0.9, 0.6), (0.98, 0.2, 0.2, 0.7), (0.5, 0.1, 0.1, 0.5))
    costs = rule_costs(_trials([0, 7]), _epochs(CANDIDATES, worse))
    table = costs_by_rule(costs).set_index("rule")
    # validation .05 and .1, augmented 0 and .1
    assert table.loc["validation", "regret"] == pytest.approx(0.075)
    assert table.loc["augmented", "regret"] == pytest.approx(0.05)
    assert table.loc["augmented", "difference"] == pytest.approx(-0.025)
    half = 12.706205 * 0.025  # t at one degree of freedom, standard error .025
    assert table.loc["augmented", "low"] == pytest.approx(-0.025 - half, abs=1e-6)
    assert table.loc["augmented", "seeds"] == 2
    assert math.isnan(table.loc["validation", "difference"])


_Share = st.floats(0, 1, allow_nan=False)


@settings(max_examples=30)
@given(st.lists(st.tuples(_Share, _Share, _Share, _Share), min_size=3, max_size=3))
def test_no_rule_is_better_than_the_oracle(
    candidates: list[tuple[float, float, float, float]],
) -> None:
    costs = rule_costs(_trials([0]), _epochs(tuple(candidates)))
    assert (costs["regret"] >= -1e-12).all()
