"""How the outcome responds to each hyperparameter that a study varies, found once for a page."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from dgsearch.analysis.sensitivity import binned, response_points, values_tied_with_best
from dgsearch.report.view import StudyView


class Response(NamedTuple):
    """The response to one hyperparameter of which several values have numbers.

    Attributes:
        points: `response_points`.
        grouped: `binned` of these.
        tied: `values_tied_with_best` of these.
    """

    points: pd.DataFrame
    grouped: pd.DataFrame
    tied: pd.DataFrame


@functools.lru_cache(maxsize=1)
def responses(view: StudyView) -> Mapping[str, Response]:
    """The response by hyperparameter, of those of which two values or more have numbers."""
    found: dict[str, Response] = {}
    for name in view.varied:
        points = response_points(view.spread, name, centre=view.centre, targets=view.targets)
        points = points.dropna(subset=["accuracy"])
        if points["value"].nunique() > 1:
            grouped = binned(points)
            tied = values_tied_with_best(grouped, maximise=view.data.maximise)
            found[name] = Response(points, grouped, tied)
    return found
