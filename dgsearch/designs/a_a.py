"""`a-a`: one configuration twice, A and A', to see how far apart training alone brings them.

What is the same: the configuration, the data and the number of trials. What differs: the seed, and
with it everything that a seed decides (the validation split, initial weights, order of batches,
every draw). A takes the seeds of the study, A' as many further numbers, and the first seed of A is
paired with the first of A'. A proposal and its champion share a seed, hence the split and the
first draws, so that their difference has at most about the noise that is seen here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from dgsearch.designs.base import Design
from dgsearch.designs.points import Asked, Parts, PlannedTrial
from dgsearch.errors import Problem
from dgsearch.space import Space


class AA(Design, frozen=True):
    """The configuration that the study fixes, at its seeds and at as many further ones."""

    kind: Literal["a-a"]

    answer: ClassVar[tuple[str, ...]] = ("level", "baselines")

    @property
    def vary(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    @property
    def sections(self) -> Sequence[str]:
        """Those of every design, then the noise."""
        return ("domains", "sources", "metrics", "noise")

    def seed_words(self, seeds: Sequence[int]) -> str:
        """Those of A, then those of A'."""
        return f"{super().seed_words(seeds)}; A': {super().seed_words(second_seeds(seeds))}"

    def changes(self, space: Space) -> Iterator[Mapping[str, Any]]:
        """The centre alone."""
        yield {}

    def planned(self, asked: Asked, spaces: Mapping[str, Space]) -> list[PlannedTrial]:
        """The configuration at all seeds; baselines at those of the study."""
        every = (*asked.seeds, *second_seeds(asked.seeds))
        return [
            PlannedTrial(item, seed)
            for item in self.configured(asked, spaces)
            for seed in (asked.seeds if item.role == "baseline" else every)
        ]

    def most_seeds(self, asked: Asked) -> int:
        """Those of A and A'."""
        return 2 * len(asked.seeds)

    def check_study(self, parts: Parts) -> Iterator[Problem]:
        """Problems with seeds."""
        if parts.seeds is not None and len(parts.seeds) < 2:
            message = "a-a compares over pairs of seeds; list at least two"
            yield Problem("seeds", repr(list(parts.seeds)), message)


def second_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """The seeds of A': as many as those of A, the numbers after the largest."""
    after = max(seeds) + 1
    return tuple(range(after, after + len(seeds)))
