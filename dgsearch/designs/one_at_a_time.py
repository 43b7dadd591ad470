"""`one-at-a-time`: each hyperparameter over its values while the others stay at the centre."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from dgsearch.designs.base import Design, single_changes
from dgsearch.designs.fields import Values
from dgsearch.space import Space


class OneAtATime(Design, frozen=True):
    """Each hyperparameter over its values while the others stay at their centre."""

    kind: Literal["one-at-a-time"]
    vary: Annotated[dict[str, Values], Field(min_length=1)]  # values by hyperparameter

    def changes(self, space: Space) -> Iterator[Mapping[str, Any]]:
        """The centre, then one value after another."""
        yield {}
        yield from single_changes(self.vary)
