"""Seeds at which a configuration failed, so that a comparison rests on fewer of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import pandas as pd

from dgsearch.analysis.selection import repeated
from dgsearch.report.view import StudyView
from dgsearch.report.words import listed
from dgsearch.wording import plural


@functools.lru_cache(maxsize=1)
def failed_seeds(view: StudyView) -> Mapping[str, Sequence[int]]:
    """The seeds at which a configuration's last attempt failed, by config_id, where there are any.

    Of a study that dgsearch did not write no seed is known.
    """
    if not view.facts.spec:
        return {}
    ended = _ended(view)
    failed = ended[ended["state"] == "FAIL"].dropna(subset=["config_id", "seed"])
    return {
        str(config_id): sorted(int(seed) for seed in own["seed"])
        for config_id, own in failed.groupby("config_id", sort=False)
    }


def failure_words(view: StudyView, config_id: str) -> str:
    """Which seeds of a configuration failed: a sentence, empty where none did."""
    failed = failed_seeds(view).get(config_id, ())
    if not failed:
        return ""
    ended = _ended(view)
    own = ended[ended["config_id"] == config_id]
    left = len(own) - len(failed)
    rest = f"it is compared on the other {left}" if left else "it is not compared"
    seeds = listed([str(seed) for seed in failed])
    name = view.name_of(own.iloc[0].to_dict())
    return f"{len(failed)} of {plural(len(own), 'seed')} of {name} failed ({seeds}); {rest}."


@functools.lru_cache(maxsize=1)
def _ended(view: StudyView) -> pd.DataFrame:
    """The last attempts that finished or failed."""
    trials = view.trials
    return trials[~repeated(trials) & trials["state"].isin(["COMPLETE", "FAIL"])]
