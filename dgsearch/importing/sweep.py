"""A sweep of another tool as plain data: what every reader of this package returns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


class Score(NamedTuple):
    """One number that a trial measured.

    Attributes:
        step: When: a step or an epoch.
        split: train, validation or test.
        domain: On what.
        metric: What, "accuracy" for accuracies (0..1).
        value: The number.
    """

    step: int
    split: str
    domain: str
    metric: str
    value: float


@dataclass(frozen=True)
class SweepTrial:
    """One trial.

    Attributes:
        parameters: Its hyperparameters: numbers, texts, booleans, None, or JSON.
        value: What the sweep optimised; None if it has none.
        state: COMPLETE, FAIL, PRUNED or RUNNING.
        reports: The same value by step.
        scores: Everything else that it measured.
        selected_step: Step of `value`; None: the last.
        seed: Its repetition; None where the tool knows of none.
        method: What was trained; empty where the tool knows of none.
        attributes: What else is known.
        error: Why it failed.
        started_at: UTC; None: not known.
        finished_at: UTC; None: not known.
    """

    parameters: Mapping[str, Any]
    value: float | None
    state: str = "COMPLETE"
    reports: Mapping[int, float] = field(default_factory=dict)
    scores: Sequence[Score] = ()
    selected_step: int | None = None
    seed: int | None = None
    method: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Sweep:
    """The trials of one study.

    Attributes:
        name: Of the study.
        metric: Name of what is optimised.
        maximised: Whether a higher value is better.
        trials: In order.
    """

    name: str
    metric: str
    maximised: bool
    trials: Sequence[SweepTrial]

    def values_of(self, parameter: str) -> Iterable[Any]:
        """What the trials have for a hyperparameter; trials without it are passed over."""
        return (
            trial.parameters[parameter] for trial in self.trials if parameter in trial.parameters
        )


def plain_value(value: Any) -> Any:
    """A cell of a table as a plain value; None for what is missing."""
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return value
    return value
