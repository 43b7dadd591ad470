"""The design `shapley`: checked, planned."""

from __future__ import annotations

from typing import Any

import pytest

from dgsearch.errors import StudyFileError
from dgsearch.study.plan import plan_configurations, plan_trials
from tests.fakes import SPACES, fake_spec

SWITCHES = {
    "L_adv": {"adversarial_alignment": "off"},
    "feature attention": {"attention": "plain"},
    "SGLD": {"T": 0},
}


def _design(switches: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"kind": "shapley", "switches": switches} | changes


def test_every_coalition_is_run_at_every_seed() -> None:
    spec = fake_spec(design=_design(SWITCHES), baselines=[], hyperparameters={"lr": 0.5})
    points = plan_configurations(spec, SPACES)
    assert [point.variant for point in points] == [
        "full", "none",
        "without SGLD", "without feature attention", "without L_adv",
        "only L_adv", "only feature attention", "only SGLD",
    ]  # fmt: skip
    changed = ("adversarial_alignment", "attention", "T", "lr")
    values = {point.variant: [point.values[name] for name in changed] for point in points}
    assert values["full"] == ["on", "feature", 5, 0.5]
    assert values["none"] == ["off", "plain", 0, 0.5]
    assert values["without SGLD"] == ["on", "feature", 0, 0.5]
    assert values["only SGLD"] == ["off", "plain", 5, 0.5]
    assert len(plan_trials(spec, SPACES)) == 8 * 3


def test_of_more_than_six_switches_those_along_drawn_orders_are_run() -> None:
    names = ["lambda_adv", "lambda_mix", "T", "N_b", "epochs"]
    switches: dict[str, Any] = {name: {name: 7} for name in names}
    switches |= {"attention": {"attention": "plain"}, "L_adv": {"adversarial_alignment": "off"}}
    spec = fake_spec(design=_design(switches, orders=4), baselines=[])
    again = fake_spec(design=_design(switches, orders=4), baselines=[])
    points = plan_configurations(spec, SPACES)
    assert [point.config_id for point in points] == [
        point.config_id for point in plan_configurations(again, SPACES)
    ]
    assert 2 + 2 * 6 <= len(points) <= 2 + 4 * 6  # orders share what they share
    (outlook,) = spec.design.outlook(spec, least=0, most=0)
    assert outlook[1].startswith(f"{len(points)} of the 128 of 7 switches, along 4 orders")


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"a": {"T": 1}}, "design.switches"),
        ({"a": {"T": 1}, "b": {}}, 'design.switches."b" = {}: replaces nothing'),
        ({"a": {"T": 1}, "b": {"T": 2}}, "design.switches.\"b\".T = 2: is replaced by 'a' too"),
        ({"a": {"T": 1}, "b": {"TT": 2}}, 'design.switches."b".TT: unknown hyperparameter'),
        ({"a": {"T": 5}, "b": {"N_b": 2}}, 'design.switches."a".T = 5: is what the full method'),
        ({"a,b": {"T": 1}, "b": {"N_b": 2}}, 'design.switches."a,b": a name must not be empty'),
        ({"a": {"T": -1}, "b": {"N_b": 2}}, 'design.switches."a".T = -1: '),
    ],
)
def test_a_bad_switch_is_named(switches: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        fake_spec(design=_design(switches))
    assert any(message in line for line in str(caught.value).splitlines())


def test_orders_come_in_pairs() -> None:
    with pytest.raises(StudyFileError, match="must be even, an order and its reverse; use 4 or 6"):
        fake_spec(design=_design(SWITCHES, orders=5))


def test_shortened_trials_are_refused() -> None:
    with pytest.raises(StudyFileError, match="the design shapley compares trials of full length"):
        fake_spec(design=_design(SWITCHES), halving={})
