from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import dgsearch
from dgsearch.analysis.adaptive import plan_of, seed_decisions
from dgsearch.analysis.comparison import compare_to_reference
from dgsearch.database.outcomes import target_means
from dgsearch.database.queries import read_trials
from dgsearch.errors import DatabaseError
from tests.fakes import ADAPTIVE, SPACES, TARGETS, FakeStudy, adaptive_study, fake_spec, full_study


def test_a_pandas_user_gets_seeds_and_decision_of_each_configuration(database: str) -> None:
    adaptive_study(database)
    table = dgsearch.open_study(database).decisions().set_index(["lambda_adv", "T"])
    assert table.loc[(0.5, 5), "verdict"] == "reference"
    assert table.loc[(0.0, 5), "verdict"] == "worse"
    assert table.loc[(1.0, 5), "verdict"] == "better"
    assert table.loc[(0.5, 1), "verdict"] == "open"
    assert table["seeds"].tolist() == [8, 3, 3, 8]


def test_its_differences_are_those_of_the_comparison_with_the_reference(database: str) -> None:
    study = adaptive_study(database)
    trials = read_trials(database)
    own = dgsearch.open_study(database).decisions().set_index("config_id")
    reference = str(own.index[0])
    other = compare_to_reference(trials, reference=reference, targets=study.spec.data.targets)
    both = own.join(other.set_index("config_id").add_suffix("_there")).iloc[1:]
    assert both["difference"].to_numpy() == pytest.approx(both["difference_there"].to_numpy())
    assert (both["pairs"] == both["pairs_there"]).all()
    assert (both["low"] < both["low_there"]).all()  # wider, for looking more than once
    assert (both["high"] > both["high_there"]).all()


def test_both_halves_have_the_same_plan(database: str) -> None:
    study = adaptive_study(database)
    trials = read_trials(database)
    of_runner = study.spec.design.plan(study.spec, SPACES, target_means(trials, TARGETS))
    assert plan_of(trials, dgsearch.open_study(database).facts) == of_runner


def test_the_best_is_chosen_at_the_seeds_that_every_configuration_has(database: str) -> None:
    adaptive_study(database)
    best = dgsearch.open_study(database).best().iloc[0]
    assert (best["lambda_adv"], best["n"]) == (1.0, 3)  # the centre has 8


def test_before_any_trial_everything_waits(database: str) -> None:
    FakeStudy(database, fake_spec(design=ADAPTIVE))
    table = dgsearch.open_study(database).decisions()
    assert table["verdict"].tolist() == ["reference"] + ["waiting"] * 4
    assert (table["seeds"] == 3).all()
    assert table["T"].dtype == "Int64"  # erm has no T
    assert table["T"].isna().sum() == 1


def test_another_design_decides_nothing_and_says_so(database: str) -> None:
    full_study(database)
    study = dgsearch.open_study(database)
    with pytest.raises(DatabaseError, match=r"design\.kind = 'one-at-a-time' decides nothing"):
        seed_decisions(study.trials(), study.facts)


def test_a_failed_trial_has_ended_without_a_number_and_a_running_one_has_not() -> None:
    rows = [
        ("a", 0, "COMPLETE", "finished", 0.5),
        ("a", 1, "FAIL", "failed", 0.4),
        ("a", 2, "FAIL", "interrupted", 0.4),
        ("a", 3, "RUNNING", None, 0.4),
        ("a", 4, "FAIL", "interrupted", 0.4),
        ("a", 4, "COMPLETE", "finished", 0.7),
    ]
    columns = ["config_id", "seed", "state", "stop_reason", "accuracy/photo"]
    trials = pd.DataFrame(rows, columns=columns).assign(**{"accuracy/street": 0.3})
    found = target_means(trials, TARGETS)
    assert found.keys() == {("a", 0), ("a", 1), ("a", 4)}
    assert found["a", 0] == pytest.approx(0.4)
    assert found["a", 4] == pytest.approx(0.5)
    assert np.isnan(found["a", 1])
