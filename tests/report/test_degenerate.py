"""Studies with next to nothing to say: each section says it in a sentence, or is left out."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dgsearch
from dgsearch.database.recorder import Ending
from dgsearch.designs.points import PlannedTrial
from dgsearch.errors import ReportError
from dgsearch.planning.forecast import power_forecast
from dgsearch.replies import plain
from dgsearch.report import write_report
from dgsearch.report.answer_lines import best_lines, compare_lines, decision_lines
from dgsearch.report.answers import answer_view, best_answer, compare_answer, decisions_answer
from dgsearch.report.status import status_table
from dgsearch.study.plan import plan_trials
from tests.fakes import (
    ABLATION,
    ADAPTIVE,
    CATALOGUE,
    SPACES,
    FakeStudy,
    every_diagnostic,
    fake_spec,
    planned,
)

DESIGNS: dict[str, dict[str, Any]] = {
    "one-at-a-time": {"kind": "one-at-a-time", "vary": {"lambda_adv": [0.0, 1.0], "T": [1]}},
    "one value": {"kind": "grid", "vary": {"lambda_adv": [0.5]}},
    "grid": {"kind": "grid", "vary": {"lambda_adv": [0.0, 0.5, 1.0], "T": [1, 3]}},
    "ablation": ABLATION,
    "sobol": {
        "kind": "sobol", "samples": 2,
        "vary": {"lambda_adv": {"low": 0.0, "high": 1.0}, "lr": {"low": 1e-4, "high": 1e-2}},
    },
    "search": {
        "kind": "search", "trials": 6, "confirm": 1,
        "vary": {"lambda_adv": {"low": 0.0, "high": 1.0}},
    },
    "adaptive": ADAPTIVE,
    "a-a": {"kind": "a-a"},
    "shapley": {
        "kind": "shapley",
        "switches": {"L_adv": {"adversarial_alignment": "off"}, "SGLD": {"T": 0}},
    },
    "family": {
        "kind": "family", "configurations": 2, "methods": {"erm": {}},
        "vary": {"lr": {"low": 1e-4, "high": 1e-2}},
    },
}  # fmt: skip
LEAST_SEEDS = {"adaptive": 3, "a-a": 2}
SOME_NUMBERS = [("equal", "nan"), ("free", "infinite", "failed")]
ENDS = ("equal", "nearly", "free", "nan", "infinite", "failed", "halved", "running", "absent")


@dataclass(frozen=True)
class _Drawn:
    """A study: its design, seeds and targets, and how its trials end in turn."""

    design: str
    seeds: int
    targets: int
    ends: Sequence[str]


DRAWN = st.builds(
    _Drawn,
    st.sampled_from(sorted(DESIGNS)),
    st.integers(1, 4),
    st.integers(1, 3),
    st.one_of(
        st.lists(st.sampled_from(ENDS), min_size=1, max_size=6),
        st.sampled_from(ENDS).map(lambda end: [end]),  # all alike
    ),
)


def _study(database: str, drawn: _Drawn) -> tuple[FakeStudy, int]:
    """The study, and how many trials it has begun."""
    design = DESIGNS[drawn.design]
    seeds = max(drawn.seeds, LEAST_SEEDS.get(drawn.design, 1))
    spec = fake_spec(
        CATALOGUE,
        name="odd",
        design=design,
        seeds=list(range(seeds)),
        baselines=[] if drawn.design in ("family", "adaptive") else ["erm"],
        data={
            "benchmark": "digits-mini",
            "source": ["scan"],
            "targets": ["photo", "street", "slanted"][: drawn.targets],
        },
    )
    study = FakeStudy(database, spec)
    trials = list(plan_trials(spec, SPACES))
    if design["kind"] == "search":
        trials += [planned(lambda_adv=place / 7, seed=0) for place in range(6)]
    random = np.random.default_rng(0)
    ends = [drawn.ends[place % len(drawn.ends)] for place in range(len(trials))]
    for trial, how in zip(trials, ends, strict=True):
        _end(study, trial, how, random)
    return study, len(ends) - ends.count("absent")


def _end(study: FakeStudy, trial: PlannedTrial, how: str, random: np.random.Generator) -> None:
    """Let one trial end in a certain way."""
    if how in ("equal", "nearly", "free"):
        level = {"equal": 0.5, "nearly": 0.5 + 1e-12 * random.random(), "free": random.random()}
        study.complete(trial, level[how], every_diagnostic(level[how]))
        return
    if how == "absent":
        return
    started = study.begin(trial)
    if how == "running":
        return
    targets = len(study.spec.data.targets)
    number = {"nan": math.nan, "infinite": math.inf}.get(how, 0.3)
    study.report(started.trial_id, 1, number, [number] * targets, every_diagnostic(number))
    ending = {
        "failed": Ending("FAIL", "failed", error_type="E", error="no"),
        "halved": Ending("PRUNED", "halved", rung=1, cutoff=0.4, selected_epoch=1),
    }.get(how, Ending("COMPLETE", "finished", value=number, selected_epoch=1))
    study.recorder.end(started.trial_id, ending)


def _is_asked(database: str) -> None:
    """What the answers say, or why they say nothing."""
    view = answer_view(database, "odd", rope=0.01)
    for ask, lines in (
        (best_answer, best_lines),
        (decisions_answer, decision_lines),
        (lambda view: compare_answer(view, "reference", "best"), compare_lines),
    ):
        try:
            answer = ask(view)
        except ReportError:  # says what is missing
            continue
        json.dumps(plain(answer), allow_nan=False)
        assert not [line for line in lines(view, answer) if "nan" in line.split()]


def _is_read(drawn: _Drawn) -> None:
    """Page, status, notebook and outlook of the study, none of which may raise."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'study.db'}"
        study, begun = _study(database, drawn)
        try:
            page = write_report(database, ["odd"], Path(folder) / "p.html").read_text("utf-8")
            text = page[: page.rindex("<footer>")]
            assert "Answer" in text
            assert ">nan<" not in text
            assert status_table(database, None).row_count == 1
            _is_asked(database)
            assert list(power_forecast(database, study.spec, points=1.0).lines)
            opened = dgsearch.open_study(database, "odd")
            assert len(opened.trials(columns=["trial_number"])) == begun
            opened._repr_html_()
        finally:
            study.engine.dispose()


_QUIET = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@settings(_QUIET, max_examples=6)
@given(DRAWN)
def test_a_study_with_little_to_say_has_a_page(drawn: _Drawn) -> None:
    _is_read(drawn)


def _some(ends: Sequence[Any], *, one_in: int) -> list[Any]:
    """Designs with ways to end; each of both is met in CI, the other pairs with `long`."""
    return [
        pytest.param(design, end, marks=[] if (row + column) % one_in == 0 else pytest.mark.long)
        for row, design in enumerate(sorted(DESIGNS))
        for column, end in enumerate(ends)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("design", "end"), _some(ENDS, one_in=7))
def test_a_study_whose_trials_all_end_alike_has_a_page(design: str, end: str) -> None:
    _is_read(_Drawn(design, 3, 2, [end]))


@pytest.mark.slow
@pytest.mark.parametrize(("design", "ends"), _some(SOME_NUMBERS, one_in=2))
def test_a_study_of_which_some_outcomes_are_no_numbers_has_a_page(
    design: str, ends: tuple[str, ...]
) -> None:
    _is_read(_Drawn(design, 3, 3, ends))


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(_QUIET, max_examples=300, derandomize=False)
@given(DRAWN)
def test_three_hundred_studies_with_little_to_say_have_pages(drawn: _Drawn) -> None:
    _is_read(drawn)
