from __future__ import annotations

import numpy as np
import pytest

from dgsearch.analysis.comparison import compare_to_reference
from dgsearch.analysis.selection import MEAN, accuracy_columns, finished
from dgsearch.analysis.sensitivity import (
    effect_range,
    response_points,
    response_summary,
    values_tied_with_best,
)
from dgsearch.database.queries import read_trials
from dgsearch.database.recorder import Ending
from dgsearch.designs.points import PlannedTrial
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, TARGETS, FakeStudy, fake_spec, full_study, planned

CENTRE = {"lambda_adv": 0.5, "T": 5}


def _planted(trial: PlannedTrial, random: np.random.Generator) -> float:
    """Accuracy that falls by 0.1 from lambda_adv 0 to 1 and does not depend on T."""
    values = trial.configuration.values
    effect = -0.1 * float(values.get("lambda_adv", 0.5))
    return 0.6 + effect + 0.05 * trial.seed + (0.02 if trial.configuration.method == "erm" else 0)


def test_a_response_has_a_dot_per_value_seed_and_domain(database: str) -> None:
    full_study(database, _planted)
    trials = read_trials(database)
    points = response_points(
        trials[trials["role"] == "point"], "lambda_adv", centre=CENTRE, targets=TARGETS
    )
    assert points["line"].all()
    assert len(points) == 3 * 3 * 3
    assert set(points["domain"]) == {"photo", "street", MEAN}
    first = points[(points["value"] == 0.0) & (points["seed"] == 0)].set_index("domain")
    assert first["accuracy"].to_dict() == pytest.approx({"photo": 0.5, "street": 0.7, MEAN: 0.6})


def test_the_summary_finds_the_planted_effect_and_no_other(database: str) -> None:
    full_study(database, _planted)
    trials = read_trials(database)
    own = trials[trials["role"] == "point"]
    points = response_points(own, "lambda_adv", centre=CENTRE, targets=TARGETS)
    planted = response_summary(points)
    best, worst, spread = effect_range(values_tied_with_best(points))
    assert (best, worst, spread) == (0.0, 1.0, pytest.approx(0.1))
    flat = response_points(own, "T", centre=CENTRE, targets=TARGETS)
    null = response_summary(flat)
    assert effect_range(values_tied_with_best(flat))[2] == pytest.approx(0.0, abs=1e-12)
    means = planted[planted["domain"] == MEAN].set_index("value")
    assert means.loc[0.0, ["n", "mean"]].tolist() == pytest.approx([3, 0.65])
    assert means["deviation"].tolist() == pytest.approx([0.05] * 3)
    assert null["value"].is_monotonic_increasing


def test_a_grid_is_averaged_over_the_other_values_within_each_seed(database: str) -> None:
    design = {"kind": "grid", "vary": {"lambda_adv": [0.0, 1.0], "T": [1, 9]}}
    spec = fake_spec(design=design, baselines=[])
    full_study(database, _planted, spec)
    trials = read_trials(database)
    points = response_points(trials, "lambda_adv", centre=CENTRE, targets=TARGETS)
    assert not points["line"].any()
    assert len(points[points["domain"] == MEAN]) == 2 * 3


def test_only_finished_trials_count_and_of_several_attempts_the_last(database: str) -> None:
    study = FakeStudy(database)
    study.complete(planned(), 0.9)
    study.complete(planned(), 0.8)
    pruned = study.begin(planned(seed=1))
    study.report(pruned.trial_id, 1, 0.1, [0.1, 0.1])
    study.recorder.end(pruned.trial_id, Ending("PRUNED", "halved"))
    study.begin(planned(seed=2))
    assert finished(read_trials(database))["value"].tolist() == [0.8]


def test_a_comparison_is_paired_over_seeds(database: str) -> None:
    full_study(database, _planted)
    trials = read_trials(database)
    reference = plan_trials(fake_spec(), SPACES)[0].configuration.config_id
    table = compare_to_reference(trials, reference=reference, targets=TARGETS).set_index(
        "config_id"
    )
    erm = table[table["method"] == "erm"].iloc[0]
    assert erm["difference"] == pytest.approx(0.02)
    assert erm["difference_deviation"] == pytest.approx(0.0, abs=1e-9)
    assert erm["deviation"] == pytest.approx(0.05)
    assert (erm["pairs"], erm["p"], erm["smallest_p"]) == (3, 0.25, 0.25)
    assert table.loc[reference, "difference"] == 0


def test_pairs_are_the_seeds_that_both_have(database: str) -> None:
    study = FakeStudy(database)
    for seed in (0, 1):
        study.complete(planned(seed=seed), 0.5)
    for seed in (1, 2):
        study.complete(planned(T=1, seed=seed), 0.6)
    trials = read_trials(database)
    reference = planned().configuration.config_id
    table = compare_to_reference(trials, reference=reference, targets=TARGETS).set_index(
        "config_id"
    )
    other = table.loc[planned(T=1).configuration.config_id]
    assert (other["n"], other["pairs"]) == (2, 1)


def test_accuracy_columns_are_found_by_domain(database: str) -> None:
    full_study(database)
    assert accuracy_columns(read_trials(database)) == {
        "scan": "accuracy/scan",
        "photo": "accuracy/photo",
        "street": "accuracy/street",
    }
