from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dgsearch.designs.adaptive_seeds import images_tested
from dgsearch.designs.seed_plan import AdaptivePlan
from dgsearch.study import StudySpec
from dgsearch.study.plan import plan_configurations, plan_trials, planned_total
from tests.fakes import ADAPTIVE, SPACES, fake_spec


def _spec(**changes: Any) -> StudySpec:
    return fake_spec(design=ADAPTIVE | changes.pop("design", {}), **changes)


def _accuracy(config_id: str, seed: int) -> float:
    """Points that differ by chance and by their name; the same whenever it is asked."""
    random = np.random.default_rng([int(config_id, 16), seed])
    return 0.5 + int(config_id, 16) % 3 * 0.05 + random.normal(0, 0.01)


def _run(spec: StudySpec, order: int, failing: frozenset[str] = frozenset()) -> AdaptivePlan:
    """Every planned trial, ended in an order of its own, up to the end of the study."""
    random = np.random.default_rng(order)
    outcomes: dict[tuple[str, int], float] = {}
    while True:
        plan = spec.design.plan(spec, SPACES, outcomes)
        left = [trial.key for trial in plan.trials if trial.key not in outcomes]
        if not left:
            return plan
        for place in random.permutation(len(left))[: 1 + order % 4]:
            config_id, seed = left[place]
            bad = config_id in failing
            outcomes[config_id, seed] = math.nan if bad else _accuracy(config_id, seed)


def test_seeds_go_on_after_the_largest_of_the_file() -> None:
    spec = _spec(seeds=[0, 7, 3], design={"max_seeds": 5})
    assert spec.design.seed_list(spec) == (0, 7, 3, 8, 9)


def test_the_centre_comes_first_in_both_ways_to_combine() -> None:
    alone = plan_configurations(_spec(baselines=[]), SPACES)
    crossed = plan_configurations(_spec(baselines=[], design={"combine": "grid"}), SPACES)
    assert [(item.values["lambda_adv"], item.values["T"]) for item in alone] == [
        (0.5, 5), (0.0, 5), (1.0, 5), (0.5, 1),
    ]  # fmt: skip
    assert [(item.values["lambda_adv"], item.values["T"]) for item in crossed] == [
        (0.5, 5), (0.0, 1), (1.0, 1),
    ]  # fmt: skip


def test_it_begins_with_the_seeds_of_the_file_and_may_end_at_the_cap() -> None:
    spec = _spec()
    plan = spec.design.plan(spec, SPACES, {})
    assert list(plan.trials) == plan_trials(spec, SPACES)
    assert len(plan.trials) == 5 * 3
    assert planned_total(spec, SPACES) == plan.most == 5 * 8


def _planned(spec: StudySpec) -> AdaptivePlan:
    plan: AdaptivePlan = spec.design.plan(spec, SPACES, {})
    return plan


def test_what_others_are_compared_with_is_the_centre_or_the_first_baseline() -> None:
    assert _planned(_spec()).reference.method == "mpbm"
    plan = _planned(_spec(design={"against": "baseline"}))
    assert plan.reference.method == "erm"
    assert len(plan.decisions) == plan.rule.points == 4


@pytest.mark.parametrize("order", range(1, 9))
def test_the_same_seeds_are_taken_in_whatever_order_trials_end(order: int) -> None:
    assert _run(_spec(), order) == _run(_spec(), 0)


def test_the_reference_takes_as_many_seeds_as_any_point() -> None:
    plan = _run(_spec(), 0)
    taken = [decision.seeds for _, decision in plan.decisions]
    assert max(taken) > 3
    assert min(taken) < max(taken)
    own = [trial.seed for trial in plan.trials if trial.configuration == plan.reference]
    assert len(own) == max(taken)


def test_a_point_that_always_fails_takes_no_further_seeds() -> None:
    spec = _spec()
    point = plan_configurations(spec, SPACES)[2].config_id
    plan = _run(spec, 0, frozenset([point]))
    found = {item.config_id: decision for item, decision in plan.decisions}[point]
    assert (found.verdict, found.seeds) == ("failed", 3)


def test_a_reference_that_always_fails_ends_the_study() -> None:
    spec = _spec()
    centre = plan_configurations(spec, SPACES)[0].config_id
    plan = _run(spec, 0, frozenset([centre]))
    assert {decision.verdict for _, decision in plan.decisions} == {"failed"}
    assert len(plan.trials) == 15


def test_images_of_several_targets_count_together_where_they_have_equally_many() -> None:
    spec = _spec()
    names = [f"target/test/{target}" for target in spec.data.targets]
    assert images_tested(spec, dict.fromkeys(names, 600)) == pytest.approx(600 * len(names))
    assert images_tested(spec, dict(zip(names, (50, 600), strict=True))) == pytest.approx(
        4 / (1 / 50 + 1 / 600)
    )
    assert images_tested(spec, {names[0]: 600}) == math.inf
