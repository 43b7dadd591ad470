from __future__ import annotations

import math

import pytest

from dgsearch.analysis.noise import noise_floor
from dgsearch.errors import StudyFileError
from dgsearch.report.building import build_page
from dgsearch.report.parts import Cell, Note, Table
from dgsearch.study.plan import plan_trials, planned_total
from tests.fakes import SPACES, fake_spec, full_study

DESIGN = {"kind": "a-a"}


def test_one_configuration_is_planned_at_the_seeds_and_as_many_further_ones() -> None:
    spec = fake_spec(design=DESIGN, baselines=[], seeds=[3, 0])
    trials = plan_trials(spec, SPACES)
    assert [trial.seed for trial in trials] == [3, 0, 4, 5]
    assert len({trial.configuration.config_id for trial in trials}) == 1
    assert planned_total(spec, SPACES) == 4
    assert spec.design.most_seeds(spec) == 4


def test_baselines_take_the_seeds_of_the_study() -> None:
    trials = plan_trials(fake_spec(design=DESIGN, seeds=[3, 0]), SPACES)
    baseline = [trial.seed for trial in trials if trial.configuration.role == "baseline"]
    assert baseline == [3, 0]


def test_one_seed_makes_no_pair() -> None:
    with pytest.raises(StudyFileError, match="list at least two"):
        fake_spec(design=DESIGN, seeds=[1])


def test_the_noise_is_that_of_a_difference_of_two_trials() -> None:
    found = noise_floor([0.1, 0.2, 0.3, math.nan])
    assert (found.n, found.deviation) == (3, pytest.approx(math.sqrt(2) * 0.1))
    # chi-square with 2 degrees: 7.378 and 0.0506
    assert found.low == pytest.approx(found.deviation * math.sqrt(2 / 7.378), rel=1e-3)
    assert found.high == pytest.approx(found.deviation * math.sqrt(2 / 0.0506), rel=1e-3)
    assert math.isnan(noise_floor([0.1]).deviation)


def test_its_page_pairs_a_with_a_and_tells_the_noise(database: str) -> None:
    accuracies = dict(zip([0, 1, 2, 3], [0.50, 0.52, 0.51, 0.55], strict=True))
    spec = fake_spec(design=DESIGN, baselines=[], seeds=[0, 1])
    full_study(database, lambda trial, _: accuracies[trial.seed], spec)
    (part,) = build_page(database, ["fake"]).parts
    note, table = {section.anchor: section for section in part.sections}["noise"].blocks
    assert isinstance(table, Table)
    assert isinstance(note, Note)
    texts = [cell.text if isinstance(cell, Cell) else cell for cell in table.rows[0]]
    # 0.51 - 0.50 and 0.55 - 0.52; sqrt(2) times the deviation of the four, 0.02160
    assert texts[:3] == ["mean of targets", "2", "+2.0"]
    assert texts[4:6] == ["4", "3.1"]
    assert "within about ±2.1 points over 8 pairs" in note.text  # 1.96 * 3.055 / sqrt(8)
