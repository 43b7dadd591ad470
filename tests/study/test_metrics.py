"""`[metrics]` of a study file: names, direction, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from dgsearch.errors import StudyFileError
from dgsearch.study import StudySpec
from tests.fakes import ADAPTIVE, fake_spec


def _spec(**metrics: Any) -> StudySpec:
    return fake_spec(metrics=metrics)


def test_without_the_section_accuracy_is_measured_and_selects() -> None:
    spec = fake_spec()
    assert (spec.recorded, spec.selecting, spec.maximise) == (("accuracy",), "accuracy", True)


def test_the_metric_that_selects_brings_its_direction_and_is_measured() -> None:
    spec = _spec(record=["accuracy_top5", "macro_f1"], select="nll")
    assert spec.recorded == ("accuracy", "accuracy_top5", "macro_f1", "nll")
    assert not spec.maximise


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (
            {"record": ["macro_f2"]},
            r"metrics.record\[0\] = 'macro_f2': unknown metric; .*macro_f1",
        ),
        ({"select": "accuracy_top0"}, "metrics.select = 'accuracy_top0': unknown metric"),
        (
            {"select": "nll", "direction": "maximize"},
            "metrics.direction = 'maximize': of negative log-likelihood lower is better",
        ),
        ({"direction": "up"}, "metrics.direction = 'up': "),
        ({"record": []}, "metrics.record = .*must not be empty"),
        ({"metric": "nll"}, "metrics.metric: unknown key"),
    ],
)
def test_what_is_wrong_is_said(metrics: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyFileError, match=message):
        _spec(**metrics)


def test_adaptive_seeds_decide_by_accuracy_alone() -> None:
    with pytest.raises(StudyFileError, match="adaptive-seeds decides by accuracy"):
        fake_spec(metrics={"select": "nll"}, design=ADAPTIVE, baselines=[])
