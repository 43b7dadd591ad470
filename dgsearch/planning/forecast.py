"""What is to be expected of a planned study: its power at so many seeds, and its time.

Both come from what trials of the database have shown: nothing is assumed. `dgsearch plan`
prints the lines.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence

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

__all__ = ["power_lines", "time_lines"]

Database = str | os.PathLike[str] | None
_POWER = 0.8
_OF_TIME = ("trial_number", "method", "state", "attempt", "epochs", "wall_s")


def power_lines(
    database: Database,
    spec: StudySpec,
    *,
    points: float,
    pilot: str | None = None,
    comparisons: int = 1,
) -> Iterator[str]:
    """How many seeds a difference needs, as lines of `dgsearch plan`.

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
    if seeds < PAIRS_FOR_FIVE_PERCENT:
        yield (
            f"  power      {plural(seeds, 'seed')} cannot reach p < 0.05, however large the "
            f"difference: the smallest sign-flip p is {smallest_sign_flip_p(seeds):.2g}; it takes "
            f"{PAIRS_FOR_FIVE_PERCENT}"
        )
    engine = open_if_there(database) if pilot is None else open_for_reading(database)
    names = set(read_studies(engine, pilot)["study"]) if engine is not None else set()
    known = engine is not None and (pilot or spec.name) in names
    view = _pilot(engine, pilot or spec.name) if engine is not None and known else None
    found = _deviation(view)
    if view is None or not found.comparisons:
        if pilot:
            raise ReportError(
                f"study {pilot!r} is no pilot: it needs two configurations or more that have "
                "finished at the same two seeds or more; let it run on, or name another --pilot"
            )
        yield from _without_pilot(engine, spec)
        return
    yield from _measured(view.facts, spec, found, view.unit)
    unit = view.unit
    difference = points / unit.scale
    yield _needed(found, difference, seeds, unit)
    if spec.report.rope is not None:
        share = equivalence_power(found.pooled, seeds, rope=spec.report.rope)
        yield (
            f"  power      groups without a difference would be called equivalent within "
            f"±{_counted(spec.report.rope, unit)} in {share:.0%} of such studies, by one test"
        )
    if comparisons > 1:
        needed = pairs_needed(found.pooled, difference, power=_POWER, comparisons=comparisons)
        yield (
            f"  power      {comparisons} comparisons are corrected together (Holm): where the "
            f"others show nothing, {_counted(difference, unit)} need {needed} seeds"
        )


def _measured(pilot: StudyFacts, spec: StudySpec, found: Deviation, unit: Unit) -> Iterator[str]:
    """Where the deviation comes from."""
    yield (
        f"  power      in {pilot.name!r} the standard deviation of the differences, paired over "
        f"{found.pairs} seeds, is {_finely(found.pooled, unit)} {unit.step} "
        f"({plural(found.comparisons, 'comparison')}: {_finely(found.low, unit)} to "
        f"{_finely(found.high, unit)})"
    )
    names = ("benchmark", "source", "targets")
    own = pilot.spec.data if pilot.spec else None
    if any(getattr(own, name, None) != getattr(spec.data, name) for name in names):
        yield "  power      its data is not that of this study: take the number as a rough guide"


def _needed(found: Deviation, difference: float, seeds: int, unit: Unit) -> str:
    """Seeds that the difference takes, and what the planned ones would find."""
    needed = pairs_needed(found.pooled, difference)
    worst = pairs_needed(found.high, difference)
    finds = detectable_difference(found.pooled, seeds, power=_POWER)
    here = "nothing" if math.isinf(finds) else f"{_finely(finds, unit)} {unit.step} or more"
    at_worst = f" ({worst} at the largest standard deviation)" if worst > needed else ""
    return (
        f"  power      {_counted(difference, unit)} need {needed} seeds{at_worst} for power "
        f"{_POWER:g} at p < 0.05 in one paired comparison; {seeds} planned would find {here}"
    )


def _without_pilot(engine: Engine | None, spec: StudySpec) -> Iterator[str]:
    """What is missing, and how to get it."""
    yield (
        f"  power      unknown: no two configurations of {spec.name!r} have finished at two "
        "seeds or more; run it at a few first (--set 'seeds=[0,1,2]'), or name one with --pilot"
    )
    if engine is None:
        return
    studies = read_studies(engine)
    usable = [
        str(name)
        for name in studies.loc[studies["method"] == spec.method, "study"]
        if _deviation(_pilot(engine, str(name))).comparisons
    ]
    if usable:
        yield f"  power      studies of {spec.method} that could be the pilot: {listed(usable)}"


def time_lines(
    database: Database,
    spec: StudySpec,
    *,
    epochs: Mapping[str, int],
    missing: Mapping[str, int],
    at_once: int,
) -> Iterator[str]:
    """How long the trials would take by what earlier ones took, as lines of `dgsearch plan`.

    Args:
        database: URL or path; None: the default database.
        spec: The planned study.
        epochs: Of the last stage, over all trials left, by method.
        missing: How often each shared stage has to be trained, by its name.
        at_once: Trials at a time.
    """
    if not sum(epochs.values()):
        return
    engine = open_if_there(database)
    earlier, studies = _earlier(engine, spec, list(epochs)) if engine else (pd.DataFrame(), [])
    known: dict[tuple[str, str], float] = {
        (row["method"], row["stage"]): float(row["seconds"]) for row in records(earlier)
    }
    unknown = [name for name in epochs if (name, LAST) not in known]
    if unknown:
        yield (
            f"  time       unknown: no trial of {listed(unknown)} on {spec.data.benchmark} has "
            "finished in this database; --probe times a few batches"
        )
        return
    shared = {stage: seconds for (_, stage), seconds in known.items() if stage != LAST}
    total = sum(count * known[name, LAST] for name, count in epochs.items())
    total += sum(count * shared.get(stage, 0.0) for stage, count in missing.items())
    yield (
        f"  time       about {duration(total)} of trials, {duration(total / at_once)} with "
        f"{at_once} at a time, by the trials of {listed(studies)}; rough where hyperparameters "
        "or the machine differ (--probe)"
    )


def _earlier(
    engine: Engine, spec: StudySpec, methods: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """`typical_seconds` of this study where it has trials, else of others on its benchmark."""
    names = [str(name) for name in read_studies(engine)["study"]]
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
