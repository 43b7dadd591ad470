"""The study file: `StudySpec` and its parts, read and checked with every error at once."""

from __future__ import annotations

from dgsearch.study.checks import Catalogue
from dgsearch.study.loading import load_study, parse_study
from dgsearch.study.spec import (
    FULL,
    Ablation,
    AdaptiveSeeds,
    DataSpec,
    Grid,
    Halving,
    OneAtATime,
    Range,
    Resources,
    Retries,
    Search,
    Sobol,
    StudySpec,
)

__all__ = [
    "FULL",
    "Ablation",
    "AdaptiveSeeds",
    "Catalogue",
    "DataSpec",
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
