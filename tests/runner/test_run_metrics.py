"""A search that selects by negative log-likelihood, run for real: lower is better everywhere."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dgsearch.database.queries import read_scores, read_studies, read_trials
from tests import warm
from tests.real_studies import SETTINGS, dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STUDY = f"""
name = "nll"
method = "erm"
seeds = [0, 1]
selection = "best"
{SETTINGS}
[metrics]
record = ["macro_f1", "worst_class_accuracy", "calibration_error", "accuracy_top5"]
select = "nll"
[design]
kind = "search"
trials = 6
confirm = 1
vary.lr = {{ low = 1e-5, high = 1e-1 }}
[halving]
grace_epochs = 1
keep_one_in = 2
[resources]
concurrent = 1
""".replace("lr = 2e-3\n", "").replace("T = 1\n", "")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nll")
    (folder / "study.toml").write_text(STUDY)
    ran = warm.run(dgsearch_command(folder), capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder / "study.db"


def _validation(database: Path, metric: str) -> pd.Series[float]:
    scores = read_scores(database, metrics=metric)
    chosen = scores[scores["split"] == "validation"]
    return chosen.set_index(["trial_number", "epoch"])["value"]


def test_the_value_of_a_trial_is_the_lowest_of_its_epochs(database: Path) -> None:
    assert read_studies(database)["direction"].tolist() == ["MINIMIZE"]
    done = read_trials(database, states="COMPLETE").set_index("trial_number")
    lowest = _validation(database, "nll").groupby("trial_number").min()
    assert done["value"].tolist() == pytest.approx(lowest[done.index].tolist())


def test_halving_stops_what_lies_above_the_cut_off(database: Path) -> None:
    stopped = read_trials(database, states="PRUNED")
    assert len(stopped)
    values = _validation(database, "nll")
    for row in stopped.itertuples():
        assert values[row.trial_number, row.rung] > row.cutoff


def test_the_lowest_proposal_is_confirmed(database: Path) -> None:
    done = read_trials(database, states="COMPLETE")
    first = done[done["seed"] == 0]
    confirmed = done.loc[done["seed"] == 1, "config_id"].tolist()
    assert confirmed == [first.loc[first["value"].idxmin(), "config_id"]]


def test_every_metric_has_a_number_for_each_target(database: Path) -> None:
    done = read_trials(database, states="COMPLETE")
    for metric in ("macro_f1", "worst_class_accuracy", "calibration_error", "accuracy_top5"):
        numbers = done[[f"metric/{metric}/photo", f"metric/{metric}/street"]]
        assert numbers.notna().all(axis=None)
        assert numbers.to_numpy().min() >= 0
        assert numbers.to_numpy().max() <= 1
    assert (done["metric/accuracy_top5/photo"] >= done["accuracy/photo"]).all()
