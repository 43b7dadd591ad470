"""One object a design: everything that depends on how the points of a study are made and run.

`base.Design` says what a design is asked; each module beside it answers for one kind.
"""

from __future__ import annotations

from dgsearch.designs.ablation import Ablation
from dgsearch.designs.adaptive_seeds import AdaptiveSeeds
from dgsearch.designs.base import Design
from dgsearch.designs.coalitions import FULL
from dgsearch.designs.family import Family
from dgsearch.designs.grid import Grid
from dgsearch.designs.one_at_a_time import OneAtATime
from dgsearch.designs.points import Configuration, Ended, Phase, PlannedTrial
from dgsearch.designs.search import Search
from dgsearch.designs.sobol import Sobol

__all__ = [
    "FULL",
    "Ablation",
    "AdaptiveSeeds",
    "Configuration",
    "Design",
    "Ended",
    "Family",
    "Grid",
    "OneAtATime",
    "Phase",
    "PlannedTrial",
    "Search",
    "Sobol",
]
