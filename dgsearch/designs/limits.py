"""Constraints of a search: what a measured number of a configuration has to keep to."""

from __future__ import annotations

import math
import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

_FORM = re.compile(r"\s*(\w+)\s*(<=|>=)\s*([-+.\w]+)\s*")


class Limit(NamedTuple):
    """A bound of one measured number.

    Attributes:
        name: Of the metric or cost.
        at_most: Whether it is an upper bound.
        bound: In the unit of the number.
    """

    name: str
    at_most: bool
    bound: float

    def excess(self, number: float) -> float:
        """By how much a number lies beyond the bound; at most 0 where it keeps to it."""
        return number - self.bound if self.at_most else self.bound - number


def parse_limit(text: str) -> Limit:
    """A constraint such as "train_s <= 60".

    Raises:
        ValueError: If it is none; the text says how one looks.
    """
    found = _FORM.fullmatch(text)
    try:
        bound = float(found[3]) if found else math.nan
    except ValueError:
        bound = math.nan
    if found is None or not math.isfinite(bound):
        raise ValueError('must look like NAME <= NUMBER or NAME >= NUMBER, as "train_s <= 60"')
    return Limit(found[1], found[2] == "<=", bound)


def _checked(text: str) -> str:
    parse_limit(text)
    return text


LimitText = Annotated[str, AfterValidator(_checked)]
