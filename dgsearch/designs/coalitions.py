"""Coalitions of switches: which are run, and in which orders switches are added."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

MOST_EXACT = 6  # switches: 64 coalitions
FULL = "full"  # the coalition in which nothing was changed; an ablation has it too
NONE = "none"  # the coalition in which every switch is off
_SEED = 0  # the same orders whenever they are drawn

Coalition = frozenset[str]  # the switches that are on


@dataclass(frozen=True)
class Game:
    """The coalitions of some switches that a study runs.

    Attributes:
        switches: In the order of the study file.
        draws: How many orders are drawn where there are more than six switches; even.
    """

    switches: tuple[str, ...]
    draws: int = 16

    @property
    def exact(self) -> bool:
        """Whether every coalition is run."""
        return len(self.switches) <= MOST_EXACT

    @cached_property
    def orders(self) -> Sequence[tuple[str, ...]]:
        """The orders of adding switches that were drawn, each followed by its reverse.

        None where every coalition is run.
        """
        if self.exact:
            return ()
        random = np.random.default_rng(_SEED)
        drawn = [
            tuple(self.switches[place] for place in random.permutation(len(self.switches)))
            for _ in range(self.draws // 2)
        ]
        return tuple(itertools.chain.from_iterable((order, order[::-1]) for order in drawn))

    @cached_property
    def coalitions(self) -> dict[str, Coalition]:
        """The coalitions by their names: the full method, none, then the larger ones first."""
        sizes = range(len(self.switches), -1, -1)
        if self.exact:
            found = [
                Coalition(chosen)
                for size in sizes
                for chosen in itertools.combinations(self.switches, size)
            ]
        else:
            found = [Coalition(order[:size]) for size in sizes for order in self.orders]
        ordered = [Coalition(self.switches), Coalition(), *found]
        return {self._named(coalition): coalition for coalition in ordered}

    def _named(self, coalition: Coalition) -> str:
        """What a coalition is called: by what is missing, or by what there is if that is less."""
        on = [name for name in self.switches if name in coalition]
        off = [name for name in self.switches if name not in coalition]
        if not off:
            return FULL
        if not on:
            return NONE
        return f"without {', '.join(off)}" if len(off) <= len(on) else f"only {', '.join(on)}"
