from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from dgsearch.database.recorder import Ending
from dgsearch.designs.points import PlannedTrial
from dgsearch.errors import ReportError
from dgsearch.replies import plain
from dgsearch.report import write_report
from dgsearch.report.answer_lines import best_lines, compare_lines, decision_lines
from dgsearch.report.answers import (
    answer_view,
    best_answer,
    compare_answer,
    decisions_answer,
    find_configuration,
)
from dgsearch.report.view import StudyView
from dgsearch.study.plan import plan_trials
from tests.fakes import (
    ABLATION,
    SPACES,
    FakeStudy,
    adaptive_study,
    fake_spec,
    full_study,
    planned,
)
from tests.foreign import add_trials, new_study

SIX = list(range(6))


def _gains(trial: PlannedTrial, random: np.random.Generator) -> float:
    """T = 10 gains 1, 2, ... 6 points over the centre, seed by seed."""
    gain = 0.01 * (trial.seed + 1) * (trial.configuration.values.get("T") == 10)
    return 0.5 + 0.02 * trial.seed + gain


def _view(database: str, **changes: Any) -> StudyView:
    full_study(database, _gains, fake_spec(seeds=SIX, **changes))
    return answer_view(database, "fake")


def test_the_best_is_that_of_the_page_with_its_seeds_and_numbers(database: str) -> None:
    view = _view(database)
    answer = best_answer(view)
    assert answer["best"]["config_id"] == view.chosen
    assert answer["best"]["name"] == "T = 10"
    assert answer["best"]["varied"] == {"lambda_adv": 0.5, "T": 10}
    assert answer["best"]["hyperparameters"]["lr"] == 1e-3
    assert answer["best"]["seeds"] == SIX
    assert (answer["candidates"], answer["shared_seeds"]) == (5, 6)  # the baseline is none
    assert answer["validation"]["mean"] == pytest.approx(0.585)  # 0.5 + 0.05 + 0.035
    assert answer["targets"]["photo"]["mean"] == pytest.approx(0.485)  # 0.1 less
    assert answer["targets"]["mean of targets"]["mean"] == pytest.approx(0.585)
    assert answer["not_told_apart"] == []  # six of six seeds are better: p = 2 / 64 at most


def test_equal_configurations_cannot_be_told_from_the_best(database: str) -> None:
    full_study(database)
    answer = best_answer(answer_view(database, "fake"))
    assert len(answer["not_told_apart"]) == 4
    assert {row["p"] for row in answer["not_told_apart"]} == {1.0}


def test_of_a_configuration_that_lacks_the_seeds_of_the_best_nothing_is_said(
    database: str,
) -> None:
    study = FakeStudy(database, fake_spec(seeds=SIX))
    for seed in SIX:
        study.complete(planned(seed=seed), 0.5)
    study.complete(planned(lambda_adv=0.0), 0.5)
    view = answer_view(database, "fake")
    answer = best_answer(view)
    assert (answer["candidates"], answer["not_told_apart"], answer["not_compared"]) == (2, [], 1)
    lines = list(best_lines(view, answer))
    assert lines[-1] == "  1 configuration lacks seeds and is not compared with it"
    assert not any("differs significantly" in line for line in lines)


def test_b_against_a_is_paired_over_seeds(database: str) -> None:
    answer = compare_answer(_view(database), "reference", "T=10")
    differences = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]
    half = 2.570582 * np.std(differences, ddof=1) / np.sqrt(6)  # t(0.975; 5)
    assert answer["pairs"] == 6
    assert answer["difference"] == pytest.approx(0.035)
    assert (answer["low"], answer["high"]) == pytest.approx((0.035 - half, 0.035 + half))
    assert answer["p"] == answer["smallest_p"] == 2 / 64
    assert answer["verdict"] == "better"
    assert answer["mean_b"] - answer["mean_a"] == pytest.approx(0.035)
    assert answer["targets"]["street"]["difference"] == pytest.approx(0.035)


def test_the_other_way_round_it_is_worse(database: str) -> None:
    answer = compare_answer(_view(database), "best", "reference")
    assert answer["verdict"] == "worse"
    assert answer["difference"] == pytest.approx(-0.035)


def test_five_seeds_leave_everything_open(database: str) -> None:
    full_study(database, _gains, fake_spec(seeds=SIX[:5]))
    view = answer_view(database, "fake")
    answer = compare_answer(view, "reference", "T=10")
    assert answer["low"] > 0
    assert answer["verdict"] == "open"
    lines = list(compare_lines(view, answer))
    assert lines[-1] == "  5 pairs cannot reach p <= 0.05; the smallest p is 0.062"


def _alike(trial: PlannedTrial, random: np.random.Generator) -> float:
    """T = 10 differs from the centre by a tenth of a point, to either side in turn."""
    side = 0.001 * (-1) ** trial.seed * (trial.configuration.values.get("T") == 10)
    return 0.5 + 0.02 * trial.seed + side


def test_a_difference_within_the_rope_is_equivalent(database: str) -> None:
    full_study(database, _alike, fake_spec(seeds=SIX, report={"rope": 0.02}))
    for rope, verdict in ((None, "equivalent"), (0.0001, "open")):  # asked for: before the file
        view = answer_view(database, "fake", rope=rope)
        answer = compare_answer(view, "reference", "T=10")
        assert (answer["rope"], answer["verdict"]) == (rope or 0.02, verdict)
        decided = decisions_answer(view)
        found = {row["name"]: row["verdict"] for row in decided["configurations"]}
        assert (decided["rope"], found["T = 10"]) == (rope or 0.02, verdict)
    view = answer_view(database, "fake")
    lines = "\n".join(compare_lines(view, compare_answer(view, "reference", "T=10")))
    assert "B and A are practically equal: their difference lies within ±2 points" in lines
    assert "within ±2 points" in "\n".join(decision_lines(view, decisions_answer(view)))


def test_decisions_are_corrected_for_their_number(database: str) -> None:
    view = _view(database)
    answer = decisions_answer(view)
    (gain,) = [row for row in answer["configurations"] if row["name"] == "T = 10"]
    assert gain["p_holm"] == pytest.approx(5 * 2 / 64)
    assert gain["verdict"] == "open"
    assert answer["pairs_needed"] == 8  # 2 / 2^8 <= 0.05 / 5
    assert "5 comparisons take 8 pairs before one can be decided; 5 have fewer" in "\n".join(
        decision_lines(view, answer)
    )


def test_a_study_of_one_change_is_decided_by_six_seeds(database: str) -> None:
    view = _view(database, baselines=[], design={"kind": "grid", "vary": {"T": [5, 10]}})
    answer = decisions_answer(view)
    assert answer["reference"]["name"] == "mpbm at the centre"
    assert [row["verdict"] for row in answer["configurations"]] == ["better"]


def test_the_decisions_of_adaptive_seeds_are_those_of_the_study(database: str) -> None:
    adaptive_study(database)
    answer = decisions_answer(answer_view(database, "adaptive"))
    found = {row["name"]: row["verdict"] for row in answer["configurations"]}
    assert found == {"λ_adv = 0": "worse", "λ_adv = 1": "better", "T = 1": "open"}
    assert (answer["confidence"], answer["margin"]) == (0.8, 0.02)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("reference", "mpbm at the centre"),
        ("best", "T = 10"),
        ("T = 10", "T = 10"),
        ("T=10", "T = 10"),
        ("λ_adv=0", "λ_adv = 0"),
        ("lambda_adv=1.0", "λ_adv = 1"),
        ("lambda_adv=0.5,T=1", "T = 1"),
        ("trial 0", "mpbm at the centre"),
        ("erm", "erm (baseline)"),
    ],
)
def test_a_configuration_is_found_by_what_it_is_called(
    database: str, text: str, name: str
) -> None:
    view = _view(database)
    found = find_configuration(view, text)
    assert view.names[found] in (name, "λ_adv = 0" if text == "trial 0" else name)
    assert find_configuration(view, found) == find_configuration(view, found[:6]) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lambda_adv=0.5", "is 3 configurations of study 'fake': "),
        ("T = 11", "is no configuration of study 'fake' .* did you mean 'T = 1"),
        ("size=3", "is no configuration of study 'fake' that has finished; give a config_id"),
        ("trial 999", "is no configuration"),
    ],
)
def test_what_is_not_one_configuration_is_named(database: str, text: str, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        find_configuration(_view(database), text)


def test_a_variant_is_found_by_its_name(database: str) -> None:
    view = _view(database, design=ABLATION)
    answer = compare_answer(view, "full", "without L_adv")
    assert answer["b"]["variant"] == "without L_adv"
    assert answer["difference"] == pytest.approx(0)


def test_the_best_of_an_ablation_may_be_a_variant(database: str) -> None:
    better = {"without L_adv": 0.1}
    full_study(
        database,
        lambda trial, _: 0.5 + better.get(trial.configuration.variant or "", 0.0),
        fake_spec(design=ABLATION, baselines=[]),
    )
    view = answer_view(database, "fake")
    found = find_configuration(view, "best")
    assert view.names[found] == "without L_adv"
    assert best_answer(view)["best"]["config_id"] == found


def test_a_configuration_is_not_compared_with_itself(database: str) -> None:
    with pytest.raises(ReportError, match="are the same configuration"):
        compare_answer(_view(database), "best", "T = 10")


def test_a_study_without_finished_trials_has_no_answer(database: str) -> None:
    FakeStudy(database).begin(planned())
    for answer in (best_answer, decisions_answer):
        with pytest.raises(ReportError, match="study 'fake': no trial has finished yet"):
            answer(answer_view(database, "fake"))


def test_an_unknown_rule_is_named(database: str) -> None:
    with pytest.raises(ReportError, match="--rule 'test': is unknown; allowed: validation, augm"):
        best_answer(_view(database), rule="test")


def test_a_study_of_optuna_alone_is_minimised_where_it_says_so(database: str) -> None:
    study = optuna.create_study(study_name="foreign", storage=database, direction="minimize")
    for x in (0.2, 0.7):
        study.enqueue_trial({"x": x})
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    view = answer_view(database, "foreign")
    answer = best_answer(view)
    assert answer["best"]["varied"] == {"x": 0.2}
    assert not answer["higher_is_better"]
    with pytest.raises(ReportError, match="has no finished reference"):
        decisions_answer(view)


def test_a_person_reads_the_same_in_words(database: str) -> None:
    view = _view(database)
    lines = list(best_lines(view, best_answer(view)))
    assert lines[0].startswith("fake: the best of 5 configurations by validation is T = 10 (conf")
    assert " ".join(lines[1].split()) == "validation 58.5 % (n = 6, 95% 52.6 to 64.4)"
    assert lines[-1] == "  every other configuration differs significantly from it (p <= 0.05)"


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")
def test_a_choice_may_be_a_list(database: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=database, study_name="lists", direction="maximize")
    choices = [[64, 32], [128, 64, 32], []]
    for place, value in ((0, 0.1), (1, 0.9), (2, 0.3), (1, 0.8), (0, 0.2)):
        study.enqueue_trial({"widths": choices[place]})
        study.optimize(
            lambda trial, value=value: (
                value + 0 * len(trial.suggest_categorical("widths", choices))
            ),
            n_trials=1,
        )
    answer = best_answer(answer_view(database, "lists"))
    assert answer["best"]["hyperparameters"]["widths"] == [128, 64, 32]
    assert plain(answer)["best"]["hyperparameters"]["widths"] == [128, 64, 32]
    page = write_report(
        database, ["lists"], Path(database.removeprefix("sqlite:///")).with_suffix(".html")
    )
    assert "128" in page.read_text("utf-8")


def test_seeds_that_failed_are_named_where_a_comparison_lacks_them(database: str) -> None:
    """T = 10 fails at seeds 0 and 1 of six: it is compared on the other four."""
    spec = fake_spec(seeds=SIX, baselines=[], design={"kind": "grid", "vary": {"T": [5, 10]}})
    study = FakeStudy(database, spec)
    for trial in plan_trials(spec, SPACES):
        if trial.configuration.values["T"] == 10 and trial.seed < 2:
            ending = Ending("FAIL", "failed", error_type="ValueError", error="loss is nan")
            study.recorder.end(study.begin(trial).trial_id, ending)
        else:
            study.complete(trial, _gains(trial, np.random.default_rng(0)))
    view = answer_view(database, "fake")
    told = "2 of 6 seeds of T = 10 failed (0 and 1); it is compared on the other 4."
    compared = compare_answer(view, "reference", "T=10")
    assert (compared["a"]["failed_seeds"], compared["b"]["failed_seeds"]) == ([], [0, 1])
    assert told in "\n".join(compare_lines(view, compared))
    decided = decisions_answer(view)
    assert decided["configurations"][0]["failed_seeds"] == [0, 1]
    assert told in "\n".join(decision_lines(view, decided))
    best = best_answer(view)
    assert (best["best"]["name"], best["best"]["failed_seeds"]) == ("T = 10", [0, 1])
    assert told in "\n".join(best_lines(view, best))


def test_equal_differences_are_no_sign_of_certainty(database: str) -> None:
    """Each seed loses exactly two points, but for how decimal fractions are stored."""

    def level(trial: PlannedTrial, random: np.random.Generator) -> float:
        return 0.4 + 0.05 * trial.seed - 0.02 * (trial.configuration.values["T"] == 10)

    design = {"kind": "grid", "vary": {"T": [5, 10]}}
    spec = fake_spec(seeds=list(range(8)), baselines=[], design=design, report={"rope": 0.03})
    full_study(database, level, spec)
    answer = compare_answer(answer_view(database, "fake"), "reference", "T=10")
    assert answer["verdict"] == "worse"  # p is 2 / 2^8; not "equivalent" from a deviation of 1e-17
    assert math.isnan(answer["detectable"])


def test_repeats_of_a_deterministic_objective_count_once(database: str) -> None:
    space: dict[str, optuna.distributions.BaseDistribution] = {
        "x": optuna.distributions.IntDistribution(0, 2)
    }
    rows = [{"x": x} for x in (0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2)]
    values = [float(row["x"] == 1) for row in rows]
    add_trials(new_study(database, "sure", directions=["maximize"]), rows, space, values)
    answer = best_answer(answer_view(database, "sure"))
    assert answer["best"]["varied"] == {"x": 1}
    assert answer["validation"]["n"] == 1
    assert math.isnan(answer["validation"]["low"])
    assert len(answer["not_told_apart"]) == 2  # one pair tells nothing apart
    values[-1] = 0.5  # now repeats differ, and each is an observation
    add_trials(new_study(database, "noisy", directions=["maximize"]), rows, space, values)
    assert best_answer(answer_view(database, "noisy"))["validation"]["n"] == 6
