"""What an answer to an open question is made of, and the words that its numbers allow.

Every answer is a pure function: frames of studies in, an `Answer` out. A difference is called
established only where its 95% t interval and the sign-flip test at 5% agree that it is not zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from dgsearch.analysis.comparison import LEVEL, compare_columns
from dgsearch.analysis.selection import MEAN, finished, with_target_mean
from dgsearch.analysis.statistics import Interval, mean_interval
from dgsearch.errors import DgsearchError
from dgsearch.wording import fixed_text, p_text

__all__ = [
    "Answer",
    "Kind",
    "MissingRowError",
    "StudyFrames",
    "compared",
    "difference_words",
    "furthest",
    "level_words",
    "per_seed",
    "rest_words",
    "row_of",
    "symbol",
]

Kind = Literal["differences", "ratios", "shares", "curves", "gap", "response", "surface", "plane"]
Unit = Literal["accuracy", "energy"]


class MissingRowError(DgsearchError):
    """A study lacks what an answer compares, for example a variant of an older study file."""


@dataclass(frozen=True)
class StudyFrames:
    """A study as the answers see it.

    Attributes:
        name: Of the study.
        trials: `read_trials` with a column `row`: the variant, or the method.
        scores: `read_scores`.
        targets: Target domains.
        varied: Column of each hyperparameter that the design varies, by name.
        centre: Value of each of them while the others move.
        confidence: One row a trial and bin: trial_number, low, high (of the teacher's confidence
            on generated images), images.
        neighbours: One row a trial: trial_number, own_is_nearest (share, 0..1).
        points: Features in the plane, of one trial: kind, label, x, y.
    """

    name: str
    trials: pd.DataFrame
    scores: pd.DataFrame
    targets: Sequence[str]
    varied: Mapping[str, str] = field(default_factory=dict)
    centre: Mapping[str, Any] = field(default_factory=dict)
    confidence: pd.DataFrame = field(default_factory=pd.DataFrame)
    neighbours: pd.DataFrame = field(default_factory=pd.DataFrame)
    points: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def done(self) -> pd.DataFrame:
        """Finished trials with the mean of targets."""
        return with_target_mean(finished(self.trials), self.targets)


@dataclass(frozen=True)
class Answer:
    """An open question answered from studies.

    Attributes:
        question: Key of the question, such as "mpbm-7".
        method: Whose question it is.
        sentence: The answer with its numbers and its doubt.
        kind: What its figure shows.
        table: The frame behind it.
        dots: What the figure shows besides: single seeds, curves or points.
        extra: Rank correlations of diagnostics with accuracy, where the question asks for them.
        reference: What differences are to; empty where the figure shows none.
        unit: Of the outcome: an accuracy (0..1) or an energy (nats).
    """

    question: str
    method: str
    sentence: str
    kind: Kind
    table: pd.DataFrame
    dots: pd.DataFrame = field(default_factory=pd.DataFrame)
    extra: pd.DataFrame = field(default_factory=pd.DataFrame)
    reference: str = ""
    unit: Unit = "accuracy"


def symbol(name: str) -> str:
    """How a hyperparameter is written: lambda_adv as λ_adv."""
    return name.replace("lambda_", "λ_")


def per_seed(study: StudyFrames, by: str = "row", domain: str = MEAN) -> pd.DataFrame:
    """Accuracy on a domain: one row a seed, one column a row (or another column's value)."""
    done = study.done
    wide = done.pivot_table(index="seed", columns=by, values=f"accuracy/{domain}", observed=True)
    return wide.reindex(columns=[name for name in done[by].unique() if name in wide.columns])


def compared(
    study: str, wide: pd.DataFrame, reference: Any, needed: Sequence[Any] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every column of a table of seeds against one of them.

    Args:
        study: Its name, for the error.
        wide: One row a seed, one column a row.
        reference: The column to compare with; it is left out.
        needed: Columns that must be there.

    Returns:
        `compare_columns` with columns label, standard_error (of the difference) and verdict; and
        every seed's difference: label, seed, difference.

    Raises:
        MissingRowError: If the reference or a column that is needed is missing.
    """
    for name in (reference, *needed):
        if name not in wide.columns or wide[name].isna().all():
            found = ", ".join(str(column) for column in wide.columns) or "none"
            raise MissingRowError(
                f"study {study!r}: no finished trial of {name!r} (found: {found}); run its "
                "present study file in a new database"
            )
    table = compare_columns(wide, reference).rename(columns={"row": "label"})
    table = table[table["label"] != reference].reset_index(drop=True)
    error = table["difference_deviation"] / table["pairs"] ** 0.5
    verdicts = [_verdict(row, "p") for _, row in table.iterrows()]
    others = wide.drop(columns=reference).sub(wide[reference], axis=0)
    dots = others.rename_axis(index="seed", columns=None).reset_index()
    long = dots.melt("seed", var_name="label", value_name="difference").dropna()
    return table.assign(standard_error=error, verdict=verdicts), long[
        ["label", "seed", "difference"]
    ].reset_index(drop=True)


def row_of(table: pd.DataFrame, label: Any) -> Mapping[str, Any]:
    """The row of a label, which must be there."""
    found: Mapping[str, Any] = table[table["label"] == label].iloc[0].to_dict()
    return found


def furthest(table: pd.DataFrame, column: str = "difference") -> dict[str, Any]:
    """The row whose number is furthest from zero."""
    return dict(table.iloc[int(table[column].abs().argmax())])


def difference_words(row: Mapping[str, Any], *, unit: Unit = "accuracy") -> str:
    """A difference with its doubt: "+1.2 points (95% interval ..., n = 5), not established"."""
    text = f"{_signed(row['difference'], unit)}{' points' if unit == 'accuracy' else ' nats'}"
    if math.isnan(row["low"]):
        return f"{text} (n = {row['pairs']}: no interval, so nothing is established)"
    return (
        f"{text} (95% interval {_signed(row['low'], unit)} to {_signed(row['high'], unit)}, "
        f"standard error {_plain(row['standard_error'], unit)}, n = {row['pairs']}, "
        f"sign-flip p = {p_text(row['p'])}: {_verdict_words(row)})"
    )


def rest_words(table: pd.DataFrame, *, of: str, told_before: str = "") -> str:
    """How many rows are established after Holm's correction, and the largest of the others.

    Args:
        table: From `compared`.
        of: What a row is called, in the plural.
        told_before: A row whose difference the reader knows already.
    """
    if len(table) == 1:
        return "There is no other row to compare."
    verdicts = [_verdict(row, "p_holm") for _, row in table.iterrows()]
    told = table[[verdict == "established" for verdict in verdicts]]
    count = f"Of the {len(table)} {of}"
    if len(told):
        named = ", ".join(
            f"{row['label']} {_signed(row['difference'], 'accuracy')}"
            for row in told.sort_values("difference", key=abs, ascending=False).to_dict("records")
        )
        verb = "differs" if len(told) == 1 else "differ"
        return f"{count}, {len(told)} {verb} after Holm's correction: {named} points."
    largest = furthest(table)
    if largest["label"] == told_before:
        return f"{count}, none differs after Holm's correction."
    return (
        f"{count}, none differs after Holm's correction; the largest difference is "
        f"{largest['label']} with {_signed(largest['difference'], 'accuracy')} points."
    )


def level_words(values: Sequence[float]) -> str:
    """A mean accuracy with its standard error and n."""
    found: Interval = mean_interval(values)
    if not found.n:
        return "an unknown share (n = 0)"
    error = "" if found.n < 2 else f" ± {found.standard_error * 100:.1f}"
    return f"{found.mean * 100:.1f}{error} % (n = {found.n})"


def _verdict(row: Mapping[str, Any] | pd.Series[Any], p: str) -> str:
    """established; out of reach (interval excludes 0, the pairs cannot reach 5%); open."""
    if math.isnan(row["low"]) or row["low"] <= 0 <= row["high"]:
        return "open"
    if row[p] <= LEVEL:
        return "established"
    return "out of reach" if row["smallest_p"] > LEVEL else "open"


def _verdict_words(row: Mapping[str, Any]) -> str:
    verdict = _verdict(row, "p")
    if verdict == "out of reach":
        return (
            "the interval excludes zero, but so few pairs cannot bring p below "
            f"{p_text(row['smallest_p'])}, so it is not established"
        )
    return "established" if verdict == "established" else "not established"


def _signed(value: float, unit: Unit) -> str:
    shown, digits = (value * 100, 1) if unit == "accuracy" else (value, 2)
    return fixed_text(shown, digits, signed=True)


def _plain(value: float, unit: Unit) -> str:
    return fixed_text(value * 100, 1) if unit == "accuracy" else fixed_text(value, 2)
