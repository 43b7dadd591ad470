"""Open questions about MPBM's cost and about its synthetic instances."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from dgsearch.analysis.cost import overheads
from dgsearch.analysis.diagnostics import last_diagnostics
from dgsearch.analysis.questions.base import (
    Answer,
    MissingRowError,
    StudyFrames,
    compared,
    difference_words,
    level_words,
    row_of,
)
from dgsearch.analysis.questions.conclusions import Conclusion
from dgsearch.analysis.statistics import intervals_by, mean_interval

__all__ = ["mpbm_instances", "mpbm_overhead"]

_PLAIN = "ERM continued"
_OWN, _ALIGNED = "own_is_nearest", "discriminator_accuracy"


def mpbm_overhead(studies: Sequence[StudyFrames]) -> Answer:
    """Question 5: time and memory as multiples of plain training's, paired over seeds."""
    study = studies[0]
    table = overheads(study.done, reference=_PLAIN)
    table = table[table["row"] != _PLAIN].rename(columns={"row": "label"}).reset_index(drop=True)
    full = {row["measure"]: row for row in table.to_dict("records") if row["label"] == "full"}
    if "time" not in full:
        raise MissingRowError(
            f"study {study.name!r}: no finished trials of 'full' and {_PLAIN!r} at the same "
            "seeds; run its present study file in a new database"
        )
    others = table[(table["label"] != "full") & (table["measure"] == "time")]
    beside = ", ".join(f"{row.label} {row.ratio:.1f}" for row in others.itertuples())
    sentence = (
        f"The time of MPBM is {_multiple(full['time'], 'time')}; "
        f"the peak memory of its process, libraries included, is "
        f"{_multiple(full['memory'], 'memory')}. "
        f"For comparison, the multiples of that time are: {beside or 'none was run'}."
    )
    return Answer("mpbm-5", "mpbm", sentence, "ratios", table)


def mpbm_instances(studies: Sequence[StudyFrames]) -> Answer:
    """Question 6: are synthetic features nearest to the real instance they were made from?"""
    study = studies[0]
    column = study.varied["lambda_adv"]
    last = last_diagnostics(study.scores).reindex(columns=[_ALIGNED])
    found = study.done[["trial_number", "seed", column]].rename(columns={column: "value"})
    found = found.merge(study.neighbours, on="trial_number").join(last, on="trial_number")
    centre = study.centre["lambda_adv"]
    own = found[found["value"] == centre]
    if own.empty:
        raise MissingRowError(
            f"study {study.name!r}: no trial at λ_adv = {centre} stored a sample; run it with "
            'hyperparameters.sample = "on"'
        )
    wide = found.pivot_table(index="seed", columns="value", values=_OWN)
    least, most = min(wide.columns), max(wide.columns)
    table, _ = compared(study.name, wide, least, (most,) if most > least else ())
    conclusion = Conclusion(
        more="a larger λ_adv keeps them nearer to their own instance",
        less="a larger λ_adv moves them away from their own instance",
        undecided="whether λ_adv moves them is open",
    )
    moved = (
        f" {conclusion.of(row_of(table, most))}: from λ_adv = {least:g} to {most:g} the share "
        f"changes by {difference_words(row_of(table, most))}."
        if most > least
        else ""
    )
    sentence = f"{_where(own[_OWN].tolist())} {_told_apart(own)}{moved}"
    return Answer("mpbm-6", "mpbm", sentence, "plane", _summary(found), study.points)


def _multiple(row: Mapping[Hashable, Any], what: str) -> str:
    """A ratio with its interval, and on which side of 1 it lies."""
    if row["ratio"] != row["ratio"]:
        return "not recorded"
    text = f"{row['ratio']:.2f} times that of plain training"
    if row["low"] != row["low"]:
        return f"{text} (n = {int(row['pairs'])}: no interval, so nothing is established)"
    side = "above 1" if row["low"] > 1 else "below 1" if row["high"] < 1 else "around 1"
    doubt = f", so a difference in {what} is not established" if side == "around 1" else ""
    return (
        f"{text} (95% interval {row['low']:.2f} to {row['high']:.2f}, n = {int(row['pairs'])}, "
        f"{side}{doubt})"
    )


def _where(shares: list[float]) -> str:
    """Whether most synthetic features stay next to their own instance."""
    found = mean_interval(shares)
    level = (
        f"the nearest real feature vector is that of the own source image for "
        f"{level_words(shares)} of them"
    )
    if found.n < 2 or found.low <= 0.5 <= found.high:
        return f"Whether most synthetic instances stay next to their own image is open: {level}."
    if found.low > 0.5:
        return f"Most synthetic instances stay next to the image they were made from: {level}."
    return f"Most synthetic instances lie nearer to another image than to their own: {level}."


def _told_apart(own: pd.DataFrame) -> str:
    """Whether the discriminator tells synthetic from real features."""
    known = own[_ALIGNED].dropna().tolist()
    if not known:
        return "Whether a discriminator tells them from real ones was not recorded."
    found = mean_interval(known)
    if found.n > 1 and found.low > 0.5:
        head = "The discriminator still tells them from real ones"
    else:
        head = "That the discriminator tells them from real ones is not established"
    return f"{head}: it is right on {level_words(known)} (50 % is guessing)."


def _summary(found: pd.DataFrame) -> pd.DataFrame:
    """Share and discriminator accuracy at each value of λ_adv."""
    parts = []
    for name in (_OWN, _ALIGNED):
        known = found.dropna(subset=[name])
        parts.append(intervals_by(known, ["value"], name).assign(measure=name))
    return pd.concat(parts, ignore_index=True).sort_values(["measure", "value"])
