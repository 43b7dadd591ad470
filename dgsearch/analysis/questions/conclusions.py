"""Which conclusion a difference allows: the phrase is chosen by the numbers, never before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dgsearch.designs.decisions import EQUIVALENT

__all__ = ["Conclusion", "sentence_start"]


@dataclass(frozen=True)
class Conclusion:
    """What a difference means, in each way that it can turn out.

    One that is practically none means the same everywhere, and has no clause of its own.

    Attributes:
        more: A clause for a difference above zero.
        less: A clause for one below zero.
        undecided: A clause for one that is not told from zero.
    """

    more: str
    less: str
    undecided: str

    def of(self, row: Mapping[str, Any]) -> str:
        """The clause that a row of `compared` allows, as the start of a sentence."""
        if row["finding"] == "open":
            return sentence_start(self.undecided)
        if row["finding"] == EQUIVALENT:
            return "There is practically no difference"
        clause = self.more if row["difference"] > 0 else self.less
        if row["finding"] == "established":
            return sentence_start(clause)
        return f"It looks as if {clause}"


def sentence_start(clause: str) -> str:
    """The clause with a capital."""
    return clause[:1].upper() + clause[1:]
