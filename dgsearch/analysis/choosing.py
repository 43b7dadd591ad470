"""What choosing by each rule costs, seed by seed: regret to the oracle, and rank correlation.

All finished trials of a seed are the candidates, of every method and variant. A rule gives each of
them a score at the epoch that it takes and chooses the best one. Where several have the same best
score, as on a saturated validation split, their mean accuracy counts: what a draw among them
gives on average.
"""

from __future__ import annotations

import pandas as pd

from dgsearch.analysis.rules import RULES, rule_epochs
from dgsearch.analysis.selection import MEAN, finished
from dgsearch.analysis.statistics import mean_interval, rank_correlation, sign_flip_p

__all__ = ["costs_by_rule", "rule_costs"]

_FEWEST = 3  # candidates that a rank correlation needs


def rule_costs(
    trials: pd.DataFrame, epochs: pd.DataFrame, *, maximise: bool = True
) -> pd.DataFrame:
    """Regret and rank correlation of each rule at each seed.

    Args:
        trials: `read_trials` of one study.
        epochs: `epoch_accuracies`.
        maximise: Whether a higher number is better.

    Returns:
        One row a seed and rule but the oracle: seed, rule, candidates, accuracy (mean of targets
        of the choice), regret (how much worse it is than the oracle's choice, at least 0), rho
        (Spearman's between scores and accuracies over the candidates; NaN where either is
        constant or there are fewer than three). Rules without a score at a seed are left out.
    """
    done = finished(trials, ["seed", "trial_number"])
    sign = 1.0 if maximise else -1.0
    found = {}
    for rule in RULES:
        at, criterion = rule_epochs(epochs, rule, maximise=maximise)
        scored = at.assign(score=at[criterion])[["trial_number", "score", MEAN]]
        found[rule] = done.merge(scored.dropna(), on="trial_number", how="inner")
    best = {seed: float((sign * own[MEAN]).max()) for seed, own in found["oracle"].groupby("seed")}
    rows = [
        (seed, rule, *_cost(own, best[seed], sign))
        for rule in RULES
        if rule != "oracle"
        for seed, own in found[rule].groupby("seed")
    ]
    return pd.DataFrame(rows, columns=["seed", "rule", "candidates", "accuracy", "regret", "rho"])


def _cost(candidates: pd.DataFrame, best: float, sign: float) -> tuple[int, float, float, float]:
    """How many they are, the accuracy of the choice, its regret and the rank correlation."""
    scores, accuracies = sign * candidates["score"], candidates[MEAN]
    accuracy = float(accuracies[scores == scores.max()].mean())
    rho = float("nan")
    if len(candidates) >= _FEWEST:
        rho = rank_correlation(scores.tolist(), (sign * accuracies).tolist()).rho
    return len(candidates), accuracy, best - sign * accuracy, rho


def costs_by_rule(costs: pd.DataFrame, *, against: str = "validation") -> pd.DataFrame:
    """Means over seeds with 95% t intervals, and each rule against one of them, paired by seed.

    Args:
        costs: `rule_costs`.
        against: The rule that others are compared with.

    Returns:
        One row a rule: rule, seeds, candidates (most at a seed), regret, regret_low,
        regret_high, rho, rho_low, rho_high, difference (of the regrets, negative: less regret
        than by `against`), low, high, p (sign flips). The last four are NaN for `against`
        itself, intervals for fewer than two seeds.
    """
    rows = []
    reference = costs[costs["rule"] == against].set_index("seed")["regret"]
    for rule, own in costs.groupby("rule", sort=False):
        regret = mean_interval(own["regret"].tolist())
        rho = mean_interval(own["rho"].dropna().tolist())
        less = (own.set_index("seed")["regret"] - reference).dropna()
        apart = [] if rule == against else less.tolist()
        difference = mean_interval(apart)
        rows.append(
            {
                "rule": rule,
                "seeds": len(own),
                "candidates": int(own["candidates"].max()),
                "regret": regret.mean,
                "regret_low": regret.low,
                "regret_high": regret.high,
                "rho": rho.mean,
                "rho_low": rho.low,
                "rho_high": rho.high,
                "difference": difference.mean,
                "low": difference.low,
                "high": difference.high,
                "p": sign_flip_p(apart) if apart else float("nan"),
            }
        )
    return pd.DataFrame(rows)
