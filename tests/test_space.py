from __future__ import annotations

import math

import pytest

from dgsearch.errors import MethodError
from dgsearch.space import Choice, Float, Int, Space, join

RATE = Float(name="lr", default=0.1, low=0, open_low=True, high=1, log=True, meaning="rate")
STEPS = Int(name="T", symbol="T", default=5, low=0, meaning="steps")
SWITCH = Choice(name="mix", default="on", options=("on", "off"), meaning="switch")
SPACE = Space((RATE, STEPS, SWITCH))


def test_resolving_fills_in_the_defaults_and_keeps_the_order() -> None:
    assert list(SPACE.resolve({"T": 7.0}).items()) == [("lr", 0.1), ("T", 7), ("mix", "on")]


def test_a_whole_float_becomes_an_int_and_an_int_becomes_a_float() -> None:
    resolved = SPACE.resolve({"T": 3.0, "lr": 1})
    assert isinstance(resolved["T"], int)
    assert isinstance(resolved["lr"], float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lr": 0}, r"lr = 0: must be in \(0, 1\]"),
        ({"lr": math.nan}, r"must be in \(0, 1\]"),
        ({"lr": True}, "must be a number"),
        ({"T": 2.5}, "must be a whole number >= 0"),
        ({"T": -1}, "T = -1: must be >= 0"),
        ({"T": math.inf}, "must be a whole number"),
        ({"mix": "maybe"}, "allowed: on, off"),
        ({"Tt": 1}, "hyperparameter 'Tt' is unknown; allowed: lr, T, mix; did you mean 'T'?"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_is(
    values: dict[str, object], message: str
) -> None:
    with pytest.raises(MethodError, match=message.replace("?", r"\?")):
        SPACE.resolve(values)


def test_a_space_survives_json() -> None:
    assert Space.model_validate_json(SPACE.model_dump_json()) == SPACE


def test_joining_keeps_the_first_description_of_a_name() -> None:
    other = Float(name="lr", default=0.5, low=0, meaning="another rate")
    assert join(SPACE, Space((other,)))["lr"] == RATE


def test_a_label_is_the_symbol_or_the_name() -> None:
    assert (RATE.label, STEPS.label) == ("lr", "T")


def test_a_choice_may_take_something_else_too() -> None:
    weights = Choice(
        name="weights", default="none", options=("none",), other="the path of a file", meaning="m"
    )
    assert weights.parse("/data/w.pth") == "/data/w.pth"
    assert weights.allowed == "one of none, or the path of a file"
    for wrong in ("", 3):
        with pytest.raises(ValueError, match="allowed: none"):
            weights.parse(wrong)
