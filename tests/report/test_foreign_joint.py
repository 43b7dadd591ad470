"""Partial dependence and pairs on the pages of foreign studies."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pytest

from dgsearch.report.parts import Cell, Figure, Section
from tests.foreign import add_trials, conditional, new_study
from tests.report.test_foreign import sections_of, texts

SPACE: dict[str, optuna.distributions.BaseDistribution] = {
    "lr": optuna.distributions.FloatDistribution(1e-4, 1.0, log=True),
    "x": optuna.distributions.FloatDistribution(-1.0, 1.0),
    "idle": optuna.distributions.CategoricalDistribution(("a", "b")),
}


def _study(database: str, name: str, sign: float, *, noise: bool = False) -> None:
    """The value is 5 log10(lr) + x, or noise alone; all of it times the sign."""
    random = np.random.default_rng(0)
    rows = [
        {"lr": float(10 ** random.uniform(-4, 0)), "x": float(random.uniform(-1, 1)),
         "idle": "ab"[at % 2]}
        for at in range(100)
    ]  # fmt: skip
    values = [
        sign * (random.normal() if noise else 5 * math.log10(row["lr"]) + row["x"]) for row in rows
    ]
    direction = "maximize" if sign > 0 else "minimize"
    add_trials(new_study(database, name, directions=[direction]), rows, SPACE, values)


def _figures(section: Section) -> list[Figure]:
    return [block for block in section.blocks if isinstance(block, Figure)]


def _numbers(figure: Figure, column: int) -> list[float]:
    cells = [row[column] for row in figure.table.rows]
    return [cell.number for cell in cells if isinstance(cell, Cell) and cell.number is not None]


@pytest.mark.slow
def test_partial_dependence_follows_a_log_hyperparameter_on_a_log_axis(database: str) -> None:
    _study(database, "score", 1.0)
    section = sections_of(database, "score")["dependence"]
    assert "fitted to 100 trials" in texts(section)
    (figure,) = _figures(section)
    assert figure.figure.layout.xaxis.type == "log"  # lr moves the value most, so it is first
    assert figure.figure.layout.xaxis2.type is None
    assert [row[0] for row in figure.table.rows] == ["lr"] * 15 + ["x"] * 15
    lr, predicted = _numbers(figure, 1)[:15], _numbers(figure, 2)[:15]
    for at in (3, 7, 11):  # x and idle are 0 on average
        assert predicted[at] == pytest.approx(5 * math.log10(lr[at]), abs=1.0)


@pytest.mark.slow
def test_pairs_are_drawn_with_every_trial(database: str) -> None:
    _study(database, "score", 1.0)
    (figure,) = _figures(sections_of(database, "score")["pairs"])
    surface, dots = figure.figure.data
    assert len(dots.x) == 100
    assert surface.z.shape == (12, 12)
    assert (figure.figure.layout.xaxis.type, figure.figure.layout.yaxis.type) == ("log", "linear")


@pytest.mark.slow
def test_predictions_of_a_loss_are_those_of_its_negative_mirrored(database: str) -> None:
    found = []
    for name, sign in (("score", 1.0), ("loss", -1.0)):
        _study(database, name, sign)
        sections = sections_of(database, name)
        for anchor in ("dependence", "pairs"):
            (figure,) = _figures(sections[anchor])
            found.append(np.array(_numbers(figure, 2)))
        assert _figures(sections["pairs"])[0].figure.data[0].reversescale == (sign < 0)
    np.testing.assert_allclose(found[0], -found[2], rtol=1e-9)
    np.testing.assert_allclose(found[1], -found[3], rtol=1e-9)


def test_nothing_is_drawn_of_a_forest_that_knows_nothing(database: str) -> None:
    _study(database, "noise", 1.0, noise=True)
    sections = sections_of(database, "noise")
    assert "no better than the mean" in texts(sections["dependence"])
    assert not _figures(sections["dependence"])
    assert "pairs" not in sections


def test_a_conditional_space_says_why_it_has_no_partial_dependence(database: str) -> None:
    conditional(database)
    section = sections_of(database, "branches")["dependence"]
    assert texts(section) == (
        "Partial dependence and pairs are left out: some trials lack rf_depth, svc_c."
    )
