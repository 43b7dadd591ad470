"""Which component carries how much of a method? Shapley values from coalitions that were run.

The value of a switch is the mean of what it adds over all orders of adding the switches one
after another [Shapley53]; the values sum up to the full method less the method without any. The
interaction of two switches is the same mean of what they add together beyond what each adds
alone [Grabisch99]. Both are sums of outcomes with fixed weights, so each seed has its own.

[Shapley53] is Contributions to the Theory of Games II (1953); [Grabisch99] is Grabisch, Roubens,
Int. J. Game Theory 28 (1999).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy

from dgsearch.analysis.statistics import holm, mean_interval, sign_flip_p, smallest_sign_flip_p
from dgsearch.designs.coalitions import Coalition, Game

__all__ = ["ShapleyValues", "interaction_weights", "shapley_values", "shapley_weights"]

Numbers = np.ndarray[Any, np.dtype[np.float64]]
_NAN = math.nan


class ShapleyValues(NamedTuple):
    """Shapley values of a study, and where they lead from and to.

    Attributes:
        seeds: At which every coalition that is needed has finished: all numbers rest on these.
        none: Mean outcome of the method without any switch.
        full: Mean outcome of the full method.
        values: One row a switch: switch, n (seeds), value (mean), deviation (over seeds), low,
            high (95%), p (sign flips over seeds), p_holm, smallest_p, alone (what it adds to
            none), last (what it adds to all others), sampling (standard error of the drawn
            orders; 0 where every coalition was run, and then p is missing where it is not 0).
        pairs: One row a pair of switches: first, second, n, value, deviation, low, high, p,
            p_holm; empty where orders were drawn.
        whole: Full less none, which is the sum of the values: value, deviation, low, high, p,
            smallest_p (one test, not corrected).
        idle: Switches that decide whether any other one matters: while such a one is off, every
            coalition that was run has the same outcome, seed by seed.
    """

    seeds: Sequence[Any]
    none: float
    full: float
    values: pd.DataFrame
    pairs: pd.DataFrame
    whole: Mapping[str, Any]
    idle: Sequence[str]


def shapley_values(wide: pd.DataFrame, game: Game) -> ShapleyValues | None:
    """Shapley values and interactions of pairs over the seeds that all coalitions share.

    With drawn orders the interval adds their sampling error to that of the seeds, and no p is
    given: sign flips over seeds would not know of it.

    Args:
        wide: One row a seed, one column a coalition (by its name); NaN where a trial is missing.
        game: Names the switches, the coalitions, and the orders that were drawn.

    Returns:
        None where no seed has every coalition.
    """
    block = wide.reindex(columns=list(game.coalitions)).dropna()
    if block.empty:
        return None
    outcomes = block.to_numpy(dtype=np.float64)  # (seeds, coalitions)
    sets, switches = list(game.coalitions.values()), list(game.switches)
    weights = shapley_weights(sets, switches, orders=game.orders)
    values = _rows(outcomes @ weights.T)
    means = outcomes.mean(axis=0)
    if game.orders:
        values = _with_sampling(values, means, sets, switches, game.orders)
    known = dict(zip(sets, means.tolist(), strict=True))
    full, none = Coalition(switches), Coalition()
    values.insert(0, "switch", switches)
    values["alone"] = [known.get(none | {name}, _NAN) - known[none] for name in switches]
    values["last"] = [known[full] - known.get(full - {name}, _NAN) for name in switches]
    pairs = _pairs(outcomes, sets, switches) if game.exact else pd.DataFrame()
    places = [sets.index(full), sets.index(none)]
    whole = _rows(outcomes[:, places[:1]] - outcomes[:, places[1:]]).iloc[0]
    return ShapleyValues(
        block.index.tolist(),
        *(known[none], known[full], values, pairs),
        {str(key): value for key, value in whole.items()},
        [name for name in switches if _alike_without(name, outcomes, sets)],
    )


def _alike_without(switch: str, outcomes: Numbers, sets: Sequence[Coalition]) -> bool:
    """Whether the coalitions without a switch, three or more, never differ."""
    own = outcomes[:, [switch not in coalition for coalition in sets]]
    return own.shape[1] > 2 and bool((own == own[:, :1]).all())


def shapley_weights(
    coalitions: Sequence[Coalition],
    switches: Sequence[str],
    *,
    orders: Sequence[Sequence[str]] = (),
) -> Numbers:
    """What each coalition's outcome counts in each switch's value.

    Args:
        coalitions: Those that were run: all of them, or those along the orders.
        switches: The switches.
        orders: Those that were drawn; none: the mean over all orders.

    Returns:
        (switches, coalitions); each row sums up to 0.
    """
    place = {coalition: at for at, coalition in enumerate(coalitions)}
    weights = np.zeros((len(switches), len(coalitions)))
    for order in orders:
        for count, switch in enumerate(order):
            row = switches.index(switch)
            weights[row, place[Coalition(order[: count + 1])]] += 1 / len(orders)
            weights[row, place[Coalition(order[:count])]] -= 1 / len(orders)
    if orders:
        return weights
    k = len(switches)
    for row, switch in enumerate(switches):
        for before in _subsets(other for other in switches if other != switch):
            share = 1 / (k * math.comb(k - 1, len(before)))
            weights[row, place[before | {switch}]] += share
            weights[row, place[before]] -= share
    return weights


def interaction_weights(
    coalitions: Sequence[Coalition], switches: Sequence[str], first: str, second: str
) -> Numbers:
    """What each coalition's outcome counts in the interaction of two switches, (coalitions,)."""
    place = {coalition: at for at, coalition in enumerate(coalitions)}
    weights = np.zeros(len(coalitions))
    k = len(switches)
    for before in _subsets(other for other in switches if other not in (first, second)):
        share = 1 / ((k - 1) * math.comb(k - 2, len(before)))
        weights[place[before | {first, second}]] += share
        weights[place[before | {first}]] -= share
        weights[place[before | {second}]] -= share
        weights[place[before]] += share
    return weights


def _subsets(items: Iterable[str]) -> list[Coalition]:
    listed = list(items)
    return [
        Coalition(chosen)
        for count in range(len(listed) + 1)
        for chosen in itertools.combinations(listed, count)
    ]


def _rows(numbers: Numbers) -> pd.DataFrame:
    """Mean, interval and test of each column.

    Args:
        numbers: (seeds, columns).
    """
    rows = []
    for column in numbers.T:
        found = mean_interval(column.tolist())
        rows.append(
            {
                "n": found.n,
                "value": found.mean,
                "deviation": found.deviation,
                "low": found.low,
                "high": found.high,
                "p": sign_flip_p(column.tolist()),
                "smallest_p": smallest_sign_flip_p(found.n),
                "sampling": 0.0,
            }
        )
    frame = pd.DataFrame(rows)
    return frame.assign(p_holm=holm(frame["p"].tolist()))


def _with_sampling(
    values: pd.DataFrame,
    means: Numbers,
    coalitions: Sequence[Coalition],
    switches: Sequence[str],
    orders: Sequence[Sequence[str]],
) -> pd.DataFrame:
    """The values with the sampling error of the orders in their intervals, and without p."""
    drawn = np.array(
        [
            shapley_weights(coalitions, switches, orders=orders[at : at + 2]) @ means
            for at in range(0, len(orders), 2)
        ]
    )  # (pairs of orders, switches)
    sampling = drawn.std(axis=0, ddof=1) / math.sqrt(len(drawn))
    n = values["n"].to_numpy()
    over_seeds = values["deviation"] / np.sqrt(n)
    freedom = np.maximum(np.minimum(n, len(drawn)) - 1, 1)
    half = scipy.special.stdtrit(freedom, 0.975) * np.hypot(over_seeds, sampling)
    return values.assign(
        sampling=sampling,
        low=values["value"] - half,
        high=values["value"] + half,
        p=_NAN,
        p_holm=_NAN,
        smallest_p=_NAN,
    )


def _pairs(
    outcomes: Numbers, coalitions: Sequence[Coalition], switches: Sequence[str]
) -> pd.DataFrame:
    """The interaction of every two switches."""
    pairs = list(itertools.combinations(switches, 2))
    weights = np.array(
        [interaction_weights(coalitions, switches, first, second) for first, second in pairs]
    )
    rows = _rows(outcomes @ weights.T).drop(columns=["sampling", "smallest_p"])
    rows.insert(0, "second", [second for _, second in pairs])
    rows.insert(0, "first", [first for first, _ in pairs])
    return rows
