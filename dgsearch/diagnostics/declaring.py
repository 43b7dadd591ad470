"""`Diagnostic`: a number that training reports, with its words, its bounds and its checks."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BaseModel, Field

ACCURACY = "accuracy"  # in a check: the mean accuracy over the targets

_ROUNDING = 1e-5  # of means in single precision

Text = Annotated[str, Field(min_length=1)]


class FailureCheck(BaseModel, frozen=True, extra="forbid"):
    """A known way to fail, looked for in one number of each row of a page.

    The number is the mean, over trials at their last epoch, of a diagnostic; less another one or
    over another one where these are named. The bound is a choice, and the page shows both.

    Attributes:
        name: The failure, in a few words.
        sentence: What it means when it is seen; ends with a full stop.
        number: What is compared, in words.
        bound: What it is compared with.
        above: Whether the failure lies above the bound, or below it.
        of: The diagnostic; empty: the one that declares the check. `ACCURACY`: the mean accuracy
            over the targets.
        less: Diagnostic that is subtracted from it.
        over: Diagnostic that it is divided by.
        over_seeds: Whether the standard deviation over the seeds of a configuration is compared,
            not the mean.
    """

    name: Text
    sentence: Text
    number: Text
    bound: float
    above: bool = True
    of: str = ""
    less: str = ""
    over: str = ""
    over_seeds: bool = False


class Along(BaseModel, frozen=True, extra="forbid"):
    """What a diagnostic is measured along, where its name goes on with a number.

    Attributes:
        symbol: Of that number.
        axis: Title of its axis.
        caption: What the figure shows, and how to read it.
        figure: Name of the figure.
        short: Title of the other axis.
    """

    symbol: Text
    axis: Text
    caption: Text
    figure: Text
    short: Text


class Diagnostic(BaseModel, frozen=True, extra="forbid"):
    """A number that training reports besides accuracy.

    Attributes:
        name: As the method reports it.
        label: In words, for axes and tables.
        unit: What it is counted in; empty for none.
        higher_is_better: Which way is better; None where neither is.
        low: What it cannot lie below; None: no bound.
        high: What it cannot lie above; None: no bound.
        fixed: Whether it is of networks that the last stage does not train: one number a trial.
        drawn: Whether the section on diagnostics shows it.
        along: Where `name` is the beginning of several names that end in a number.
        checks: Known ways to fail that it shows.
    """

    name: Text
    label: Text
    unit: str = ""
    higher_is_better: bool | None = None
    low: float | None = None
    high: float | None = None
    fixed: bool = False
    drawn: bool = True
    along: Along | None = None
    checks: tuple[FailureCheck, ...] = ()

    @property
    def words(self) -> str:
        """Label, unit, and which way is better."""
        unit = f", {self.unit}" if self.unit else ""
        if self.higher_is_better is None:
            return f"{self.label}{unit}"
        return f"{self.label}{unit} ({'higher' if self.higher_is_better else 'lower'} is better)"

    def allows(self, value: float) -> bool:
        """Whether a value lies within the bounds, but for rounding."""
        low = -math.inf if self.low is None else self.low - _ROUNDING
        high = math.inf if self.high is None else self.high + _ROUNDING
        return low <= value <= high


class Expectation(BaseModel, frozen=True, extra="forbid"):
    """What a method's paper says of a hyperparameter: larger values than this one do not help."""

    hyperparameter: Text
    enough: float
