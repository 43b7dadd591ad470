"""Shapley values of a study of coalitions in sentences, and what says that they are missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from dgsearch.analysis.comparison import LEVEL
from dgsearch.analysis.shapley import ShapleyValues, shapley_values
from dgsearch.designs.coalitions import Game
from dgsearch.report.view import StudyView
from dgsearch.report.words import Unit, given, listed, records
from dgsearch.wording import p_text, plural

_SAME = 12  # decimals: what differs less is rounding


def shapley_sentences(view: StudyView) -> list[str]:
    """The values in the order of their size, and which of them differ from zero."""
    game = view.design.game()
    if game is None or view.reference is None:
        return []
    found = found_values(view, game)
    if found is None:
        return [incomplete(view, game)]
    unit = finer(view.unit, found)
    ordered = by_size(found.values)
    steps = [
        f"{row['switch']} {unit.signed(row['value'])}"
        + (f" ({unit.between(row['low'], row['high'], signed=True)})" if given(row["low"]) else "")
        for row in records(ordered)
    ]
    whole = found.whole
    doubt = (
        f" (95% interval {unit.between(whole['low'], whole['high'], signed=True)})"
        if given(whole["low"])
        else ""
    )
    sentences = [
        f"All switches together change the {view.outcome_words} by "
        f"{unit.signed(whole['value'])} {unit.step}{doubt}. Of these, by their Shapley values "
        f"with 95% intervals: {listed(steps, most=len(steps))}."
    ]
    return [*sentences, *_told(found), *idle_sentences(found)]


def idle_sentences(found: ShapleyValues) -> Iterator[str]:
    """Switches without which no other one changes anything."""
    for name in found.idle:
        yield (
            f"Without {name} no other switch changes anything: all coalitions without it have "
            "the same outcome at every seed."
        )


def finer(unit: Unit, found: ShapleyValues) -> Unit:
    """The unit with as many digits, at most two more, as tell the values apart and from zero."""
    if unit.digits is None:
        return unit
    values = {0.0, *found.values["value"].round(_SAME)}
    for digits in (unit.digits, unit.digits + 1):
        if len({replace(unit, digits=digits).signed(value) for value in values}) == len(values):
            return replace(unit, digits=digits)
    return replace(unit, digits=unit.digits + 2)


def _told(found: ShapleyValues) -> Iterator[str]:
    """Which values differ from zero after the correction."""
    values = found.values.dropna(subset=["p_holm"])
    if values.empty:
        return
    told = values[values["p_holm"] <= LEVEL]
    if len(told):
        names = [f"{row['switch']} (p = {p_text(row['p_holm'])})" for row in records(told)]
        yield f"After Holm's correction over the switches, these differ from 0: {listed(names)}."
        return
    least = float(values["smallest_p"].iloc[0]) * len(values)
    reach = (
        f" With {plural(len(found.seeds), 'seed')} and {len(values)} switches"
        f" no corrected p can lie below {min(1.0, least):.2g}."
        if least > LEVEL
        else ""
    )
    yield f"No value differs from 0 after Holm's correction over the switches.{reach}"


def by_size(table: pd.DataFrame, *, absolute: bool = True) -> pd.DataFrame:
    """The rows by their value, the largest first; equal ones in the order of the study file."""

    def rounded(values: pd.Series[float]) -> pd.Series[float]:
        return (values.abs() if absolute else values).round(_SAME)

    return table.sort_values("value", key=rounded, ascending=False, kind="stable")


def found_values(view: StudyView, game: Game) -> ShapleyValues | None:
    """The values of a study of coalitions; None where no seed has every one of them."""
    wide = view.done.pivot_table(index="seed", columns="variant", values=view.outcome)
    return shapley_values(wide, game)


def incomplete(view: StudyView, game: Game) -> str:
    """What is missing where there are no values."""
    count = len(game.coalitions)
    most = int(view.done.groupby("seed")["variant"].nunique().max())
    return (
        f"Shapley values need every coalition at one seed: {count} of them. No seed has more than "
        f"{most}; run the study to its end."
    )
