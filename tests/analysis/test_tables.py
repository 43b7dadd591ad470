"""Domains, rules, training, cost, diagnostics, failure checks, studies: worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dgsearch.analysis.cost import cost_table, overheads, pareto, stage_seconds
from dgsearch.analysis.diagnostics import diagnostic_correlations, last_diagnostics
from dgsearch.analysis.domains import domain_table
from dgsearch.analysis.failure_checks import failure_checks, out_of_bounds
from dgsearch.analysis.reference import reported_differences, reported_numbers
from dgsearch.analysis.rules import chosen_trials, epoch_accuracies
from dgsearch.analysis.selection import MEAN
from dgsearch.analysis.statistics import rank_correlation
from dgsearch.analysis.studies import compare_studies
from dgsearch.analysis.training import early_against_final, selection_gap, stopped_trials
from dgsearch.diagnostics import Diagnostic, FailureCheck
from dgsearch.diagnostics.known import KnownDiagnostics, known_diagnostics


def _trials(**columns: list[object]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    base = {
        "study": "s", "state": "COMPLETE", "row": "m", "seed": 0, "wall_s": 10.0, "saved_s": 0.0,
        "train_s": 6.0, "peak_memory_mb": 100.0, "value": 0.9,
    }  # fmt: skip
    names = [*"abcdefgh", *(f"c{number}" for number in range(8, rows))]
    frame = pd.DataFrame({"trial_number": range(rows), "config_id": names[:rows]})
    return frame.assign(**{**base, **columns})


def test_a_domain_cell_has_the_standard_error_of_the_sample_deviation() -> None:
    chosen = pd.DataFrame({"row": "m", "seed": [0, 1, 2], "t": [0.4, 0.5, 0.6]})
    cell = domain_table(chosen.assign(**{MEAN: chosen["t"]}), targets=["t"]).iloc[0]
    assert cell["deviation"] == pytest.approx(0.1)
    assert cell["standard_error"] == pytest.approx(0.1 / math.sqrt(3))
    assert cell["best"]


def test_bold_leaves_out_what_six_pairs_tell_from_the_best_by_themselves() -> None:
    worse = [0.5, 0.51, 0.52, 0.53, 0.54, 0.55]
    chosen = pd.DataFrame({
        "row": ["best"] * 6 + ["near"] * 6 + ["worse"] * 6, "seed": [*range(6)] * 3,
        "t": [v + 0.1 for v in worse] + [v + 0.1 - 0.01 * (-1) ** n for n, v in enumerate(worse)]
        + worse,
    })  # fmt: skip
    table = domain_table(chosen.assign(**{MEAN: chosen["t"]}), targets=["t"])
    tied = table[table["domain"] == "t"].set_index("row")["tied"].to_dict()
    assert tied == {"best": True, "near": True, "worse": False}


def _epochs() -> pd.DataFrame:
    rows = []
    for number, validation, target in (
        (0, [0.8, 0.9], [0.7, 0.5]),
        (1, [0.85, 0.7], [0.4, 0.9]),
    ):
        for epoch in (1, 2):
            rows += [
                {"trial_number": number, "epoch": epoch, "split": "validation", "domain": "s",
                 "metric": "accuracy", "value": validation[epoch - 1]},
                {"trial_number": number, "epoch": epoch, "split": "test", "domain": "t",
                 "metric": "accuracy", "value": target[epoch - 1]},
            ]  # fmt: skip
    return epoch_accuracies(pd.DataFrame(rows), ["t"])


@pytest.mark.parametrize(
    ("rule", "config_id", "epoch", "accuracy"),
    [("validation", "a", 2, 0.5), ("last epoch", "a", 2, 0.5), ("oracle", "b", 2, 0.9)],
)
def test_each_rule_chooses_by_its_own_criterion(
    rule: str, config_id: str, epoch: int, accuracy: float
) -> None:
    chosen = chosen_trials(_trials(seed=[0, 0]), _epochs(), rule=rule, targets=["t"]).iloc[0]
    assert (chosen["config_id"], chosen["epoch"], chosen["t"]) == (config_id, epoch, accuracy)


def test_rank_correlation_is_scipys() -> None:
    first, second = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2.0, 1.0, 4.0, 3.0, 6.0, 6.0]
    assert rank_correlation(first, second).rho == pytest.approx(
        stats.spearmanr(first, second).statistic
    )
    assert math.isnan(rank_correlation([1, 1, 1], [1, 2, 3]).rho)


def _curves(values: dict[int, list[float]]) -> pd.DataFrame:
    rows = [(n, e + 1, v) for n, curve in values.items() for e, v in enumerate(curve)]
    return pd.DataFrame(rows, columns=["trial_number", "epoch", "value"])


def test_an_early_epoch_that_ranks_backwards_correlates_at_minus_one() -> None:
    curves = _curves({0: [0.3, 0.5], 1: [0.2, 0.6], 2: [0.1, 0.7]})
    found = early_against_final(_trials(seed=[0, 1, 2]), curves).iloc[0]
    assert (found["rho"], found["kept"]) == (pytest.approx(-1), 0)


def test_a_stopped_trial_is_shown_at_its_rung() -> None:
    trials = _trials(state=["COMPLETE", "PRUNED"], rung=[None, 2], cutoff=[None, 0.4])
    stops = stopped_trials(trials, _curves({0: [0.1, 0.2, 0.3], 1: [0.1, 0.3]})).iloc[0]
    assert (stops["trial_number"], stops["rung"], stops["value"]) == (1, 2, 0.3)


def test_the_selection_gap_is_what_choosing_by_the_source_costs() -> None:
    table = pd.DataFrame({"n": [2, 2, 1], "validation": [0.9, 0.8, 1.0], "target": [0.5, 0.6, 1]})
    assert selection_gap(table) == pytest.approx(0.1)


def test_a_taken_stage_counts_with_what_it_once_cost() -> None:
    stages = pd.DataFrame({
        "trial_number": [0, 1], "stage": "pretrain", "taken": [False, True],
        "seconds": [3.0, 0.0], "saved_s": [0.0, 5.0],
    })  # fmt: skip
    table = stage_seconds(_trials(seed=[0, 1]), stages).set_index("stage")
    assert table.loc["pretrain", ["seconds", "taken"]].tolist() == [4.0, 0.5]
    assert table.loc["last stage", "seconds"] == 6.0
    assert table.loc["evaluation and other", "seconds"] == pytest.approx((1.0 + 4.0) / 2)


def test_only_what_nothing_beats_is_efficient() -> None:
    assert pareto([1, 2, 3, math.nan], [0.5, 0.4, 0.9, 1.0]) == [True, False, True, False]


def test_cost_counts_the_time_that_sharing_spared() -> None:
    trials = _trials(seed=[0, 1], saved_s=[0.0, 4.0], **{"accuracy/t": [0.5, 0.7]})
    scores = pd.DataFrame(
        {"trial_number": [0, 0], "metric": "epoch_s", "value": [1.0, 3.0], "split": "train"}
    )
    row = cost_table(trials, scores, targets=["t"]).iloc[0]
    assert (row["seconds"], row["epoch_s"], row["accuracy"]) == (12.0, 2.0, pytest.approx(0.6))


def test_overhead_is_a_ratio_paired_over_seeds() -> None:
    trials = _trials(
        row=["erm", "erm", "mpbm", "mpbm"], seed=[0, 1, 0, 1], wall_s=[1.0, 2.0, 4.0, 8.0]
    )
    table = overheads(trials, reference="erm").set_index(["row", "measure"])
    assert table.loc[("mpbm", "time"), "ratio"] == pytest.approx(4.0)
    assert table.loc[("mpbm", "memory"), "ratio"] == pytest.approx(1.0)


def _diagnostics(values: list[float], metric: str = "m") -> pd.DataFrame:
    return pd.DataFrame({
        "trial_number": range(len(values)), "epoch": 1, "split": "train", "domain": "s",
        "metric": metric, "value": values,
    })  # fmt: skip


def test_a_diagnostic_that_follows_accuracy_within_each_seed_correlates_fully() -> None:
    # seed 1 is easier by .4 in accuracy and higher by 10 in the diagnostic: both are taken away
    trials = _trials(
        seed=[0, 0, 0, 1, 1, 1], config_id=[*"abcabc"],
        **{"accuracy/t": [0.1, 0.2, 0.3, 0.5, 0.6, 0.7]},
    )  # fmt: skip
    scores = _diagnostics([1, 2, 3, 11, 12, 13])
    found = diagnostic_correlations(trials, last_diagnostics(scores), targets=["t"]).iloc[0]
    assert (found["metric"], found["n"], found["rho"]) == ("m", 3, pytest.approx(1))


def test_repeats_of_a_configuration_are_no_evidence_of_their_own() -> None:
    """Diagnostic and accuracy differ by configuration, independently: about 5% miss zero."""
    random, missed, studies = np.random.default_rng(0), 0, 120
    configurations, seeds = 8, 5
    trials = _trials(
        seed=[seed for _ in range(configurations) for seed in range(seeds)],
        config_id=[str(item) for item in range(configurations) for _ in range(seeds)],
    )
    for _ in range(studies):
        own, accuracy = (
            np.repeat(random.normal(0, 1, configurations), seeds)
            + random.normal(0, 0.3, configurations * seeds)
            for _ in range(2)
        )
        found = diagnostic_correlations(
            trials.assign(**{"accuracy/t": accuracy}),
            last_diagnostics(_diagnostics(own.tolist())),
            targets=["t"],
        ).iloc[0]
        missed += not found["low"] <= 0 <= found["high"]
    assert missed / studies <= 0.1  # 5% and 2.5 standard errors; 23% to 40% if trials counted


def test_numbers_that_are_not_finite_are_no_diagnostics() -> None:
    assert last_diagnostics(_diagnostics([1.0, math.inf, math.nan]))["m"].tolist() == [1.0]


@pytest.mark.parametrize(("value", "seen"), [(0.99, True), (0.5, False)])
def test_a_signature_is_seen_beyond_its_bound(value: float, seen: bool) -> None:
    trials = _trials(seed=[0, 1], **{f"accuracy/{MEAN}": [0.5, 0.51]})
    last = last_diagnostics(_diagnostics([value, value], "discriminator_accuracy"))
    found = failure_checks(trials, last, known_diagnostics({})).set_index("check")
    assert found.loc["features apart", ["number", "seen"]].tolist() == [value, seen]
    assert "mask empty" not in found.index


def test_checks_of_differences_ratios_and_seeds_take_the_numbers_that_they_name() -> None:
    last = pd.DataFrame({"x": [0.5, 0.7], "y": [0.2, 0.3]})
    checks = (
        FailureCheck(name="d", sentence="D.", number="d", bound=0.0, less="y"),
        FailureCheck(name="r", sentence="R.", number="r", bound=9.0, over="y"),
        FailureCheck(name="s", sentence="S.", number="s", bound=0.1, over_seeds=True),
    )
    known = KnownDiagnostics({"x": Diagnostic(name="x", label="x", checks=checks)})
    trials = _trials(seed=[0, 1], config_id=["a", "a"], **{f"accuracy/{MEAN}": [0.5, 0.51]})
    found = failure_checks(trials, last, known).set_index("check")["number"]
    assert found.to_dict() == pytest.approx(
        {
            "d": (0.3 + 0.4) / 2,
            "r": (0.5 / 0.2 + 0.7 / 0.3) / 2,
            "s": 0.2 / math.sqrt(2),  # of 0.5 and 0.7, n - 1
        }
    )


def test_values_outside_the_declared_bounds_are_counted() -> None:
    known = KnownDiagnostics({"x": Diagnostic(name="x", label="x", low=0, high=1)})
    last = pd.DataFrame({"x": [0.5, 1.0000001, 1.5, -3.0], "other": [9.0, 9, 9, 9]})
    (row,) = out_of_bounds(last, known).to_dict("records")
    assert row == {"metric": "x", "trials": 2, "worst": -3.0}


def test_reported_differences_are_against_the_papers_own_full_method() -> None:
    numbers = reported_numbers()
    assert numbers["value"].between(0, 1).all()
    table = reported_differences("mpbm").set_index("variant")["difference"]
    assert table.to_dict() == pytest.approx(  # 77.7 - 81.3 and 51.7 - 81.3
        {"without L_adv": -0.036, "without L_mix^tr": -0.296}
    )


def test_studies_on_other_data_are_shown_and_not_compared() -> None:
    chosen = {
        name: pd.DataFrame({"row": "m", "seed": [0, 1], MEAN: values})
        for name, values in (("a", [0.5, 0.6]), ("b", [0.6, 0.7]), ("c", [0.9, 0.9]))
    }
    table = compare_studies(chosen, {"a": "x", "b": "x", "c": "y"}, column=MEAN).set_index("study")
    assert table.loc["b", "difference"] == pytest.approx(0.1)
    assert (table.loc["c", "pairs"], table.loc["c", "mean"]) == (0, pytest.approx(0.9))
    assert math.isnan(table.loc["c", "difference"])
