"""The study file: `StudySpec` and its parts, read and checked with every error at once."""

from __future__ import annotations

from dgsearch.study.checks import Catalogue
from dgsearch.study.loading import load_study, parse_study
from dgsearch.study.spec import DataSpec, Grid, Halving, OneAtATime, Range, Resources, Search
from dgsearch.study.spec import StudySpec as StudySpec

__all__ = [
    "Catalogue",
    "DataSpec",
    "Grid",
    "Halving",
    "OneAtATime",
    "Range",
    "Resources",
    "Search",
    "StudySpec",
    "load_study",
    "parse_study",
]
