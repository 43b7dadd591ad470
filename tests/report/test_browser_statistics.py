"""The page's own statistics in Chromium against those of Python, over 50 random settings."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy

import dgsearch.report
from dgsearch.analysis.comparison import compare_columns, tied_with_best
from dgsearch.analysis.shared_seeds import balanced, best_column
from dgsearch.analysis.statistics import (
    best_p_values,
    detectable_difference,
    fewest_pairs,
    holm,
    mean_interval,
    sign_flip_p,
)
from tests.browsers import MARKS, Browser, chromium

pytestmark = MARKS

SETTINGS = 50
LEVELS = (0.9, 0.95, 0.99)
# NaN is written as null on the way there, and as a word on the way back.
_CALL = """
const seen = (value) => JSON.parse(JSON.stringify(value), (_, item) => item === null ? NaN : item);
const told = (value) => JSON.stringify(value, (_, item) =>
  typeof item === "number" && !Number.isFinite(item) ? String(item) : item);
return told(arguments[0].map((call) => statistics[call[0]](...seen(call[1]))));
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


def _called(driver: Browser, name: str, arguments: list[list[Any]]) -> list[Any]:
    """What the page's function returns for each list of arguments."""
    code = (Path(dgsearch.report.__file__).parent / "statistics.js").read_text("utf-8")
    calls = json.loads(json.dumps([[name, each] for each in arguments]).replace("NaN", "null"))
    return [_numbers(item) for item in json.loads(driver.execute_script(code + _CALL, calls))]


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return {"NaN": math.nan, "Infinity": math.inf}.get(value, value) if value else value


def _tables(*, most_seeds: int = 14, most_groups: int = 9) -> list[pd.DataFrame]:
    """Tables of seeds and groups: accuracies with ties, some groups without some seeds."""
    random = np.random.default_rng(1)
    tables = []
    for _ in range(SETTINGS):
        seeds, groups = random.integers(1, most_seeds), random.integers(2, most_groups)
        numbers = np.round(0.5 + random.normal(0, 0.04, (seeds, groups)), random.integers(2, 9))
        numbers[random.random((seeds, groups)) < random.choice((0, 0.1))] = math.nan
        wide = pd.DataFrame(numbers).rename(columns=lambda n: f"group {n}")
        tables.append(wide.dropna(axis=1, how="all") if wide.notna().any().any() else wide * 0 + 1)
    return tables


def _columns(wide: pd.DataFrame) -> list[list[float]]:
    return [[float(value) for value in wide[name]] for name in wide.columns]


def _same(found: Any, expected: Any) -> bool:
    return found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


def test_quantiles_and_intervals_are_those_of_python(driver: Browser) -> None:
    places = [(level, n) for level in (*LEVELS, 0.999) for n in (1, 2, 3, 4, 5, 9, 30, 99, 400)]
    found = _called(driver, "tQuantile", [list(place) for place in places])
    for (level, freedom), quantile in zip(places, found, strict=True):
        assert quantile == pytest.approx(scipy.stats.t.ppf((1 + level) / 2, freedom), rel=1e-9)
    values = [_columns(wide)[0] for wide in _tables(most_seeds=40)]
    for level in LEVELS:
        found = _called(driver, "meanInterval", [[own, level] for own in values])
        for own, interval in zip(values, found, strict=True):
            assert _same(interval, mean_interval(own, level=level)._asdict())


def test_sign_flip_p_is_exact_up_to_sixteen_pairs_and_the_same_sample_beyond(
    driver: Browser,
) -> None:
    random = np.random.default_rng(2)
    sizes = [0, 1, 2, *range(3, 25), *random.integers(25, 70, SETTINGS - 25)]
    values = [
        [float(n) for n in np.round(random.normal(0.01, 0.02, size), random.integers(2, 9))]
        for size in sizes
    ]
    found = _called(driver, "signFlipP", [[own] for own in values])
    for own, p in zip(values, found, strict=True):
        assert p == pytest.approx(sign_flip_p(own), rel=1e-9), len(own)


def test_holm_and_the_fewest_pairs_are_those_of_python(driver: Browser) -> None:
    random = np.random.default_rng(3)
    given = [random.random(size).round(2).tolist() for size in range(1, SETTINGS)]
    given.append([0.03, math.nan, 0.01, 0.04])
    for own, found in zip(given, _called(driver, "holm", [[own] for own in given]), strict=True):
        assert _same(found, holm(own))
    levels = [0.1, 0.05, 0.01, 0.05 / 7]
    assert _called(driver, "fewestPairs", [[level] for level in levels]) == [
        fewest_pairs(level) for level in levels
    ]


@pytest.mark.parametrize("maximise", [True, False])
def test_groups_are_compared_as_python_compares_them(driver: Browser, maximise: bool) -> None:
    tables = _tables()
    columns = [_columns(wide) for wide in tables]
    factors = [detectable_difference(1.0, pairs) for pairs in range(15)]
    plain = [None if math.isinf(factor) else factor for factor in factors]
    blocks = _called(driver, "balanced", [[own] for own in columns])
    best = _called(driver, "bestColumn", [[own, maximise] for own in columns])
    compared = _called(driver, "compareColumns", [[own, 0, 0.95, plain] for own in columns])
    tied = _called(driver, "tiedWithBest", [[own, maximise, 0.05] for own in columns])
    for place, wide in enumerate(tables):
        block = balanced(wide)
        assert [wide.columns[n] for n in blocks[place]["groups"]] == list(block.columns)
        assert [wide.index[n] for n in blocks[place]["seeds"]] == list(block.index)
        assert wide.columns[best[place]] == best_column(wide, maximise=maximise)
        expected = compare_columns(wide, wide.columns[0])
        for row, own in zip(expected.to_dict("records"), compared[place], strict=True):
            names = [name for name in own if name != "error"]
            assert _same({name: own[name] for name in names}, {name: row[name] for name in names})
            error = row["difference_deviation"] / math.sqrt(row["pairs"] or math.nan)
            assert _same(own["error"], error)
        ranked = tied_with_best(wide, maximise=maximise)
        names = ["seeds", "best", "tied", "elsewhere"]
        assert tied[place] == ranked[names].to_dict("records")


def test_the_p_against_the_best_is_the_same_sample_beyond_twelve_seeds(
    driver: Browser,
) -> None:
    random = np.random.default_rng(4)
    tables = [
        random.normal(0.5, 0.02, (seeds, 5)).round(4) for seeds in (2, 5, 12, 13, 16, 21, 33)
    ]
    found = _called(driver, "bestPValues", [[own.tolist()] for own in tables])
    for own, p in zip(tables, found, strict=True):
        assert _same(p, best_p_values(own))
