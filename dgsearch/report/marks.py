"""Which trials stand behind a mark that is a mean, so that readers go from it to each of them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from dgsearch.report.sections.records import listed_trials
from dgsearch.report.view import StudyView

_COLUMN = "behind"  # where figures look for it (`dgsearch.report.figures.base.leads`)
_MOST = 20  # trials that are named of one mark


def leading(means: pd.DataFrame, trials: Sequence[list[Any]]) -> pd.DataFrame:
    """The means with what `behind` says of each."""
    return means.assign(**{_COLUMN: pd.Series(trials, index=means.index, dtype=object)})


def behind(view: StudyView, numbers: Iterable[int]) -> list[Any]:
    """How many trials a mean is over, and the numbers of the first of those the page lists."""
    own, listed = sorted({int(number) for number in numbers}), _listed(view)
    return [len(own), [number for number in own if number in listed][:_MOST]]


def behind_configurations(view: StudyView, config_ids: Iterable[str]) -> list[list[Any]]:
    """The same for each of several configurations: of their finished trials."""
    own = _by_configuration(view)
    return [behind(view, own.get(config_id, ())) for config_id in config_ids]


@functools.lru_cache(maxsize=1)
def _listed(view: StudyView) -> frozenset[int]:
    return frozenset(listed_trials(view)["trial_number"].tolist())


@functools.lru_cache(maxsize=1)
def _by_configuration(view: StudyView) -> Mapping[str, Sequence[int]]:
    found: dict[str, list[int]] = {}
    done = view.done
    pairs = zip(done["config_id"].tolist(), done["trial_number"].tolist(), strict=True)
    for config_id, number in pairs:
        found.setdefault(str(config_id), []).append(number)
    return found
