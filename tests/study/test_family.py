"""Families: several methods at an equal tuning budget, checked, planned and recorded."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest

from dgsearch.database.queries import read_trials
from dgsearch.database.studies import attempts
from dgsearch.designs.sampling import drawn_points
from dgsearch.errors import StudyFileError
from dgsearch.runner.distributions import distributions_of
from dgsearch.runner.queue import PlannedQueue
from dgsearch.study import Range, StudySpec
from dgsearch.study.plan import methods_of, plan_configurations, plan_trials
from tests.fakes import SPACES, FakeStudy, fake_spec

LR = {"low": 1e-4, "high": 1e-2, "log": True}


def _family(*, method: str = "erm", **changes: Any) -> StudySpec:
    design = {
        "kind": "family",
        "configurations": 3,
        "vary": {"lr": LR},
        "methods": {"mpbm": {"lambda_adv": {"low": 0, "high": 2}}},
    }
    fixed = changes.pop("hyperparameters", {"lr": 0.5})
    other = {name: changes.pop(name) for name in ("baselines", "halving") if name in changes}
    return fake_spec(
        method=method,
        design=design | changes,
        hyperparameters=fixed,
        **({"baselines": []} | other),
    )


def test_every_method_gets_its_centre_and_as_many_configurations_as_the_others() -> None:
    spec = _family()
    points = plan_configurations(spec, SPACES)
    assert Counter(point.method for point in points) == {"erm": 3, "mpbm": 3}
    assert [point.method for point in points[:2]] == ["erm", "mpbm"]
    assert [point.values["lr"] for point in points[:2]] == [0.5, 0.5]
    assert points[1].values["lambda_adv"] == 0.5  # its default
    assert [(point.role, point.variant) for point in points[:2]] == [
        ("variant", "erm"),
        ("variant", "mpbm"),
    ]
    assert len(plan_trials(spec, SPACES)) == 6 * 3
    assert methods_of(spec) == ("erm", "mpbm")


def test_points_are_those_of_the_sobol_sequence_and_shared_ranges_are_shared() -> None:
    """The sequence in two dimensions goes (1/2, 1/2), (3/4, 1/4) after its origin."""
    points = plan_configurations(_family(), SPACES)
    drawn = {method: [p for p in points if p.method == method][1:] for method in ("erm", "mpbm")}
    for method in drawn:
        rates = [point.values["lr"] for point in drawn[method]]
        assert rates == pytest.approx([1e-3, 10 ** (-4 + 2 * 0.75)])
    assert [point.values["lambda_adv"] for point in drawn["mpbm"]] == [1.0, 0.5]
    assert plan_configurations(_family(), SPACES) == points


def test_a_point_that_was_drawn_before_is_drawn_again_elsewhere() -> None:
    """T has three values, one of which is the centre; all three methods' points differ."""
    spec = _family(methods={"mpbm": {"T": {"low": 4, "high": 6}}}, vary={}, method="mpbm")
    points = plan_configurations(spec, SPACES)
    assert sorted(point.values["T"] for point in points) == [4, 5, 6]
    assert points[0].values["T"] == 5


def test_lists_of_values_are_drawn_from_as_well() -> None:
    ranges = {"attention": ("feature", "plain"), "T": Range(low=1, high=4)}
    drawn = list(itertools.islice(drawn_points(ranges, SPACES["mpbm"]), 8))
    assert Counter(point["attention"] for point in drawn) == {"feature": 4, "plain": 4}
    assert {point["T"] for point in drawn} == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": {}}, "design.methods = {}: must not be empty"),
        ({"methods": {"erk": {}}}, "design.methods.erk = 'erk': unknown method; allowed: erm"),
        (
            {"methods": {"mpbm": {"lambda": {"low": 0, "high": 1}}}},
            "design.methods.mpbm.lambda: unknown hyperparameter",
        ),
        (
            {"methods": {"mpbm": {"lambda_adv": {"low": -1, "high": 1}}}},
            "design.methods.mpbm.lambda_adv.low = -1.0: must be in [0, 10]",
        ),
        (
            {"methods": {"mpbm": {"lr": LR}}},
            "design.methods.mpbm.lr: is shared under [design.vary] too",
        ),
        (
            {"vary": {"T": {"low": 1, "high": 9}}, "methods": {"mpbm": {}}},
            "design.vary.T: is no hyperparameter of erm",
        ),
        ({"vary": {}}, "design.configurations = 3: erm has no points to draw"),
        (
            {"vary": {"lr": [1e-3, 1e-2]}},
            "design.configurations = 3: erm has 2 points to draw",
        ),
        ({"baselines": ["mpbm"]}, "baselines = ['mpbm']: a family compares its methods"),
        ({"hyperparameters": {"lrr": 1}}, "hyperparameters.lrr: unknown hyperparameter of every"),
        ({"hyperparameters": {"T": -1}}, "hyperparameters.T = -1: must be in [0, 100]"),
        ({"halving": {}}, "the design family compares trials of full length"),
        ({"configuration": 3}, "design.configuration: unknown key"),
    ],
)
def test_a_bad_family_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        _family(**changes)
    assert any(message in line for line in str(caught.value).splitlines()), caught.value


def test_a_broken_family_does_not_blame_what_another_method_may_know() -> None:
    with pytest.raises(StudyFileError) as caught:
        _family(methods={"mpbm": {"T": 3}}, hyperparameters={"N_b": 2})
    (line,) = str(caught.value).splitlines()
    assert "design.methods.mpbm.T = 3: must be a list" in line


def test_what_one_method_alone_knows_may_be_fixed() -> None:
    points = plan_configurations(_family(hyperparameters={"T": 2, "lr": 0.5}), SPACES)
    assert {point.values.get("T") for point in points} == {None, 2}


def test_methods_are_recorded_and_optuna_sees_them_with_what_all_vary(database: str) -> None:
    study = FakeStudy(database, _family())
    distributions = distributions_of(plan_configurations(study.spec, SPACES), SPACES["erm"])
    assert set(distributions) == {"variant", "lr"}
    queue = PlannedQueue(
        plan_trials(study.spec, SPACES),
        attempts(study.engine, study.study_id),
        study.recorder,
        distributions,
        share=False,
    )
    while queue.begin_next() is not None:
        continue
    trials = read_trials(database)
    assert (trials["variant"] == trials["method"]).all()
    assert trials.groupby("method")["config_id"].nunique().to_dict() == {"erm": 3, "mpbm": 3}
    assert trials.loc[trials["method"] == "mpbm", "lambda_adv"].nunique() == 2  # 0.5 twice
