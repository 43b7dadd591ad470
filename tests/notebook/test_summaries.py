from __future__ import annotations

import math

import optuna
import pandas as pd
import pytest

from dgsearch.database.queries import read_trials
from dgsearch.deprecation import DgsearchDeprecationWarning
from dgsearch.errors import DatabaseError
from dgsearch.notebook import best, compare, grid, over_seeds
from tests.fakes import FakeStudy, fake_spec, planned


@pytest.fixture
def trials(database: str) -> pd.DataFrame:
    """λ_adv = 0 at seeds 0, 1, 2 with values 0.5, 0.6, 0.7; λ_adv = 1 at seeds 0, 1: 0.9, 0.8."""
    study = FakeStudy(database)
    for seed, value in enumerate((0.5, 0.6, 0.7)):
        study.complete(planned(lambda_adv=0.0, seed=seed), value)
    for seed, value in enumerate((0.9, 0.8)):
        study.complete(planned(lambda_adv=1.0, seed=seed), value)
    study.begin(planned(lambda_adv=0.5))
    return read_trials(database)


def test_means_and_intervals_over_seeds_match_hand_computation(trials: pd.DataFrame) -> None:
    table = over_seeds(trials)
    assert table["lambda_adv"].tolist() == [0.0, 1.0]
    assert table["n"].tolist() == [3, 2]
    assert table["mean"].tolist() == pytest.approx([0.6, 0.85])
    assert table["deviation"].tolist() == pytest.approx([0.1, math.sqrt(0.005)])
    # t(0.975; 2) = 4.302653, half width 4.302653 * 0.1 / sqrt(3)
    assert table["low"][0] == pytest.approx(0.6 - 0.248414, abs=1e-6)
    assert table["high"][0] == pytest.approx(0.6 + 0.248414, abs=1e-6)


def test_the_best_configuration_is_that_of_the_shared_seeds(trials: pd.DataFrame) -> None:
    (row,) = best(trials).to_dict("records")  # 0.85 against 0.55 at seeds 0 and 1
    assert (row["rule"], row["lambda_adv"], row["n"]) == ("validation", 1.0, 2)
    assert row["mean"] == pytest.approx(0.85)
    assert row["accuracy/photo"] == pytest.approx(0.75)  # value - 0.1 in the fake study
    (row,) = best(trials[trials["seed"] < 2], maximise=False).to_dict("records")
    assert row["lambda_adv"] == 0.0


def test_one_seed_is_no_match_for_several(trials: pd.DataFrame) -> None:
    lucky = (trials["lambda_adv"] == 1.0) & (trials["seed"] == 1)
    (row,) = best(trials[~lucky]).to_dict("records")
    assert (row["lambda_adv"], row["n"]) == (0.0, 3)


def test_the_oracle_looks_at_the_targets(database: str) -> None:
    study = FakeStudy(database)
    for adv, value, accuracies in ((0.0, 0.9, [0.1, 0.2]), (1.0, 0.5, [0.6, 0.7])):
        started = study.begin(planned(lambda_adv=adv))
        study.report(started.trial_id, 1, value, accuracies)
        from dgsearch.database.recorder import Ending

        ending = Ending("COMPLETE", "finished", value=value, selected_epoch=1)
        study.recorder.end(started.trial_id, ending)
    frame = read_trials(database)
    (honest,) = best(frame).to_dict("records")
    (oracle,) = best(frame, rule="oracle", targets=["photo", "street"]).to_dict("records")
    assert (honest["lambda_adv"], oracle["lambda_adv"]) == (0.0, 1.0)
    assert oracle["mean"] == pytest.approx(0.65)


def test_a_grid_has_one_cell_a_pair(trials: pd.DataFrame) -> None:
    table = grid(trials, "T", "lambda_adv")
    assert table.index.tolist() == [5]
    assert table.loc[5].to_dict() == pytest.approx({0.0: 0.6, 1.0: 0.85})
    counts = grid(trials, "T", "lambda_adv", show="n")
    assert counts.loc[5].to_dict() == {0.0: 3, 1.0: 2}


def test_two_studies_are_paired_over_common_configurations_and_seeds(
    database: str, trials: pd.DataFrame
) -> None:
    other = FakeStudy(database, fake_spec(name="other"))
    for seed, value in enumerate((0.6, 0.9)):
        other.complete(planned(lambda_adv=0.0, seed=seed), value)
    other.complete(planned(lambda_adv=0.25), 0.1)
    (row,) = compare(trials, read_trials(database, "other")).to_dict("records")
    assert (row["lambda_adv"], row["pairs"]) == (0.0, 2)
    assert row["difference"] == pytest.approx(0.2)  # (0.6 - 0.5 + 0.9 - 0.6) / 2
    assert (row["first"], row["second"]) == pytest.approx((0.55, 0.75))
    assert (row["p"], row["smallest_p"]) == (0.5, 0.5)


def test_the_best_of_two_studies_are_paired_over_seeds(
    database: str, trials: pd.DataFrame
) -> None:
    other = FakeStudy(database, fake_spec(name="other"))
    for seed in (1, 2, 3):
        other.complete(planned(T=9, seed=seed), 0.75)
    (row,) = compare(trials, read_trials(database, "other"), match="best").to_dict("records")
    assert row["pairs"] == 1  # seed 1
    assert row["difference"] == pytest.approx(-0.05)  # 0.75 - 0.8


def test_studies_without_common_configurations_give_no_rows(
    database: str, trials: pd.DataFrame
) -> None:
    other = FakeStudy(database, fake_spec(name="other"))
    other.complete(planned(lambda_adv=0.25), 0.1)
    table = compare(trials, read_trials(database, "other"))
    assert len(table) == 0
    assert {"lambda_adv", "pairs", "difference"} <= set(table)


def test_configurations_of_a_foreign_study_are_its_hyperparameters(database: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(database)
    study = optuna.create_study(study_name="foreign", storage=storage, direction="minimize")
    for x in (1.0, 1.0, 2.0, 2.0):
        study.enqueue_trial({"x": x})
    study.optimize(lambda trial: trial.suggest_float("x", 0, 3), n_trials=4)
    storage.engine.dispose()
    table = over_seeds(read_trials(database))
    assert table[["x", "n", "mean"]].to_dict("records") == [
        {"x": 1.0, "n": 2, "mean": 1.0},
        {"x": 2.0, "n": 2, "mean": 2.0},
    ]


def test_what_is_unknown_is_named(trials: pd.DataFrame) -> None:
    with pytest.raises(DatabaseError, match=r"rule: 'orakle' is unknown; .*'oracle'"):
        best(trials, rule="orakle")
    with pytest.raises(DatabaseError, match="name them"):
        best(trials, rule="oracle")
    with pytest.raises(DatabaseError, match=r"no column 'accuracy/foto'"):
        over_seeds(trials, "accuracy/foto")
    with pytest.raises(DatabaseError, match="show: 'median' is unknown"):
        grid(trials, "T", "lambda_adv", show="median")
    with pytest.raises(DatabaseError, match="match: 'all' is unknown"):
        compare(trials, trials, match="all")


def test_nothing_finished_gives_empty_tables(database: str) -> None:
    FakeStudy(database).begin(planned())
    frame = read_trials(database)
    for table in (over_seeds(frame), best(frame), compare(frame, frame)):
        assert len(table) == 0
    assert grid(frame, "T", "lambda_adv").empty


def test_the_former_name_of_the_rule_warns_and_still_works(trials: pd.DataFrame) -> None:
    with pytest.warns(DgsearchDeprecationWarning, match="goes with 0.5.0; use 'validation'"):
        found = best(trials, rule="source validation")
    pd.testing.assert_frame_equal(found, best(trials, rule="validation"))


def test_two_studies_have_verdicts(database: str) -> None:
    first, second = (FakeStudy(database, fake_spec(name=name)) for name in ("one", "two"))
    for seed in range(8):
        for number, gain in ((0.0, 0.1), (0.5, 0.0005), (1.0, -0.1)):
            small = 0.0001 * (seed % 2)
            first.complete(planned(lambda_adv=number, seed=seed), 0.5)
            second.complete(planned(lambda_adv=number, seed=seed), 0.5 + gain + small)
    one, two = (read_trials(database, name) for name in ("one", "two"))
    told = compare(one, two, rope=0.01).set_index("lambda_adv")["verdict"]
    assert told.to_dict() == {0.0: "better", 0.5: "equivalent", 1.0: "worse"}
    assert compare(one, two)["verdict"].tolist() == ["better", "better", "worse"]
    assert compare(one, two, maximise=False)["verdict"].tolist() == ["worse", "worse", "better"]
