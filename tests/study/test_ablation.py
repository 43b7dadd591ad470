"""Ablations: variants of a method, checked, planned and recorded."""

from __future__ import annotations

from typing import Any

import optuna
import pytest

from dgsearch.database.queries import read_trials
from dgsearch.database.studies import attempts
from dgsearch.errors import StudyFileError
from dgsearch.runner.distributions import distributions_of
from dgsearch.runner.queue import PlannedQueue
from dgsearch.study.plan import methods_of, plan_configurations, plan_trials
from tests.fakes import SPACES, FakeStudy, fake_spec

VARIANTS = {"plain attention": {"attention": "plain"}, "ERM": {"method": "erm"}, "T = 1": {"T": 1}}


def _design(**variants: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "ablation", "variants": variants}


def test_the_full_method_comes_first_then_each_variant_at_the_same_seeds() -> None:
    spec = fake_spec(design=_design(**VARIANTS), baselines=[], hyperparameters={"lr": 0.5})
    points = plan_configurations(spec, SPACES)
    assert [point.variant for point in points] == ["full", *VARIANTS]
    assert [point.method for point in points] == ["mpbm", "mpbm", "erm", "mpbm"]
    assert {point.values["lr"] for point in points} == {0.5}
    assert points[1].values["attention"] == "plain"
    assert [trial.seed for trial in plan_trials(spec, SPACES)[:3]] == [0, 1, 2]
    assert methods_of(spec) == ("mpbm", "erm")


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ({}, "design.variants = {}: must not be empty"),
        (
            {"a": {"attention": "soft"}},
            "design.variants.\"a\".attention = 'soft': allowed: feature",
        ),
        (
            {"a": {"attn": "x"}},
            'design.variants."a".attn: unknown hyperparameter; allowed: lambda',
        ),
        ({"a": {"method": "erm", "T": 1}}, 'design.variants."a".T: unknown hyperparameter'),
        ({"a": {"method": "erk"}}, "design.variants.\"a\".method = 'erk': unknown method"),
        ({"full": {"T": 1}}, 'design.variants."full": is the name of the full method'),
        ({"a": {"T": 5}}, "design.variants.\"a\": is the same as 'full'; remove one of them"),
        ({"a": {"T": 1}, "b": {"T": 1}}, "design.variants.\"b\": is the same as 'a'"),
    ],
)
def test_a_bad_variant_is_named(variants: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        fake_spec(design=_design(**variants))
    assert any(message in line for line in str(caught.value).splitlines())


def test_an_ablation_refuses_halving() -> None:
    with pytest.raises(StudyFileError, match="the design ablation compares trials of full length"):
        fake_spec(design=_design(**VARIANTS), halving={})


def test_variants_are_recorded_and_optuna_sees_one_choice(database: str) -> None:
    study = FakeStudy(database, fake_spec(design=_design(**VARIANTS), baselines=[]))
    points = plan_configurations(study.spec, SPACES)
    queue = PlannedQueue(
        plan_trials(study.spec, SPACES),
        attempts(study.engine, study.study_id),
        study.recorder,
        distributions_of(points, SPACES["mpbm"]),
        share=False,
    )
    while queue.begin_next() is not None:
        continue
    trials = read_trials(database)
    assert trials["variant"].tolist() == [name for name in ("full", *VARIANTS) for _ in range(3)]
    assert set(trials["role"]) == {"variant"}
    url = study.engine.url.render_as_string(hide_password=False)
    seen = optuna.load_study(study_name="fake", storage=url).trials
    assert [trial.params["variant"] for trial in seen][::3] == ["full", *VARIANTS]
