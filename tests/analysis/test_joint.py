from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from dgsearch.analysis.importance import without_seed_effect
from dgsearch.analysis.path import ablation_path
from dgsearch.analysis.sensitivity import pair_surface
from dgsearch.analysis.sobol import outcomes_at, sobol_indices
from dgsearch.analysis.surrogate import fit_surrogate, partial_dependence
from dgsearch.designs.sobol import sobol_points
from dgsearch.space import Float, Space
from dgsearch.study import Sobol


def test_the_indices_of_the_ishigami_function_are_the_known_ones() -> None:
    # Ishigami and Homma 1990 with a = 7, b = 0.1: S = .3139, .4424, 0; ST = .5576, .4424, .2437
    names = ("x1", "x2", "x3")
    interval = {"low": -math.pi, "high": math.pi}
    space = Space(
        tuple(Float(name=n, default=0, low=-math.pi, high=math.pi, meaning=n) for n in names)
    )
    design = Sobol.model_validate(
        {"kind": "sobol", "samples": 1024, "vary": dict.fromkeys(names, interval)}
    )
    points = pd.DataFrame(sobol_points(design, space)).astype(float)
    outcome = (
        np.sin(points["x1"])
        + 7 * np.sin(points["x2"]) ** 2
        + 0.1 * points["x3"] ** 4 * np.sin(points["x1"])
    )
    found = sobol_indices(names, outcome.tolist()).pivot(
        index="name", columns="kind", values="index"
    )
    assert found["first"].tolist() == pytest.approx([0.3139, 0.4424, 0.0], abs=0.03)
    assert found["total"].tolist() == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.03)


def test_an_outcome_that_never_changes_has_no_indices() -> None:
    assert (sobol_indices(("a", "b"), [0.5] * 8)["index"] == 0).all()


@pytest.mark.parametrize(
    ("outcomes", "message"),
    [([0.1] * 7, "7 outcomes for 2 hyperparameters; must be a multiple of 4"),
     ([0.1, math.nan, 0.2, 0.3], "1 outcomes are missing; finish the study")],
)  # fmt: skip
def test_a_design_that_is_not_whole_is_refused(outcomes: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sobol_indices(("a", "b"), outcomes)


def test_outcomes_are_means_over_seeds_in_the_order_of_the_points() -> None:
    trials = pd.DataFrame({"x": [1, 1, 2], "y": [5, 5, 5], "v": [0.2, 0.4, 0.9]})
    points = [{"x": 2, "y": 5}, {"x": 1, "y": 5}, {"x": 3, "y": 5}]
    found = outcomes_at(trials, points, "v")
    assert found[:2] == pytest.approx([0.9, 0.3])
    assert math.isnan(found[2])


def _random_table(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(1)
    return pd.DataFrame({
        "x": random.uniform(0, 1, rows),
        "lr": 10 ** random.uniform(-4, -2, rows),
        "grid": random.choice([0.2, 0.8], rows),
        "kind": random.choice(["a", "b"], rows),
    })  # fmt: skip


def test_what_all_trials_of_a_seed_share_is_taken_away() -> None:
    frame = pd.DataFrame({"seed": [0, 0, 1, 1], "v": [0.1, 0.3, 0.5, 0.7]})
    assert without_seed_effect(frame, "v").tolist() == pytest.approx([0.3, 0.5, 0.3, 0.5])


def test_a_surrogate_knows_a_smooth_outcome_better_than_its_mean_does() -> None:
    table = _random_table(80)
    surrogate = fit_surrogate(table, (table["x"] ** 2).tolist())
    assert surrogate.useful
    assert surrogate.r2 > 0.9
    curves = partial_dependence(surrogate, "x")
    mean = curves[curves["curve"] == -1]
    assert mean["prediction"].iloc[-1] - mean["prediction"].iloc[0] > 0.6
    assert len(curves) == len(mean) * (1 + 40)
    flat = partial_dependence(surrogate, "grid")
    assert flat[flat["curve"] == -1]["prediction"].to_numpy().std() < 0.02


def test_a_surrogate_of_noise_says_that_it_is_useless() -> None:
    table = _random_table(60)
    noise = np.random.default_rng(5).normal(0, 1, 60).tolist()
    surrogate = fit_surrogate(table, noise)
    assert not surrogate.useful
    assert surrogate.r2 < 0.1


def test_the_path_takes_the_most_helpful_change_first() -> None:
    table = pd.DataFrame({
        "a": [0, 1, 0, 1], "b": [0, 0, 1, 1], "outcome": [0.5, 0.55, 0.7, 0.75],
    })  # fmt: skip
    path = ablation_path(table, start={"a": 0, "b": 0}, end={"a": 1, "b": 1}, surrogate=None)
    assert path["name"].tolist() == ["", "b", "a"]
    assert path["outcome"].tolist() == pytest.approx([0.5, 0.7, 0.75])
    assert set(path["source"]) == {"trials"}


def test_steps_that_nobody_ran_are_left_open_without_a_surrogate() -> None:
    table = pd.DataFrame({"a": [0, 1], "b": [0, 1], "outcome": [0.5, 0.7]})
    path = ablation_path(table, start={"a": 0, "b": 0}, end={"a": 1, "b": 1}, surrogate=None)
    assert path["source"].tolist() == ["trials", "unknown", "trials"]


def test_a_cell_of_a_pair_is_the_mean_over_seeds_of_means_within_each() -> None:
    trials = pd.DataFrame({
        "study": "s", "state": "COMPLETE", "config_id": list("abcd"), "seed": [0, 0, 1, 1],
        "x": [1, 1, 1, 1], "y": [2, 2, 2, 2], "z": [1, 2, 1, 2],
        "accuracy/t": [0.2, 0.4, 0.6, 0.6],
    })  # fmt: skip
    cell = pair_surface(trials, "x", "y", targets=["t"]).iloc[0]
    assert (cell["n"], cell["mean"]) == (2, pytest.approx(0.45))


def test_sobol_intervals_are_the_same_twice_and_leave_the_global_generator_alone() -> None:
    outcomes = np.random.default_rng(0).normal(size=16 * 4).tolist()
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first, second = (sobol_indices(["x", "y"], outcomes) for _ in range(2))
    assert first.equals(second)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
