"""What an answer to an open question is made of, and the words that its numbers allow.

Every answer is a pure function: frames of studies in, an `Answer` out. A difference is called
established only where its 95% t interval and the sign-flip test at 5% agree that it is not zero,
and practically none where two one-sided t tests at 5% show that it lies within the region of
practical equivalence. One that was picked because it is the largest is judged by p values after
Holm's correction over all from which it was picked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from dgsearch.analysis.comparison import LEVEL, compare_columns
from dgsearch.analysis.equivalence import equivalence_p, with_verdicts
from dgsearch.analysis.selection import MEAN, finished, with_target_mean
from dgsearch.analysis.statistics import Interval, mean_interval
from dgsearch.designs.decisions import BETTER, EQUIVALENT, WORSE
from dgsearch.errors import DgsearchError
from dgsearch.wording import fixed_text, p_text

__all__ = [
    "Answer",
    "Kind",
    "MissingRowError",
    "StudyFrames",
    "by_sign",
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
        rope: Differences of accuracy within plus and minus this count as practically none; None:
            nothing is called equivalent.
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
    rope: float | None = None

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
    study: str,
    wide: pd.DataFrame,
    reference: Any,
    needed: Sequence[Any] = (),
    *,
    rope: float | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every column of a table of seeds against one of them.

    Args:
        study: Its name, for the error.
        wide: One row a seed, one column a row.
        reference: The column to compare with; it is left out.
        needed: Columns that must be there.
        rope: Differences within plus and minus this count as practically none; None: nothing is
            called equivalent.

    Returns:
        `compare_columns` with columns label, standard_error (of the difference), rope and those
        of `with_verdicts` (after Holm's correction), and two of what the differences allow:
        finding (each by itself) and finding_holm (corrected), "established", "out of reach" (the
        interval excludes zero, the pairs cannot reach 5%), "equivalent" or "open"; and every
        seed's difference: label, seed, difference.

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
    others = wide.drop(columns=reference).sub(wide[reference], axis=0)
    dots = others.rename_axis(index="seed", columns=None).reset_index()
    long = dots.melt("seed", var_name="label", value_name="difference").dropna()
    return _judged(table, rope), long[["label", "seed", "difference"]].reset_index(drop=True)


def _judged(table: pd.DataFrame, rope: float | None) -> pd.DataFrame:
    """The comparisons with standard errors and what each of them allows to say."""
    judged = with_verdicts(table, rope=rope)
    alone = math.nan if rope is None else equivalence_p(table, rope=rope)
    judged = judged.assign(
        standard_error=table["difference_deviation"] / table["pairs"] ** 0.5,
        rope=math.nan if rope is None else rope,
        p_equivalent_alone=alone,
    )
    rows = [row for _, row in judged.iterrows()]
    return judged.assign(
        finding=[_finding(row, "p", "p_equivalent_alone") for row in rows],
        finding_holm=[_finding(row, "p_holm", "p_equivalent") for row in rows],
    ).drop(columns="p_equivalent_alone")


def by_sign(table: pd.DataFrame) -> pd.DataFrame:
    """`compared` of what is neither good nor bad: verdicts above 0 and below 0."""
    return table.replace({"verdict": {BETTER: "above 0", WORSE: "below 0"}})


def row_of(table: pd.DataFrame, label: Any) -> Mapping[str, Any]:
    """The row of a label, which must be there."""
    found: Mapping[str, Any] = table[table["label"] == label].iloc[0].to_dict()
    return found


def furthest(table: pd.DataFrame, column: str = "difference") -> dict[str, Any]:
    """The row whose number is furthest from zero."""
    return dict(table.iloc[int(table[column].abs().argmax())])


def difference_words(
    row: Mapping[str, Any], *, unit: Unit = "accuracy", picked: bool = False
) -> str:
    """A difference with its doubt: "+1.2 points (95% interval ..., n = 5), not established".

    Args:
        row: Of `compared`.
        unit: Of the difference.
        picked: It was picked from the table for its size, so Holm's correction counts.
    """
    text = f"{_signed(row['difference'], unit)}{' points' if unit == 'accuracy' else ' nats'}"
    if math.isnan(row["low"]):
        return f"{text} (n = {row['pairs']}: no interval, so nothing is established)"
    p, name = ("p_holm", "Holm p") if picked else ("p", "sign-flip p")
    return (
        f"{text} (95% interval {_signed(row['low'], unit)} to {_signed(row['high'], unit)}, "
        f"standard error {_plain(row['standard_error'], unit)}, n = {row['pairs']}, "
        f"{name} = {p_text(row[p])}: {_finding_words(row, picked=picked)})"
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
    told = table[table["finding_holm"] == "established"]
    count = f"Of the {len(table)} {of}"
    if len(told):
        named = ", ".join(
            f"{row['label']} {_signed(row['difference'], 'accuracy')}"
            for row in told.sort_values("difference", key=abs, ascending=False).to_dict("records")
        )
        verb = "differs" if len(told) == 1 else "differ"
        text = f"{count}, {len(told)} {verb} after Holm's correction: {named} points."
    else:
        largest = furthest(table)
        text = f"{count}, none differs after Holm's correction"
        text += (
            "."
            if largest["label"] == told_before
            else f"; the largest difference is {largest['label']} with "
            f"{_signed(largest['difference'], 'accuracy')} points."
        )
    return f"{text}{_alike_words(table)}"


def _alike_words(table: pd.DataFrame) -> str:
    """Which rows are practically equal to the reference after Holm's correction, if any."""
    alike = [str(label) for label in table.loc[table["finding_holm"] == EQUIVALENT, "label"]]
    if not alike:
        return ""
    return f" Practically no difference, {_within(table.iloc[0])}: {', '.join(alike)}."


def level_words(values: Sequence[float]) -> str:
    """A mean accuracy with its standard error and n."""
    found: Interval = mean_interval(values)
    if not found.n:
        return "an unknown share (n = 0)"
    error = "" if found.n < 2 else f" ± {found.standard_error * 100:.1f}"
    return f"{found.mean * 100:.1f}{error} % (n = {found.n})"


def _finding(row: Mapping[str, Any] | pd.Series[Any], p: str, alike: str) -> str:
    """What a difference allows: the values of the columns finding and finding_holm."""
    if row[alike] <= LEVEL:
        return EQUIVALENT
    if math.isnan(row["low"]) or row["low"] <= 0 <= row["high"]:
        return "open"
    if row[p] <= LEVEL:
        return "established"
    return "out of reach" if row["smallest_p"] > LEVEL else "open"


def _finding_words(row: Mapping[str, Any], *, picked: bool) -> str:
    finding = row["finding_holm" if picked else "finding"]
    if finding == EQUIVALENT:
        return f"practically no difference, {_within(row)}"
    if finding == "out of reach":
        return (
            "the interval excludes zero, but so few pairs cannot bring p below "
            f"{p_text(row['smallest_p'])}, so it is not established"
        )
    return "established" if finding == "established" else "not established"


def _within(row: Mapping[str, Any] | pd.Series[Any]) -> str:
    """The region of practical equivalence in words, of accuracies."""
    return f"within ±{row['rope'] * 100:.3g} points"


def _signed(value: float, unit: Unit) -> str:
    shown, digits = (value * 100, 1) if unit == "accuracy" else (value, 2)
    return fixed_text(shown, digits, signed=True)


def _plain(value: float, unit: Unit) -> str:
    return fixed_text(value * 100, 1) if unit == "accuracy" else fixed_text(value, 2)
