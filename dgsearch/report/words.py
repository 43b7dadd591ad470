"""Numbers and names as the page writes them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.database.facts import StudyFacts
from dgsearch.report.parts import Cell
from dgsearch.study.families import AUGMENTED
from dgsearch.wording import fixed_text, number_text, p_text

_SHORT, _EVERY = 4, 17  # significant digits


@dataclass(frozen=True)
class Unit:
    """How the outcome of a study is written.

    Attributes:
        name: What it is.
        scale: Stored numbers times this are shown.
        digits: After the decimal point; None: four significant ones.
        sign: After a number, with its space.
        step: What a difference is counted in.
        bounds: Between which stored numbers lie; None: anywhere.
        lower: Whether a lower number is better.
    """

    name: str
    scale: float
    digits: int | None
    sign: str
    step: str
    bounds: tuple[float, float] | None = None
    lower: bool = False

    @property
    def axis(self) -> str:
        """Title of an axis."""
        return f"{self.name},{self.sign}" if self.sign else self.name

    @property
    def best(self) -> str:
        """Where the best number lies: "highest" or "lowest"."""
        return "lowest" if self.lower else "highest"

    @property
    def worse(self) -> str:
        """On which side of zero a worse difference is drawn."""
        return "Right of zero is worse." if self.lower else "Left of zero is worse."

    @property
    def mean(self) -> str:
        """Heading of a column of means."""
        return f"mean,{self.sign}" if self.sign else "mean"

    @property
    def counted(self) -> str:
        """What numbers and differences are counted in, after a comma; empty for plain ones."""
        spelled = {" %": "per cent", "": ""}.get(self.sign, self.sign.strip())
        return f", {spelled}" if spelled else ""

    def text(self, value: Any) -> str:
        """The number alone."""
        if not given(value):
            return "–"
        shown = float(value) * self.scale
        return short(shown) if self.digits is None else fixed_text(shown, self.digits)

    def signed(self, value: Any) -> str:
        """A difference."""
        if not given(value):
            return "–"
        shown = float(value) * self.scale
        if self.digits is None:
            return f"{shown:+z.3g}"
        return fixed_text(shown, self.digits, signed=True)

    def between(self, low: Any, high: Any, *, signed: bool = False) -> str:
        """An interval; one of an accuracy itself ends where accuracies do, at 0 and 1."""
        if not given(low):
            return "–"
        if self.bounds and not signed:
            low, high = (min(max(end, self.bounds[0]), self.bounds[1]) for end in (low, high))
        write = self.signed if signed else self.text
        return f"{write(low)} to {write(high)}"

    def within(self, intervals: pd.DataFrame) -> pd.DataFrame:
        """Intervals (low, high) of the outcome itself, ended where its numbers end."""
        if self.bounds is None:
            return intervals
        ends = {
            name: np.clip(intervals[name].to_numpy(dtype=np.float64), *self.bounds)
            for name in ("low", "high")
        }
        return intervals.assign(**ends)

    def ends_words(self, intervals: pd.DataFrame) -> str:
        """What a caption says where `within` cut any; empty otherwise."""
        if self.bounds is None:
            return ""
        low, high = self.bounds
        if not ((intervals["low"] < low) | (intervals["high"] > high)).any():
            return ""
        written = " and ".join(f"{end * self.scale:g}" for end in self.bounds)
        return f" Intervals are cut at {written}{self.sign}, where {self.name} ends."

    def cell(self, value: Any, *, signed: bool = False, bold: bool = False) -> Cell:
        """A cell with the number as shown on the page."""
        number = float(value) * self.scale if given(value) else None
        return Cell(self.signed(value) if signed else self.text(value), number, bold)


ACCURACY = Unit("accuracy", 100.0, 1, " %", "points", (0.0, 1.0))
PLAIN = Unit("value", 1.0, None, "", "")


def unit_of(metric: Mapping[str, Any]) -> Unit:
    """How a metric is written, from what a study's facts tell of it."""
    label, lower = str(metric["label"]), not metric["higher_is_better"]
    if metric["share"]:
        return Unit(label, 100.0, 1, " %", "points", (0.0, 1.0), lower)
    unit = str(metric["unit"])
    return Unit(label, 1.0, None, f" {unit}" if unit else "", unit, None, lower)


def counted_in(unit: Unit) -> str:
    """What differences are counted in, as the end of a phrase."""
    step = {"points": "percentage points"}.get(unit.step, unit.step)
    return f", in {step}" if step else ""


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as mappings from column to value."""
    rows = frame.itertuples(index=False, name=None)
    return [dict(zip(frame.columns, row, strict=True)) for row in rows]


def epoch_rule(facts: StudyFacts) -> str:
    """Which epoch's numbers count."""
    if facts.spec is None or facts.spec.selection == "last":
        return "last epoch"
    select = facts.spec.selecting
    label = facts.facts.get("metrics", {}).get(select, {}).get("label", select)
    return f"epoch of the best {split_words(facts)} {label}"


def split_words(facts: StudyFacts) -> str:
    """What epochs and configurations are chosen by: "validation", or "augmented validation"."""
    return "augmented validation" if facts.rule == AUGMENTED else "validation"


def label(facts: StudyFacts, name: str) -> str:
    """How a hyperparameter is written: its symbol, or its name."""
    described = facts.describe(name) if facts.spec else None
    return described.label if described else name


def given(value: Any) -> bool:
    """Whether there is a value at all."""
    return value is not None and not (pd.api.types.is_scalar(value) and pd.isna(value))


def short(value: Any) -> str:
    """A value as short as it can be read: four digits, or up to seven that say it in full."""
    if not given(value):
        return "–"
    return number_text(value) if isinstance(value, float) else str(value)


def texts_apart(values: Iterable[Any]) -> list[str]:
    """`short` of several values, with as many digits as tell different ones apart."""
    values = list(values)
    different = {value for value in values if isinstance(value, float) and given(value)}
    digits = next(
        count
        for count in range(_SHORT, _EVERY + 1)
        if len({number_text(value, count) for value in different}) == len(different)
        or count == _EVERY
    )
    return [
        number_text(value, digits) if isinstance(value, float) and given(value) else short(value)
        for value in values
    ]


def short_cell(value: Any) -> Cell:
    """A cell of a value as short as it can be read."""
    number = isinstance(value, int | float) and given(value)
    return Cell(short(value), float(value) if number else None)


def range_text(low: Any, high: Any, digits: int = 2) -> str:
    """An interval as a table shows it; a dash where one of its ends is not known."""
    if not (given(low) and given(high)):
        return "–"
    return f"{fixed_text(low, digits)} to {fixed_text(high, digits)}"


def number_cell(value: Any, digits: int = 1) -> Cell:
    """A cell of a number with so many digits after the point."""
    if not given(value):
        return Cell("–")
    return Cell("∞" if math.isinf(value) else fixed_text(value, digits), float(value))


def p_cell(value: Any) -> Cell:
    """A cell of a p value."""
    return Cell(p_text(value), float(value) if given(value) else None)


def listed(items: Sequence[str], *, most: int = 6) -> str:
    """Names in a row: a, b and c; many are cut."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


class TextsOnDemand(Mapping[str, str]):
    """Texts by key, each of which is made when it is first looked at."""

    def __init__(self, keys: Iterable[str], make: Callable[[int], str]) -> None:
        """Make none yet.

        Args:
            keys: All of them, each once.
            make: From the place of a key, from 0, to its text.
        """
        self._places = {key: place for place, key in enumerate(keys)}
        self._make = functools.cache(make)

    def __getitem__(self, key: str) -> str:
        """The text of a key."""
        return self._make(self._places[key])

    def __iter__(self) -> Iterator[str]:
        """The keys in their order."""
        return iter(self._places)

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self._places)
