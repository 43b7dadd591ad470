"""What would a rule that stops trials early have cost and saved? Replayed on full curves.

Which trials a rule stops depends on their order of arrival, which is chance; every rule is
therefore replayed in many orders, the same for all rules. A rule is good if it saves much and the
configuration that is chosen afterwards is hardly worse than the best one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dgsearch.analysis.selection import finished
from dgsearch.analysis.stopping import HalvingRule, StoppingRule, ends_under

__all__ = ["LEAST_CURVES", "MOST_CURVES", "Advice", "Curves", "advise", "full_curves", "replay"]

LEAST_CURVES = 8  # of one seed; fewer say nothing of a rule
MOST_CURVES = 500  # of one seed: more are drawn from, which bounds time and memory
_LEAST_EPOCHS = 3
_SUBSET = 0.8  # of the trials, to see how much a recommendation depends on them
_WITHOUT = 4  # of which up to one in so many, the best, are taken away
_SURE = 0.9  # in so many subsets the recommended rule keeps its regret within the tolerance

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Whole = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Curves:
    """Trials of one seed that ran to the end.

    Attributes:
        values: (trials, epochs): on the selection split, signed so that higher is better.
        final: (trials,): the value by which each trial would be chosen.
        seconds: (trials,): of one epoch of the last stage; NaN where that is not known.
        outcomes: (trials,): on the targets at the last epoch, signed alike; NaN if not known.
    """

    values: Numbers
    final: Numbers
    seconds: Numbers
    outcomes: Numbers


def full_curves(
    trials: pd.DataFrame,
    curves: pd.DataFrame,
    stages: pd.DataFrame,
    *,
    outcome: str = "",
    maximise: bool = True,
) -> list[Curves]:
    """The curves that reach the last epoch, one block a seed; seeds of few curves are left out.

    Of more than 500 curves of a seed, 500 are drawn, the same whenever they are.

    Args:
        trials: Trials that halving would judge, `read_trials`; stopped ones are left out, since
            nobody knows how they would have ended.
        curves: `read_curves` of the study.
        stages: One row a trial and stage: trial_number, seconds.
        outcome: Column of the accuracy on the targets; none is looked at without.
        maximise: Whether higher is better.
    """
    done = finished(trials).dropna(subset=["value"])
    wide = curves[curves["trial_number"].isin(done["trial_number"])].pivot_table(
        index="trial_number", columns="epoch", values="value"
    )
    wide = wide.reindex(columns=range(1, int(max([0, *wide.columns])) + 1)).dropna()
    if wide.shape[1] < _LEAST_EPOCHS:
        return []
    sign = 1.0 if maximise else -1.0
    done = done.set_index("trial_number").loc[wide.index]
    earlier = stages.groupby("trial_number")["seconds"].sum()
    last = done["wall_s"] - done.index.to_series().map(earlier).fillna(0.0)
    seconds = last.clip(lower=0.0) / wide.shape[1]
    outcomes = done[outcome] if outcome else pd.Series(math.nan, index=wide.index)
    return [
        Curves(
            sign * np.asarray(wide.loc[numbers], dtype=np.float64),
            sign * np.asarray(done.loc[numbers, "value"], dtype=np.float64),
            np.asarray(seconds.loc[numbers], dtype=np.float64),
            sign * np.asarray(outcomes.loc[numbers], dtype=np.float64),
        )
        for numbers in map(_drawn, done.groupby("seed", sort=True).groups.values())
        if len(numbers) >= LEAST_CURVES
    ]


def _drawn(numbers: pd.Index) -> pd.Index:
    """All trials of a seed, or as many as are replayed at most."""
    if len(numbers) <= MOST_CURVES:
        return numbers
    return numbers[np.random.default_rng(0).permutation(len(numbers))[:MOST_CURVES]]


def replay(
    blocks: Sequence[Curves], rules: Sequence[StoppingRule], *, orders: int = 100
) -> pd.DataFrame:
    """What each rule costs and saves, over random orders of arrival.

    Args:
        blocks: `full_curves`.
        rules: To be replayed.
        orders: Of arrival, for each block.

    Returns:
        One row a rule: rule (its name), replays, regret (mean: best value at the last epoch less
        that of the configuration chosen, each trained to the end), regret_low, regret_high,
        lost (share of replays that do not choose the best), saved (share of the seconds, or of
        the epochs where seconds are not known), saved_low, saved_high, hours, hours_low,
        hours_high (saved of one block, its mean over blocks; NaN if not known), target_regret
        (the same of the outcomes on the targets; negative where the choice is better there).
        Low and high are the 2.5% and 97.5% quantiles over the replays.
    """
    random = np.random.default_rng(0)
    parts = []
    for block in blocks:
        count = len(block.values)
        drawn = [random.permutation(count) for _ in range(orders)]
        parts.append(_costs(block, rules, drawn))
    regret, saved, hours, target = _joined(parts)
    return pd.DataFrame(
        {
            "rule": [rule.name for rule in rules],
            "replays": regret.shape[1],
            **_spread("regret", regret),
            "lost": (regret > 0).mean(axis=1),
            **_spread("saved", saved),
            **_spread("hours", hours),
            "target_regret": target.mean(axis=1),
        }
    )


class Advice(NamedTuple):
    """A setting for `[halving]` of the next study, with its doubt.

    Attributes:
        rule: None if no setting keeps its regret within the tolerance.
        tolerance: What may be lost.
        kept: Share of subsets in which the regret of the rule stays within the tolerance.
        regret: Mean over the subsets.
        regret_high: 95% of the subsets lose no more.
        saved: Mean share of the time.
        saved_low: 2.5% quantile over the subsets.
        saved_high: 97.5% quantile.
        again: Share of subsets that by themselves would recommend the same rule.
        subsets: How many there were.
    """

    rule: HalvingRule | None
    tolerance: float
    kept: float
    regret: float
    regret_high: float
    saved: float
    saved_low: float
    saved_high: float
    again: float
    subsets: int


def advise(
    blocks: Sequence[Curves],
    rules: Sequence[StoppingRule],
    *,
    tolerance: float,
    subsets: int = 200,
) -> Advice:
    """The setting of halving that saves most among those that lose next to nothing.

    Each rule is replayed on subsets of four fifths of the trials, each in an order of its own and
    each without its best few, from none to a quarter of it. Whether a rule keeps the one best
    trial of a study is a matter of luck; so it must keep the best of many. Of the rules whose
    regret stays within the tolerance in 90% of the subsets, the one that saves most on average
    is recommended.

    Args:
        blocks: `full_curves`.
        rules: Only those that the engine can follow are considered.
        tolerance: What may be lost, in the unit of the values.
        subsets: Of the trials, over all blocks.
    """
    own = [rule for rule in rules if isinstance(rule, HalvingRule) and rule.brackets == 1]
    random = np.random.default_rng(1)
    parts = []
    for block in blocks:
        each = -(-subsets // len(blocks))
        drawn = [_subset(block.final, random) for _ in range(each)]
        parts.append(_costs(block, own, drawn))
    regret, saved, _, _ = _joined(parts)
    within = regret <= tolerance
    kept = within.mean(axis=1)
    means = np.where(kept >= _SURE, saved.mean(axis=1), -1.0)
    if not len(own) or means.max() < 0:
        nan = math.nan
        most = float(kept.max()) if len(own) else nan
        return Advice(None, tolerance, most, nan, nan, nan, nan, nan, nan, saved.shape[1])
    best = int(means.argmax())
    alone = np.where(within, saved, -1.0)
    quantiles = np.quantile(saved[best], [0.025, 0.975])
    return Advice(
        own[best],
        tolerance,
        float(kept[best]),
        float(regret[best].mean()),
        float(np.quantile(regret[best], 0.95)),
        float(saved[best].mean()),
        float(quantiles[0]),
        float(quantiles[1]),
        float((alone[best] >= alone.max(axis=0)).mean()),
        saved.shape[1],
    )


def _subset(final: Numbers, random: np.random.Generator) -> Whole:
    """Some of the trials, without the best few of these, in a random order."""
    drawn = random.permutation(len(final))[: max(2, round(_SUBSET * len(final)))]
    without = int(random.integers(0, len(drawn) // _WITHOUT + 1))
    best = drawn[np.argsort(-final[drawn], kind="stable")[:without]]
    kept: Whole = drawn[~np.isin(drawn, best)]
    return kept


def _costs(
    block: Curves, rules: Sequence[StoppingRule], orders: Sequence[Whole]
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Regret, share saved, hours saved and regret on the targets, each (rules, orders)."""
    values, epochs = block.values, block.values.shape[1]
    known = bool(np.isfinite(block.seconds).all()) and bool(block.seconds.sum() > 0)
    seconds = block.seconds if known else np.ones(len(values))
    final = block.final
    made = []
    for rule, ends in zip(rules, ends_under(rules, values, orders), strict=True):
        member = ends > 0
        last = values[np.arange(len(values))[None, :], np.maximum(ends, 1) - 1]
        seen = np.where(ends == epochs, final, last)
        may = member if rule.judges_stopped else ends == epochs
        chosen = np.where(may, seen, -np.inf).argmax(axis=1)
        best = np.where(member, final, -np.inf).argmax(axis=1)
        left = np.where(member, epochs - ends, 0)
        left[np.arange(len(ends)), chosen] = 0  # what is chosen is trained to the end
        spared = left @ seconds
        whole = member @ seconds * epochs
        hours = spared / 3600 if known else np.full(len(ends), math.nan)
        target = block.outcomes[best] - block.outcomes[chosen]
        made.append((final[best] - final[chosen], spared / whole, hours, target))
    regret, saved, hours, target = (np.array(part) for part in zip(*made, strict=True))
    return regret, saved, hours, target


def _joined(parts: Sequence[tuple[Numbers, ...]]) -> list[Numbers]:
    """The costs of several blocks beside each other."""
    return [np.concatenate(part, axis=1) for part in zip(*parts, strict=True)]


def _spread(name: str, numbers: Numbers) -> dict[str, Numbers]:
    """Mean and quantiles over the replays, by column."""
    low, high = np.quantile(numbers, [0.025, 0.975], axis=1)
    return {name: numbers.mean(axis=1), f"{name}_low": low, f"{name}_high": high}
