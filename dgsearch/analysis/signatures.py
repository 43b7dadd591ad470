"""Failure signatures: known ways in which a method goes wrong, looked for in the numbers.

Each check compares one number with a bound that is a choice of this project; the page shows
both, so that a reader can disagree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from dgsearch.analysis.selection import MEAN, finished

__all__ = ["CHECKS", "Check", "signatures"]


@dataclass(frozen=True)
class Check:
    """One signature.

    Attributes:
        name: Its key.
        needs: Columns without which it cannot be looked for.
        number: The number of a row's trials that is compared.
        bound: What it is compared with.
        above: Whether it is seen above the bound, or below it.
    """

    name: str
    needs: tuple[str, ...]
    number: Callable[[pd.DataFrame], float]
    bound: float
    above: bool = True


def _mean(column: str) -> Callable[[pd.DataFrame], float]:
    return lambda part: float(part[column].mean())


def _difference(first: str, second: str) -> Callable[[pd.DataFrame], float]:
    return lambda part: float((part[first] - part[second]).mean())


_ACCURACY = f"accuracy/{MEAN}"
CHECKS = (
    Check("features apart", ("discriminator_accuracy",), _mean("discriminator_accuracy"), 0.95),
    Check("attention uniform", ("attention_entropy",), _mean("attention_entropy"), 0.98),
    Check(
        "attention saturated", ("attention_entropy",), _mean("attention_entropy"), 0.2, above=False
    ),
    Check("walk is noise", ("gradient_to_noise",), _mean("gradient_to_noise"), 0.01, above=False),
    Check("queries still easy", ("query_accuracy",), _mean("query_accuracy"), 0.95),
    Check("labels disagree", ("label_agreement",), _mean("label_agreement"), 0.5, above=False),
    Check(
        "anchor not surer",
        ("uncertainty_after", "uncertainty_before"),
        _difference("uncertainty_after", "uncertainty_before"),
        0.0,
    ),
    Check("few classes", ("generated_classes",), _mean("generated_classes"), 0.8, above=False),
    Check("mask empty", ("mask_occupancy",), _mean("mask_occupancy"), 0.05, above=False),
    Check(
        "student below teacher",
        (_ACCURACY, "teacher_accuracy_student_domain"),
        _difference(_ACCURACY, "teacher_accuracy_student_domain"),
        0.0,
        above=False,
    ),
    Check(
        "encoder does not transfer",
        ("encoder_transfer_accuracy", "teacher_accuracy_student_domain"),
        lambda part: float(
            (part["encoder_transfer_accuracy"] / part["teacher_accuracy_student_domain"]).mean()
        ),
        0.7,
        above=False,
    ),
    Check(
        "large spread over seeds",
        (_ACCURACY,),
        lambda part: float(part.groupby("config_id")[_ACCURACY].std().mean()),
        0.05,
    ),
)


def signatures(trials: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """Every signature that the data allows to look for, row by row.

    Args:
        trials: Finished and other trials with columns `row` and "accuracy/mean of targets".
        last: `last_diagnostics`.

    Returns:
        One row a signature and row: signature, row, n (trials), number, bound, seen.
    """
    done = finished(trials)
    done = done.join(last.drop(columns=list({*last.columns} & {*done.columns})), on="trial_number")
    found = []
    for check in CHECKS:
        if not set(check.needs) <= set(done.columns):
            continue
        for row, part in done.groupby("row", sort=False):
            known = part.dropna(subset=list(check.needs))
            if known.empty:
                continue
            number = check.number(known)
            if math.isnan(number):  # a deviation over one seed, a ratio of nothing
                continue
            seen = number > check.bound if check.above else number < check.bound
            found.append(
                {
                    "signature": check.name,
                    "row": row,
                    "n": len(known),
                    "number": number,
                    "bound": check.bound,
                    "seen": bool(seen),
                }
            )
    return pd.DataFrame(found, columns=["signature", "row", "n", "number", "bound", "seen"])
