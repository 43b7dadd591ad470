"""Hyperparameters of a foreign study together: partial dependence and pairs, from a forest."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from dgsearch.analysis.foreign import ForeignTrials, Parameter
from dgsearch.analysis.foreign_surrogate import (
    ForeignSurrogate,
    dependence_of,
    foreign_surrogate,
    pair_of,
    why_no_surrogate,
)
from dgsearch.analysis.surrogate import mean_moves
from dgsearch.report.figures.foreign import contour_figure
from dgsearch.report.figures.response import dependence_figure
from dgsearch.report.parts import Block, Figure, Note, Rows, Section, Table
from dgsearch.report.words import PLAIN, listed, records, short_cell
from dgsearch.wording import plural

_MOST_DEPENDENCES = 8
_IN_PAIRS = 3  # hyperparameters whose pairs are drawn


def foreign_joint_sections(trials: ForeignTrials, title: str) -> Iterator[Section]:
    """Partial dependence and pairs, or the reason why there are none.

    Args:
        trials: A study whose values differ.
        title: What its values are.
    """
    if sum(item.varies for item in trials.parameters) < 2:
        return
    if reason := why_no_surrogate(trials):
        text = f"Partial dependence and pairs are left out: {reason}."
        yield Section("dependence", "Partial dependence", [Note(text)])
        return
    surrogate = foreign_surrogate(trials)
    if not surrogate.numeric:
        return
    fit = (
        f"A random forest is fitted to {plural(len(surrogate.places), 'trial')}. Its out-of-bag "
        f"R² is {surrogate.r2:.2f}: the share of the variance that it explains in trials that a "
        "tree was not fitted to."
    )
    if surrogate.r2 <= 0:
        text = f"{fit} It predicts no better than the mean, so it is not shown."
        yield Section("dependence", "Partial dependence", [Note(text)])
        return
    curves = {item.name: dependence_of(surrogate, item) for item in surrogate.numeric}
    ranked = sorted(surrogate.numeric, key=lambda item: -mean_moves(curves[item.name]))
    yield _dependence(ranked, curves, fit, title)
    yield from _pairs(surrogate, trials, ranked[:_IN_PAIRS], title)


def _dependence(
    ranked: list[Parameter], curves: dict[str, pd.DataFrame], fit: str, title: str
) -> Section:
    shown = ranked[:_MOST_DEPENDENCES]
    rows: Rows = [
        [item.name, short_cell(row["value"]), PLAIN.cell(row["prediction"])]
        for item in shown
        for row in records(curves[item.name][curves[item.name]["curve"] == -1])
    ]
    left = len(ranked) - len(shown)
    cut = f" {plural(left, 'hyperparameter')} that move it less are left out." if left else ""
    figure = Figure(
        "dependence",
        dependence_figure(
            {item.name: curves[item.name] for item in shown},
            labels={item.name: item.name for item in shown},
            unit=replace(PLAIN, name=title),
            logarithmic=[item.name for item in shown if item.log],
        ),
        "What the forest predicts over each number: thick, the mean over trials; thin, single "
        "trials moved along the axis. Thin lines that cross show interaction. What moves the "
        f"mean most comes first.{cut}",
        Table("dependence", ("hyperparameter", "value", "mean prediction"), rows,
              (False, True, True)),
        height_px=200 + 220 * -(-len(shown) // 2),
    )  # fmt: skip
    return Section("dependence", "Partial dependence", [Note(fit), figure])


def _pairs(
    surrogate: ForeignSurrogate, trials: ForeignTrials, shown: list[Parameter], title: str
) -> Iterator[Section]:
    if len(shown) < 2:
        return
    blocks: list[Block] = [
        Note(
            f"The forest's mean prediction over pairs of {listed([item.name for item in shown])}"
            f"{', the numbers that move it most' * (len(surrogate.numeric) > len(shown))}. Where "
            "there are no dots, no trial was: the colour there is extrapolated."
        )
    ]
    for first, second in itertools.combinations(shown, 2):
        surface = pair_of(surrogate, first, second)
        name = f"pair-{first.name}-{second.name}"
        rows: Rows = [
            [short_cell(row["first"]), short_cell(row["second"]), PLAIN.cell(row["prediction"])]
            for row in records(surface)
        ]
        headings = (first.name, second.name, "mean prediction")
        blocks.append(
            Figure(
                name,
                contour_figure(surface, trials, (first, second), title),
                f"Predicted {title} over {first.name} and {second.name}. Dots: trials.",
                Table(name, headings, rows, (True, True, True)),
            )
        )
    yield Section("pairs", "Pairs of hyperparameters", blocks)
