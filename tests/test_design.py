from __future__ import annotations

import pytest

from dgsearch.designs.points import Configuration
from dgsearch.designs.sobol import sobol_points
from dgsearch.space import Choice, Float, Space
from dgsearch.study import Ablation, Range, Sobol
from dgsearch.study.plan import plan_configurations, plan_trials, planned_total
from tests.fakes import DESIGNS, SPACES, WIDER, fake_spec


def test_one_at_a_time_moves_one_hyperparameter_from_the_centre_and_repeats_nothing() -> None:
    points = plan_configurations(fake_spec(baselines=[]), SPACES)
    moved = [(point.values["lambda_adv"], point.values["T"]) for point in points]
    assert moved == [(0.5, 5), (0.0, 5), (1.0, 5), (0.5, 1), (0.5, 10)]


def test_the_centre_is_what_the_file_fixes() -> None:
    spec = fake_spec(baselines=[], hyperparameters={"T": 7})
    first, *others = plan_configurations(spec, SPACES)
    assert first.values["T"] == 7
    assert [point.values["T"] for point in others] == [7, 7, 1, 5, 10]


def test_a_grid_has_every_combination() -> None:
    design = {"kind": "grid", "vary": {"T": [1, 5], "lambda_adv": [0.0, 1.0]}}
    points = plan_configurations(fake_spec(baselines=[], design=design), SPACES)
    assert [(point.values["T"], point.values["lambda_adv"]) for point in points] == [
        (1, 0.0),
        (1, 1.0),
        (5, 0.0),
        (5, 1.0),
    ]


def test_baselines_come_second_with_the_fixed_values_that_they_know() -> None:
    spec = fake_spec(hyperparameters={"lr": 0.5, "T": 7})
    baseline = plan_configurations(spec, SPACES)[1]
    assert (baseline.method, baseline.role) == ("erm", "baseline")
    assert baseline.values == {"epochs": 3, "lr": 0.5}


def test_all_seeds_of_a_configuration_follow_each_other() -> None:
    trials = plan_trials(fake_spec(), SPACES)
    assert [trial.seed for trial in trials[:6]] == [0, 1, 2, 0, 1, 2]
    assert len({trial.key for trial in trials}) == len(trials) == 18


def test_a_search_counts_its_proposals_and_repetitions() -> None:
    design = {"kind": "search", "trials": 10, "confirm": 2, "vary": {"T": {"low": 1, "high": 9}}}
    assert planned_total(fake_spec(design=design), SPACES) == 3 + 10 + 2 * 2


def test_an_id_depends_on_method_and_values_alone() -> None:
    values = {"a": 1.0, "b": 2}
    same = Configuration("m", {"b": 2, "a": 1.0}, ("a",), role="baseline")
    assert Configuration("m", values).config_id == same.config_id
    assert Configuration("n", values).config_id != same.config_id
    assert Configuration("m", {"a": 1.0, "b": 3}).config_id != same.config_id


def test_the_space_of_the_fakes_is_what_the_tests_assume() -> None:
    assert isinstance(SPACES["mpbm"]["lambda_adv"], Float)


def test_a_sobol_design_has_its_points_and_the_centre() -> None:
    vary = {"lambda_adv": {"low": 0.0, "high": 1.0}, "lr": {"low": 1e-4, "high": 1e-2}}
    design = {"kind": "sobol", "samples": 8, "vary": vary}
    points = plan_configurations(fake_spec(baselines=[], design=design), SPACES)
    assert len(points) == 1 + 8 * (2 + 2)
    assert points[0].values["lambda_adv"] == 0.5
    below = sum(float(point.values["lr"]) < 1e-3 for point in points[1:])
    assert below == 16  # lr is logarithmic: half of the points lie below the geometric middle


def test_sobol_points_are_the_same_whenever_they_are_drawn_and_stay_in_their_ranges() -> None:
    ranges = {"T": Range(low=2, high=4), "lambda_adv": Range(low=1.0, high=2.0)}
    design = Sobol(kind="sobol", vary=ranges, samples=64)
    points = sobol_points(design, SPACES["mpbm"])
    assert points == sobol_points(design, SPACES["mpbm"])
    assert {point["T"] for point in points} == {2, 3, 4}
    assert all(1.0 <= float(point["lambda_adv"]) <= 2.0 for point in points)
    base = [point["T"] for point in points[:: 2 + 2]]
    assert sorted(base.count(value) for value in (2, 3, 4)) == [21, 21, 22]  # equal parts


@pytest.mark.parametrize("kind", DESIGNS)
def test_in_no_design_a_switch_of_speed_changes_a_name(kind: str) -> None:
    tf32 = Choice(name="tf32", default="off", options=("off", "on"), meaning="", purpose="speed")
    spaces = {name: Space((*space, tf32)) for name, space in SPACES.items()}
    slow, fast = (
        fake_spec(WIDER, design=DESIGNS[kind], baselines=[], hyperparameters={}).model_copy(
            update={"hyperparameters": fixed}
        )
        for fixed in ({}, {"tf32": "on"})
    )
    plans = [plan_configurations(spec, spaces) for spec in (slow, fast)]
    names = [[item.config_id for item in plan] for plan in plans]
    assert names[0] == names[1]
    assert all(item.values["tf32"] == "on" for item in plans[1])


def test_a_switch_that_a_design_asks_for_is_part_of_the_name() -> None:
    tf32 = Choice(name="tf32", default="off", options=("off", "on"), meaning="", purpose="speed")
    spaces = SPACES | {"mpbm": Space((*SPACES["mpbm"], tf32))}
    variants = {"fast": {"tf32": "on"}}
    design = Ablation(kind="ablation", variants=variants)
    spec = fake_spec(baselines=[]).model_copy(update={"design": design})
    full, fast = plan_configurations(spec, spaces)
    assert full.config_id != fast.config_id
