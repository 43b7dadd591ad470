from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dgsearch.designs.points import PlannedTrial
from dgsearch.errors import DatabaseError, ReportError
from dgsearch.planning.forecast import power_forecast, time_forecast
from tests.fakes import fake_spec, full_study

SIX = list(range(6))


def _noisy(trial: PlannedTrial, random: np.random.Generator) -> float:
    return 0.5 + float(random.normal(0, 0.01))


def _one_point(trial: PlannedTrial, _: np.random.Generator) -> float:
    """Differences to the centre of a sample deviation of one point, over six seeds."""
    values = trial.configuration.values
    centre = values.get("lambda_adv") == 0.5 and values.get("T") == 5
    return 0.5 + (0.0 if centre else 0.01 * math.sqrt(5 / 6) * (-1) ** trial.seed)


def _power(database: str, **given: Any) -> str:
    spec = fake_spec(**given.pop("spec", {}))
    return "\n".join(power_forecast(database, spec, **{"points": 1.0, **given}).lines)


def test_power_rests_on_the_deviation_of_paired_differences(database: str) -> None:
    full_study(database, _one_point, fake_spec(seeds=SIX))
    shown = _power(database, spec={"seeds": SIX})
    assert "in 'fake' the standard deviation of the differences, paired over 6 seeds" in shown
    assert "is 1.00 points (5 comparisons: 1.00 to 1.00)" in shown
    # 10 pairs find an effect of 1 (the usual tables), 6 pairs one of 1.79 (fidelity.md, F6)
    assert "1 points need 10 seeds for power 0.8 at p < 0.05" in shown
    assert "6 planned would find 1.79" in shown
    assert "cannot reach" not in shown
    assert "corrected" not in shown
    together = _power(database, spec={"seeds": SIX}, comparisons=5)
    assert "5 comparisons are corrected together (Holm)" in together
    assert "1 points need 16 seeds" in together  # the same tables, at 1%


def test_power_has_its_numbers_for_programs(database: str) -> None:
    full_study(database, _one_point, fake_spec(seeds=SIX))
    spec = fake_spec(seeds=SIX)
    facts = power_forecast(database, spec, points=1.0, comparisons=5).facts
    assert facts is not None
    assert facts | {"detectable": 0, "seeds_needed_corrected": 0} == {
        "seeds": 6, "smallest_p": 0.03125, "power": 0.8, "comparisons": 5,  # 2 / 2^6
        "pilot": "fake", "pilot_seeds": 6, "pilot_comparisons": 5, "same_data": True,
        "deviation": pytest.approx(0.01), "deviation_low": pytest.approx(0.01),
        "deviation_high": pytest.approx(0.01), "difference": 0.01, "seeds_needed": 10,
        "seeds_needed_at_most": 10, "seeds_needed_corrected": 0, "detectable": 0,
        "rope": None, "equivalent_share": None,
    }  # fmt: skip
    assert facts["detectable"] == pytest.approx(0.0179, abs=5e-5)
    assert facts["seeds_needed_corrected"] == 16  # the same tables, at 1%


def test_power_without_a_pilot_names_studies_that_could_be_one(database: str) -> None:
    full_study(database, _one_point, fake_spec(seeds=SIX))
    facts = power_forecast(database, fake_spec(name="new"), points=1.0).facts
    assert facts is not None
    assert facts["pilot"] is None
    assert facts["pilots"] == ["fake"]


def test_fewer_than_six_seeds_are_promised_nothing(database: str) -> None:
    full_study(database, _noisy)
    shown = _power(database, spec={"seeds": [0, 1, 2, 3, 4]})
    assert "5 seeds cannot reach p < 0.05, however large the difference" in shown
    assert "the smallest sign-flip p is 0.062; it takes 6" in shown  # 2 / 2^5
    assert "5 planned would find nothing" in shown


def test_without_a_pilot_it_says_what_is_missing_and_names_those_that_could_be(
    database: str,
) -> None:
    full_study(database, _noisy)
    shown = _power(database, spec={"name": "new", "seeds": SIX})
    assert "unknown: no two configurations of 'new' have finished at two seeds or more" in shown
    assert "studies of mpbm that could be the pilot: fake" in shown


def test_without_a_database_the_power_is_unknown(database: str) -> None:
    assert "run it at a few first" in _power(database, spec={"seeds": SIX})


def test_a_pilot_on_other_data_is_called_a_rough_guide(database: str) -> None:
    full_study(database, _noisy)
    data = {"benchmark": "digits-mini", "source": ["scan"], "targets": ["slanted"]}
    shown = _power(database, pilot="fake", spec={"name": "new", "data": data, "seeds": SIX})
    assert "its data is not that of this study" in shown
    assert "for power 0.8 at p < 0.05 in one paired comparison" in shown


def test_a_pilot_that_is_not_there_is_an_error(database: str) -> None:
    full_study(database, _noisy)
    with pytest.raises(DatabaseError, match="nope"):
        _power(database, pilot="nope")


def test_a_pilot_of_one_seed_is_an_error(database: str) -> None:
    full_study(database, _noisy, fake_spec(seeds=[0]))
    with pytest.raises(ReportError, match="'fake' is no pilot: it needs two configurations"):
        _power(database, pilot="fake")


def test_time_is_that_of_earlier_trials_of_the_method(database: str) -> None:
    full_study(database, _noisy)  # 6 s of which the store spared 1: 2 s an epoch
    found = time_forecast(
        database,
        fake_spec(name="new"),
        epochs={"mpbm": 300, "erm": 60},
        missing={"pretrain": 80},
        at_once=2,
    )
    (line,) = found.lines
    # 360 epochs of 2 s and 80 stages of 1 s
    assert "about 13.3 minutes of trials, 6.7 minutes with 2 at a time" in line
    assert "by the trials of fake" in line
    assert found.facts == {"of": "trials", "trials_s": 800, "wall_s": 400, "studies": ["fake"]}


@pytest.mark.parametrize("method", ["augkd", "mpbm"])
def test_time_is_unknown_without_such_trials(method: str, database: str) -> None:
    if method == "augkd":
        full_study(database, _noisy)
    found = time_forecast(database, fake_spec(), epochs={method: 3}, missing={}, at_once=1)
    (line,) = found.lines
    assert f"unknown: no trial of {method} on digits-mini has finished" in line
    assert "--probe" in line
    assert found.facts == {"of": None, "unknown": [method]}
