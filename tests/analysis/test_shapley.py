"""Shapley values and interactions against values worked by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from dgsearch.analysis.shapley import ShapleyValues, shapley_values
from dgsearch.designs.coalitions import Coalition, Game


def _table(game: Game, *seeds: dict[str, float]) -> pd.DataFrame:
    """One row a seed, from outcomes by the letters that are on."""
    named = {name: "".join(sorted(on)) for name, on in game.coalitions.items()}
    return pd.DataFrame([{name: own[key] for name, key in named.items()} for own in seeds])


def _found(wide: pd.DataFrame, game: Game) -> ShapleyValues:
    found = shapley_values(wide, game)
    assert found is not None
    return found


def test_two_switches_by_hand() -> None:
    """a: half of .60 - .50 and .70 - .55; b: half of .55 - .50 and .70 - .60."""
    game = Game(("a", "b"))
    found = _found(_table(game, {"": 0.5, "a": 0.6, "b": 0.55, "ab": 0.7}), game)
    assert found.values["switch"].tolist() == ["a", "b"]
    assert found.values["value"].tolist() == pytest.approx([0.125, 0.075], abs=1e-12)
    assert found.values["alone"].tolist() == pytest.approx([0.1, 0.05], abs=1e-12)
    assert found.values["last"].tolist() == pytest.approx([0.15, 0.1], abs=1e-12)
    assert found.pairs["value"].tolist() == pytest.approx([0.05])  # .70 - .60 - .55 + .50
    assert (found.none, found.full) == (0.5, 0.7)


def test_three_switches_by_hand() -> None:
    """The glove game: one unit if a is there together with b or c.

    a adds it in four of six orders, b in one (a b c), c in one (a c b). The pair b, c adds
    nothing without a, and 1 - 1 - 1 + 0 with it; a, b: 1 without c, 1 - 1 - 0 + 0 with it.
    """
    game = Game(("a", "b", "c"))
    worth = {"".join(on): 0.0 for n in range(4) for on in itertools.combinations("abc", n)}
    worth |= {"ab": 1.0, "ac": 1.0, "abc": 1.0}
    found = _found(_table(game, worth), game)
    assert found.values["value"].tolist() == pytest.approx([4 / 6, 1 / 6, 1 / 6], abs=1e-12)
    names = found.pairs["first"] + found.pairs["second"]
    pairs = dict(zip(names, found.pairs["value"], strict=True))
    assert pairs == pytest.approx({"ab": 0.5, "ac": 0.5, "bc": -0.5}, abs=1e-12)


@pytest.mark.parametrize("switches", [2, 3, 5, 6, 8])
def test_values_sum_up_to_full_less_none(switches: int) -> None:
    game = Game(tuple("abcdefgh"[:switches]))
    random = np.random.default_rng(switches)
    wide = pd.DataFrame(random.normal(0.6, 0.1, (5, len(game.coalitions))))
    wide.columns = list(game.coalitions)
    found = _found(wide, game)
    assert found.values["value"].sum() == pytest.approx(found.full - found.none, abs=1e-9)


def test_exact_values_are_the_mean_over_all_orders() -> None:
    game = Game(("a", "b", "c", "d"))
    random = np.random.default_rng(0)
    outcome = {on: random.normal() for on in game.coalitions.values()}
    wide = pd.DataFrame([{name: outcome[on] for name, on in game.coalitions.items()}])
    sums = dict.fromkeys("abcd", 0.0)
    for order in itertools.permutations("abcd"):
        for count, name in enumerate(order):
            sums[name] += (
                outcome[Coalition(order[: count + 1])] - outcome[Coalition(order[:count])]
            )
    expected = [total / 24 for total in sums.values()]
    assert _found(wide, game).values["value"].tolist() == pytest.approx(expected, abs=1e-12)


def test_intervals_are_over_the_seeds_that_all_coalitions_have() -> None:
    """Values of a: .1, .2, .3, so .2 -+ 4.3027 x .1 / sqrt 3 by t with two degrees of freedom."""
    game = Game(("a", "b"))
    seeds = [{"": 0.0, "a": x, "b": 0.0, "ab": x} for x in (0.1, 0.2, 0.3, 9.0)]
    wide = _table(game, *seeds)
    wide.loc[3, "none"] = np.nan
    found = _found(wide, game)
    assert found.seeds == [0, 1, 2]
    first = found.values.iloc[0]
    assert (first["low"], first["high"]) == pytest.approx((-0.04841, 0.44841), abs=1e-5)
    assert first["p"] == 0.25  # 2 of 2^3 sign patterns
    assert first["p_holm"] == 0.5
    assert found.values.iloc[1]["value"] == 0


def test_nothing_is_said_where_no_seed_has_every_coalition() -> None:
    game = Game(("a", "b"))
    wide = pd.DataFrame({"full": [0.7, np.nan], "none": [np.nan, 0.5]})
    assert shapley_values(wide, game) is None


def test_orders_add_their_error_to_the_interval() -> None:
    """Without interactions every order gives the same; with them the orders disagree."""
    game = Game(tuple("abcdefgh"), 8)
    assert len(game.orders) == 8
    assert game.orders[1] == game.orders[0][::-1]
    sizes = {name: float(len(on)) for name, on in game.coalitions.items()}
    added = _found(pd.DataFrame([sizes, {name: 2 * n for name, n in sizes.items()}]), game)
    assert added.values["value"].tolist() == pytest.approx([1.5] * 8)
    assert added.values["sampling"].tolist() == pytest.approx([0.0] * 8, abs=1e-12)
    squares = {name: (len(on - {"h"}) * ("h" in on)) ** 2 for name, on in game.coalitions.items()}
    joint = _found(pd.DataFrame([squares, squares]), game)
    assert joint.values["value"].sum() == pytest.approx(49, abs=1e-9)
    last = joint.values.iloc[-1]
    assert last["sampling"] > 0
    assert last["deviation"] == 0
    assert last["low"] < last["value"] < last["high"]
    assert joint.values["p"].isna().all()
    assert joint.pairs.empty
