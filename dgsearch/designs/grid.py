"""`grid`: every combination of the values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from dgsearch.designs.base import Design, combinations
from dgsearch.designs.fields import Values
from dgsearch.space import Space


class Grid(Design, frozen=True):
    """Every combination of the values."""

    kind: Literal["grid"]
    vary: Annotated[dict[str, Values], Field(min_length=1)]  # values by hyperparameter

    @property
    def crossed(self) -> bool:
        """It moves all of them at once."""
        return True

    @property
    def most_points(self) -> int:
        """The product of how many values there are."""
        return math.prod(len(values) for values in self.vary.values())

    def changes(self, space: Space) -> Iterator[Mapping[str, Any]]:
        """Every combination, the last hyperparameter fastest."""
        yield from combinations(self.vary)
