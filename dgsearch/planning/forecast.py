"""What is to be expected of a planned study: its power at so many seeds, and its time.

Both come from what trials of the database have shown: nothing is assumed. `dgsearch plan`
prints the lines, and with `--json` the numbers too.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from dgsearch.analysis.comparison import compare_to_reference
from dgsearch.analysis.cost import LAST, typical_seconds
from dgsearch.analysis.equivalence import equivalence_power
from dgsearch.analysis.power import Deviation, pairs_needed, pooled_deviation
from dgsearch.analysis.statistics import (
    PAIRS_FOR_FIVE_PERCENT,
    detectable_difference,
    smallest_sign_flip_p,
)
from dgsearch.database.connection import open_for_reading, open_if_there
from dgsearch.database.facts import StudyFacts, read_facts
from dgsearch.database.outcomes import repeated_configurations
from dgsearch.database.queries import read_studies, read_trials
from dgsearch.errors import ReportError
from dgsearch.report.study_data import StudyData, read_stages
from dgsearch.report.view import StudyView, study_view
from dgsearch.report.words import Unit, listed, records
from dgsearch.study import StudySpec
from dgsearch.wording import duration, plural

Database = str | os.PathLike[str] | None
_POWER = 0.8
_OF_TIME = ("trial_number", "method", "state", "attempt", "epochs", "wall_s")


@dataclass(frozen=True)
class Forecast:
    """What is to be expected.

    Attributes:
        lines: Of `dgsearch plan`.
        facts: The numbers behind them, as docs/json.md describes them; None: there are none.
    """

    lines: Sequence[str] = ()
    facts: Mapping[str, Any] | None = None


def power_forecast(
    database: Database,
    spec: StudySpec,
    *,
    points: float,
    pilot: str | None = None,
    comparisons: int = 1,
) -> Forecast:
    """How many seeds a difference needs.

    Args:
        database: URL or path; None: the default database.
        spec: The planned study.
        points: The difference of the mean over the targets, in percentage points of the accuracy
            or in the unit of the metric that selects.
        pilot: Study whose deviation over seeds is taken; None: the planned one itself.
        comparisons: How many the study will make, corrected together.

    Raises:
        DatabaseError: If the pilot is not in the database.
        ReportError: If the pilot has no comparison over seeds.
    """
    seeds = spec.design.most_seeds(spec)
    lines = list(_too_few(seeds))
    facts: dict[str, Any] = {
        "seeds": seeds,
        "smallest_p": smallest_sign_flip_p(seeds),
        "power": _POWER,
        "comparisons": comparisons,
        "pilot": None,
    }
    engine = open_if_there(database) if pilot is None else open_for_reading(database)
    known = engine is not None and (pilot or spec.name) in _names(engine, pilot)
    view = _pilot(engine, pilot or spec.name) if engine is not None and known else None
    found = _deviation(view)
    if view is None or not found.comparisons:
        if pilot:
            raise ReportError(
                f"study {pilot!r} is no pilot: it needs two configurations or more that have "
                "finished at the same two seeds or more; let it run on, or name another --pilot"
            )
        pilots = _usable_pilots(engine, spec)
        return Forecast([*lines, *_without_pilot(spec, pilots)], facts | {"pilots": pilots})
    unit = view.unit
    facts |= _power(view.facts, spec, found, points / unit.scale, comparisons)
    lines += _measured(view.facts.name, facts, unit)
    lines += _needed(facts, unit)
    return Forecast(lines, facts)


def _too_few(seeds: int) -> Iterator[str]:
    if seeds < PAIRS_FOR_FIVE_PERCENT:
        yield (
            f"  power      {plural(seeds, 'seed')} cannot reach p < 0.05, however large the "
            f"difference: the smallest sign-flip p is {smallest_sign_flip_p(seeds):.2g}; it takes "
            f"{PAIRS_FOR_FIVE_PERCENT}"
        )


def _power(
    pilot: StudyFacts, spec: StudySpec, found: Deviation, difference: float, comparisons: int
) -> dict[str, Any]:
    """What the deviation of the pilot says of the planned study, in the metric's own numbers."""
    seeds, rope = spec.design.most_seeds(spec), spec.report.rope
    names = ("benchmark", "source", "targets")
    own = pilot.spec.data if pilot.spec else None
    corrected = pairs_needed(found.pooled, difference, power=_POWER, comparisons=comparisons)
    return {
        "pilot": pilot.name,
        "pilot_seeds": found.pairs,
        "pilot_comparisons": found.comparisons,
        "same_data": all(getattr(own, name, None) == getattr(spec.data, name) for name in names),
        "deviation": found.pooled,
        "deviation_low": found.low,
        "deviation_high": found.high,
        "difference": difference,
        "seeds_needed": pairs_needed(found.pooled, difference),
        "seeds_needed_at_most": pairs_needed(found.high, difference),
        "seeds_needed_corrected": corrected,
        "detectable": detectable_difference(found.pooled, seeds, power=_POWER),
        "rope": rope,
        "equivalent_share": None
        if rope is None
        else equivalence_power(found.pooled, seeds, rope=rope),
    }


def _measured(pilot: str, facts: Mapping[str, Any], unit: Unit) -> Iterator[str]:
    """Where the deviation comes from."""
    yield (
        f"  power      in {pilot!r} the standard deviation of the differences, paired over "
        f"{facts['pilot_seeds']} seeds, is {_finely(facts['deviation'], unit)} "
        f"{unit.step} ({plural(facts['pilot_comparisons'], 'comparison')}: "
        f"{_finely(facts['deviation_low'], unit)} to {_finely(facts['deviation_high'], unit)})"
    )
    if not facts["same_data"]:
        yield "  power      its data is not that of this study: take the number as a rough guide"


def _needed(facts: Mapping[str, Any], unit: Unit) -> Iterator[str]:
    """Seeds that the difference takes, and what the planned ones would find."""
    needed, worst = facts["seeds_needed"], facts["seeds_needed_at_most"]
    finds, difference = facts["detectable"], _counted(facts["difference"], unit)
    here = "nothing" if math.isinf(finds) else f"{_finely(finds, unit)} {unit.step} or more"
    if math.isnan(finds):
        here = "an unknown difference, because all differences of a comparison are equal there"
    at_worst = f" ({worst} at the largest standard deviation)" if worst > needed else ""
    yield (
        f"  power      {difference} need {needed} seeds{at_worst} for power {_POWER:g} at "
        f"p < 0.05 in one paired comparison; {facts['seeds']} planned would find {here}"
    )
    if facts["rope"] is not None:
        yield (
            f"  power      groups without a difference would be called equivalent within "
            f"±{_counted(facts['rope'], unit)} in {facts['equivalent_share']:.0%} of such "
            "studies, by one test"
        )
    if facts["comparisons"] > 1:
        yield (
            f"  power      {facts['comparisons']} comparisons are corrected together (Holm): "
            f"where the others show nothing, {difference} need "
            f"{facts['seeds_needed_corrected']} seeds"
        )


def _without_pilot(spec: StudySpec, pilots: Sequence[str]) -> Iterator[str]:
    """What is missing, and how to get it."""
    yield (
        f"  power      unknown: no two configurations of {spec.name!r} have finished at two "
        "seeds or more; run it at a few first (--set 'seeds=[0,1,2]'), or name one with --pilot"
    )
    if pilots:
        yield f"  power      studies of {spec.method} that could be the pilot: {listed(pilots)}"


def _names(engine: Engine, study: str | None) -> list[str]:
    """The studies of a database, or the one asked for."""
    return [str(name) for name in read_studies(engine, study, columns=["study"])["study"]]


def _usable_pilots(engine: Engine | None, spec: StudySpec) -> list[str]:
    """Studies of the method that compare over seeds."""
    if engine is None:
        return []
    studies = read_studies(engine)
    return [
        str(name)
        for name in studies.loc[studies["method"] == spec.method, "study"]
        if _deviation(_pilot(engine, str(name))).comparisons
    ]


def time_forecast(
    database: Database,
    spec: StudySpec,
    *,
    epochs: Mapping[str, int],
    missing: Mapping[str, int],
    at_once: int,
) -> Forecast:
    """How long the trials would take by what earlier ones took.

    Args:
        database: URL or path; None: the default database.
        spec: The planned study.
        epochs: Of the last stage, over all trials left, by method.
        missing: How often each shared stage has to be trained, by its name.
        at_once: Trials at a time.
    """
    if not sum(epochs.values()):
        return Forecast()
    engine = open_if_there(database)
    earlier, studies = _earlier(engine, spec, list(epochs)) if engine else (pd.DataFrame(), [])
    known: dict[tuple[str, str], float] = {
        (row["method"], row["stage"]): float(row["seconds"]) for row in records(earlier)
    }
    unknown = [name for name in epochs if (name, LAST) not in known]
    if unknown:
        line = (
            f"  time       unknown: no trial of {listed(unknown)} on {spec.data.benchmark} has "
            "finished in this database; --probe times a few batches"
        )
        return Forecast([line], {"of": None, "unknown": unknown})
    shared = {stage: seconds for (_, stage), seconds in known.items() if stage != LAST}
    total = sum(count * known[name, LAST] for name, count in epochs.items())
    total += sum(count * shared.get(stage, 0.0) for stage, count in missing.items())
    line = (
        f"  time       about {duration(total)} of trials, {duration(total / at_once)} with "
        f"{at_once} at a time, by the trials of {listed(studies)}; rough where hyperparameters "
        "or the machine differ (--probe)"
    )
    facts = {"of": "trials", "trials_s": total, "wall_s": total / at_once, "studies": studies}
    return Forecast([line], facts)


def _earlier(
    engine: Engine, spec: StudySpec, methods: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """`typical_seconds` of this study where it has trials, else of others on its benchmark."""
    names = _names(engine, None)
    tables: list[pd.DataFrame] = []
    used: list[str] = []
    for name in sorted(names, key=lambda name: name != spec.name):
        own = read_facts(engine, name).spec
        found = {method for table in tables for method in table["method"]}
        left = [method for method in methods if method not in found]
        if not left or own is None or own.data.benchmark != spec.data.benchmark:
            continue
        trials = read_trials(engine, name, states=["COMPLETE"], columns=_OF_TIME)
        table = typical_seconds(trials[trials["method"].isin(left)], read_stages(engine, name))
        if len(table):
            tables.append(table)
            used.append(name)
    empty = pd.DataFrame({"method": [], "stage": [], "seconds": []})
    return pd.concat(tables, ignore_index=True) if tables else empty, used


def _pilot(engine: Engine, study: str) -> StudyView | None:
    """A study's trials as the page sees them; None if nothing in it compares over seeds."""
    if repeated_configurations(engine, study) < 2:
        return None
    trials, facts = read_trials(engine, study), read_facts(engine, study)
    if not facts.spec:
        return None
    none = pd.DataFrame()
    return study_view(StudyData(facts, trials, none, none, none), {})


def _deviation(view: StudyView | None) -> Deviation:
    reference = view.reference or view.chosen if view and view.has_results else None
    if view is None or reference is None:
        return Deviation(0, 0, math.nan, math.nan, math.nan)
    return pooled_deviation(
        compare_to_reference(view.done, reference=reference, targets=view.targets)
    )


def _finely(number: float, unit: Unit) -> str:
    return f"{number * unit.scale:.2f}"


def _counted(difference: float, unit: Unit) -> str:
    return f"{difference * unit.scale:g} {unit.step}".strip()
