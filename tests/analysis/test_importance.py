"""Importance beside chance, and what both methods are equal to."""

from __future__ import annotations

import numpy as np
import optuna
import pandas as pd
import pytest
import sklearn
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

from dgsearch.analysis.evaluators import fanova_inputs, ped_axes
from dgsearch.analysis.fanova import fanova, main_effects
from dgsearch.analysis.importance import importances
from dgsearch.analysis.ped_anova import Axis, ped_anova, range_axis
from dgsearch.analysis.permuting import against_null, permuted_places


def _table(rows: int) -> pd.DataFrame:
    """Columns in the order in which Optuna takes them."""
    random = np.random.default_rng(1)
    return pd.DataFrame({
        "grid": random.choice([0.0, 0.01, 0.1, 1.0], rows),
        "kind": random.choice(["a", "b", "c"], rows),
        "lr": 10 ** random.uniform(-4, -2, rows),
        "x": random.uniform(0, 1, rows),
    })  # fmt: skip


def _trials(table: pd.DataFrame, outcome: np.ndarray) -> pd.DataFrame:
    return table.assign(config_id=range(len(table)), seed=0, outcome=outcome)


def _theirs(quantile: float) -> PedAnovaImportanceEvaluator:
    try:
        return PedAnovaImportanceEvaluator(target_quantile=quantile)
    except TypeError:
        pytest.skip(f"Optuna {optuna.__version__} has no target_quantile to compare with")


@pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9),
    reason="Optuna uses the trees of scikit-learn, which before 1.9 draws some splits otherwise",
)
@pytest.mark.parametrize("seed", [5, 6, 7])
def test_fanova_is_optunas_on_the_same_trials_and_settings(seed: int) -> None:
    table = _table(60)
    random = np.random.default_rng(0)
    outcome = table["x"] + 0.2 * (table["kind"] == "a") + random.normal(0, 0.1, 60)
    inputs = fanova_inputs(table, ["lr"])
    both = np.array([outcome.to_numpy(), outcome.to_numpy()[::-1]])
    found = fanova(inputs, both, trees=24, seed=seed).fractions[0]
    # Optuna is given what the forest is: steps of a grid, logarithms
    own = table.assign(
        grid=table["grid"].map({0.0: 0, 0.01: 1, 0.1: 2, 1.0: 3}), lr=np.log10(table["lr"])
    )
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        "grid": FloatDistribution(-0.5, 3.5),
        "kind": CategoricalDistribution(("a", "b", "c")),
        "lr": FloatDistribution(float(own["lr"].min()), float(own["lr"].max())),
        "x": FloatDistribution(float(own["x"].min()), float(own["x"].max())),
    }
    study = optuna.create_study()
    for row, value in zip(own.to_dict("records"), outcome, strict=True):
        params = {str(name): param for name, param in row.items()}
        study.add_trial(
            optuna.create_trial(params=params, distributions=distributions, value=value)
        )
    theirs = FanovaImportanceEvaluator(n_trees=24, max_depth=2, seed=seed).evaluate(study)
    assert found.tolist() == pytest.approx([theirs[name] for name in table], abs=1e-6)


@pytest.mark.parametrize(("quantile", "maximise"), [(0.1, True), (0.5, True), (0.5, False)])
def test_ped_anova_is_optunas_on_the_same_trials_and_quantile(
    quantile: float, maximise: bool
) -> None:
    table = _table(40)
    values = table["x"].to_numpy().round(1)  # with ties
    found = ped_anova(ped_axes(table, ["lr"]), maximise=maximise, quantiles=[quantile])(
        values[None]
    )[0]
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        "grid": IntDistribution(0, 3),
        "kind": CategoricalDistribution(("a", "b", "c")),
        "lr": FloatDistribution(float(table["lr"].min()), float(table["lr"].max()), log=True),
        "x": FloatDistribution(float(table["x"].min()), float(table["x"].max())),
    }
    own = table.assign(grid=table["grid"].map({0.0: 0, 0.01: 1, 0.1: 2, 1.0: 3}))
    study = optuna.create_study(direction="maximize" if maximise else "minimize")
    for row, value in zip(own.to_dict("records"), values, strict=True):
        params = {str(name): param for name, param in row.items()}
        study.add_trial(
            optuna.create_trial(params=params, distributions=distributions, value=value)
        )
    theirs = _theirs(quantile).evaluate(study)
    assert found.tolist() == pytest.approx([theirs[name] for name in table], abs=1e-6)


def test_over_several_quantiles_the_mean_counts() -> None:
    table = _table(40)
    values, axes = table["x"].to_numpy(), ped_axes(table, ["lr"])
    single = [ped_anova(axes, maximise=True, quantiles=[at])(values[None])[0] for at in (0.2, 0.6)]
    both = ped_anova(axes, maximise=True, quantiles=[0.2, 0.6])(values[None])[0]
    assert both.tolist() == pytest.approx(np.mean(single, axis=0).tolist())


def test_conditional_ped_anova_is_optunas_where_a_hyperparameter_is_not_always_active() -> None:
    random = np.random.default_rng(3)
    values, depth = random.random(50), random.uniform(0, 1, 50)
    depth[::3] = np.nan
    depth[1] = 0.0
    depth[2] = 1.0
    axes = [
        range_axis(depth, 0.0, 1.0),
        Axis(np.isnan(depth).astype(np.intp), 2, ordered=False),
    ]
    found = ped_anova(axes, maximise=True, quantiles=[0.2])(values[None])[0]
    study = optuna.create_study(direction="maximize")
    for place, value in zip(depth, values, strict=True):
        inactive = bool(np.isnan(place))
        params = {"kind": "b" if inactive else "a"} | ({} if inactive else {"depth": place})
        space: dict[str, optuna.distributions.BaseDistribution] = {
            "kind": CategoricalDistribution(("a", "b")), "depth": FloatDistribution(0, 1)
        }  # fmt: skip
        own = {name: space[name] for name in params}
        study.add_trial(optuna.create_trial(params=params, distributions=own, value=value))
    theirs = _theirs(0.2).evaluate(study)
    assert found.tolist() == pytest.approx([theirs["depth"], theirs["kind"]], abs=1e-6)


def test_whole_configurations_change_places_with_those_of_the_same_seeds() -> None:
    # a and c have seeds 0 and 1, b and d seed 0 alone
    configurations, seeds = list("aabcdc"), [0, 1, 0, 1, 0, 0]
    found = {
        tuple(places.tolist())
        for places in permuted_places(configurations, seeds, np.random.default_rng(0))
    }
    kept, a_c, b_d = (0, 1, 2, 3, 4, 5), (5, 3, 2, 1, 4, 0), (0, 1, 4, 3, 2, 5)
    assert found == {kept, a_c, b_d, (5, 3, 4, 1, 2, 0)}


def test_p_counts_the_permutations_that_reach_the_outcome_in_any_statistic() -> None:
    # Of 0..19 put first, with its negative second: 19 leads one statistic, 0 the other.
    outcome = np.arange(20.0)
    turns = [np.roll(np.arange(20), -turn) for turn in range(1, 20)]
    first = against_null(
        lambda own: np.stack([own[:, 0], 0 * own[:, 0]], axis=1), outcome[::-1].copy(), turns
    )
    assert first.p[0] == pytest.approx(1 / 20)  # 19 is the largest of twenty
    assert first.p[1] == 1  # a statistic that never changes
    # allowed by chance in 5%: one of twenty; the limit is the second largest
    assert first.limit[0] == pytest.approx(18)
    both = against_null(
        lambda own: np.stack([own[:, 0], -own[:, 0]], axis=1), outcome[::-1].copy(), turns
    )
    assert both.p[0] == pytest.approx(2 / 20)  # 0 is as far out in the other statistic


def test_the_planted_hyperparameter_alone_passes_chance_and_the_forest_knows_it() -> None:
    table = _table(60)
    noise = np.random.default_rng(2).normal(0, 0.1, 60)
    trials = _trials(table, (np.log10(table["lr"]) + noise).to_numpy())
    names = {name: name for name in table.columns}
    found = importances(trials, names, trials["outcome"].tolist(), logarithmic=["lr"])
    important = found[found["important"]]
    assert important["name"].tolist() == ["lr", "lr"]
    assert (important["strength"] > 2).all()
    assert (found.loc[~found["important"], "strength"] <= 1).all()
    assert found.groupby("evaluator")["share"].sum().tolist() == pytest.approx([1, 1])
    assert found.attrs["r2"] > 0.8


def test_repeats_of_a_configuration_are_no_evidence_of_their_own() -> None:
    # Four configurations of 6 seeds differ for reasons of their own; x orders them by luck.
    rows = [
        {"config_id": config, "seed": seed, "x": config / 3, "y": config % 2}
        for config in range(4)
        for seed in range(6)
    ]
    trials = pd.DataFrame(rows)
    outcome = (trials["x"] + 0.001 * trials["seed"]).tolist()
    found = importances(trials, {"x": "x", "y": "y"}, outcome)
    assert not found["important"].any()  # 4! orders of four configurations; 2 of 24 are as good


def test_of_very_many_trials_those_of_some_configurations_are_used() -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "u": random.random(2400),
            "v": random.random(2400),
            "config_id": np.arange(2400) // 2,
            "seed": np.arange(2400) % 2,
        }
    )
    outcome = (table["u"] + random.normal(0, 0.1, 2400)).tolist()
    found = importances(table, {"u": "u", "v": "v"}, outcome)
    assert found.attrs["trials"] == 1000  # 500 configurations at both seeds
    called = found.groupby("evaluator")[["name", "important"]]
    assert all(dict(part.to_numpy()) == {"u": True, "v": False} for _, part in called)


def test_the_main_effect_of_a_slope_has_its_variance_and_that_of_nothing_has_none() -> None:
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 40), [0.0, 1.0]), axis=-1).reshape(-1, 2)
    inputs = fanova_inputs(pd.DataFrame(grid, columns=["x", "y"]), [])
    outcomes = np.array([grid[:, 0], np.zeros(len(grid))])
    (slope, none), flat = main_effects(inputs, outcomes, trees=48, seed=0)
    assert slope == pytest.approx(1 / 12, rel=0.25)  # of a uniform number; leaves are coarse
    assert none < 0.002
    assert flat.tolist() == [0, 0]
