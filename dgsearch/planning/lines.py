"""What `dgsearch plan` says, line by line: trials, stages, power, and time or cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dgsearch.database.connection import answering, database_url
from dgsearch.database.masking import masked
from dgsearch.planning.forecast import Forecast, power_forecast, time_forecast
from dgsearch.planning.graphs import recorded_stages
from dgsearch.planning.informed import warm_start
from dgsearch.planning.remaining import Remaining, remaining
from dgsearch.planning.slots import trials_at_once
from dgsearch.planning.without_torch import KnownStudy
from dgsearch.runner.options import RunOptions
from dgsearch.study.plan import StudyPlan


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command was asked for.

    Attributes:
        probe: Time a few batches instead of taking the time from earlier trials.
        difference: That the study is to detect, in percentage points of the accuracy or in the
            unit of the metric that selects.
        pilot: Study in the database that gives the deviation over seeds; None: this one.
    """

    probe: bool = False
    difference: float = 1.0
    pilot: str | None = None


@dataclass(frozen=True)
class PlanAnswer:
    """What the command says.

    Attributes:
        lines: To print.
        facts: The same for a program.
    """

    lines: Sequence[str]
    facts: Mapping[str, Any]


class _Forecasts(NamedTuple):
    lines: Sequence[str]
    power: Forecast
    time: Forecast


def plan_answer(
    plan: StudyPlan,
    options: RunOptions,
    asked: Asked,
    *,
    known: KnownStudy | None = None,
) -> PlanAnswer:
    """What running a study would do, and what it would take.

    Args:
        plan: The study, compiled.
        options: Say where the database and the stored stages are.
        asked: What is asked besides.
        known: What is known of the study without torch; None: torch is imported.

    Raises:
        DgsearchError: If the database cannot be read, holds another study of that name, or has
            no such pilot.
        SamplerError: If a search cannot be started from the study that `warm_start` names.
    """
    with answering(database_url(options.database)):
        informed = warm_start(plan, options)
        found = remaining(plan, options, known=known)
    at_once = trials_at_once(plan.spec)
    recorded = recorded_stages(plan)
    outlook = _outlook(found, options, asked, at_once)
    lines = [
        *_head(plan, options),
        *([informed.line] if informed else []),
        _trial_line(found),
        *(need.line for need in found.needs),
        *(cohorts.line for cohorts in found.together),
        *([recorded.line] if recorded else []),
        *outlook.lines,
    ]
    answer = {
        "study": plan.spec.name,
        "question": plan.spec.question,
        "database": masked(database_url(options.database)),
        "trials": {
            "planned": len(found.trials),
            "ended": found.ended,
            "most": plan.most_trials,
            "of": found.kinds,
        },
        "warm_start": informed._asdict() if informed else None,
        "stages": [need._asdict() for need in found.needs],
        "last_stages": [cohorts._asdict() for cohorts in found.together],
        "graphs": recorded._asdict() if recorded else None,
        "epochs_left": dict(found.epochs),
        "at_once": at_once,
        "comparisons": found.comparisons,
        "power": outlook.power.facts,
        "time": outlook.time.facts,
        "remarks": [" ".join(line.split()) for line in outlook.lines],
    }
    return PlanAnswer(lines, answer)


def _head(plan: StudyPlan, options: RunOptions) -> Iterator[str]:
    """What is asked, and how many trials there will be where that is not known beforehand."""
    spec = plan.spec
    yield f"{spec.name}: {spec.question}" if spec.question else spec.name
    yield f"  database   {masked(database_url(options.database))}"
    least, most = len(plan.trials), plan.most_trials
    for heading, text in spec.design.outlook(spec, least=least, most=most):
        yield f"  {heading:10} {text}"


def _trial_line(found: Remaining) -> str:
    """How many trials there are, of what, and how many have ended."""
    counted = ", ".join(
        f"{count} of {kind}{'s' * (count != 1)}" for kind, count in found.kinds.items()
    )
    return f"  trials     {len(found.trials)} planned: {counted}; {found.ended} have ended"


def _outlook(found: Remaining, options: RunOptions, asked: Asked, at_once: int) -> _Forecasts:
    """Power, and time by earlier trials or, where it is asked for, by a few batches."""
    spec = found.plan.spec
    probed = None
    if asked.probe:
        from dgsearch.planning.probe import cost_forecast  # imports torch

        probed = cost_forecast(spec, found.left, found.missing)
    power = power_forecast(
        options.database,
        spec,
        points=asked.difference,
        pilot=asked.pilot,
        comparisons=found.comparisons,
    )
    if probed is not None:
        return _Forecasts([*probed.lines, *power.lines], power, probed)
    time = time_forecast(
        options.database,
        spec,
        epochs=found.epochs,
        missing=found.missing,
        at_once=at_once,
    )
    return _Forecasts([*power.lines, *time.lines], power, time)
