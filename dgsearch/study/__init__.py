"""The study file: `StudySpec` and its parts, read and checked with every error at once."""

from __future__ import annotations

from dgsearch.designs.ablation import Ablation
from dgsearch.designs.adaptive_seeds import AdaptiveSeeds
from dgsearch.designs.catalogue import Catalogue
from dgsearch.designs.coalitions import FULL
from dgsearch.designs.family import Family
from dgsearch.designs.fields import Range
from dgsearch.designs.grid import Grid
from dgsearch.designs.one_at_a_time import OneAtATime
from dgsearch.designs.search import Search
from dgsearch.designs.sobol import Sobol
from dgsearch.study.loading import load_study, parse_study
from dgsearch.study.spec import DataSpec, Halving, Resources, Retries, StudySpec

__all__ = [
    "FULL",
    "Ablation",
    "AdaptiveSeeds",
    "Catalogue",
    "DataSpec",
    "Family",
    "Grid",
    "Halving",
    "OneAtATime",
    "Range",
    "Resources",
    "Retries",
    "Search",
    "Sobol",
    "StudySpec",
    "load_study",
    "parse_study",
]
