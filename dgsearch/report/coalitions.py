"""Shapley values of a study of coalitions in sentences, and what says that they are missing."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dgsearch.analysis.comparison import LEVEL
from dgsearch.analysis.shapley import ShapleyValues, shapley_values
from dgsearch.designs.coalitions import Game
from dgsearch.report.view import StudyView
from dgsearch.report.words import given, listed, records
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
    unit = view.unit
    ordered = by_size(found.values)
    steps = [
        f"{row['switch']} {unit.signed(row['value'])}"
        + (f" ({unit.between(row['low'], row['high'], signed=True)})" if given(row["low"]) else "")
        for row in records(ordered)
    ]
    whole = found.full - found.none
    sentences = [
        f"All switches together change the {view.outcome_words} by {unit.signed(whole)} "
        f"{unit.step}. Of these, by their Shapley values with 95% intervals: "
        f"{listed(steps, most=len(steps))}."
    ]
    return [*sentences, *_told(found)]


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
