"""What the command line does with a study file: run it, or say what running it would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import torch
from sqlalchemy import Engine, select

from dgsearch.data.splits import load_trial_data
from dgsearch.database.connection import answering, database_url, masked, open_if_there
from dgsearch.database.identity import find_takeover
from dgsearch.database.studies import Attempt, attempts, check_unchanged
from dgsearch.database.tables import STUDIES
from dgsearch.designs.points import PlannedTrial
from dgsearch.methods.registry import catalogue, find_method
from dgsearch.runner.ended import StoredEnds
from dgsearch.runner.environment import study_facts
from dgsearch.runner.options import Outcome, RunOptions
from dgsearch.runner.probe import cost_lines, trials_at_once
from dgsearch.runner.retries import is_open
from dgsearch.runner.tune import run_study
from dgsearch.study import Retries, StudySpec
from dgsearch.study import load_study as load_with
from dgsearch.study.plan import methods_of, plan_trials, planned_total
from dgsearch.trainable.keys import Numerics, stage_keys
from dgsearch.trainable.store import Store
from dgsearch.wording import plural

__all__ = ["Plan", "load_study", "plan_file", "run_file"]


def load_study(path: str | Path, *, overrides: Sequence[str] = ()) -> StudySpec:
    """Read a study file and check it against the installed methods and benchmarks.

    Args:
        path: A TOML file.
        overrides: `KEY=VALUE` pairs that replace entries of the file.

    Raises:
        StudyFileError: With every problem of the file.
    """
    return load_with(path, catalogue(), overrides=overrides)


def run_file(path: Path, options: RunOptions, *, overrides: Sequence[str]) -> Outcome:
    """Run what is left of the study in a file."""
    spec = load_study(path, overrides=overrides)
    text = path.read_text(encoding="utf-8")
    changed = "".join(f"# --set {override}\n" for override in overrides)
    return run_study(spec, options, study_file=text + changed)


@dataclass(frozen=True)
class Plan:
    """What running a study would do.

    Attributes:
        spec: The study.
        lines: To print.
        facts: The same for a program.
        epochs: Of the last stage, over all trials that are left, by method.
        missing: How often each shared stage has to be trained; proposals of a search not counted.
        at_once: Trials that this machine runs at a time.
        comparisons: With the reference, which the page corrects together; 1 where they are not
            known beforehand, or corrected otherwise.
    """

    spec: StudySpec
    lines: Sequence[str]
    facts: Mapping[str, Any]
    epochs: Mapping[str, int]
    missing: Mapping[str, int]
    at_once: int
    comparisons: int


def plan_file(
    path: Path, options: RunOptions, *, overrides: Sequence[str], probe: bool = False
) -> Plan:
    """What running the file would do; with `probe` also what it would cost.

    Raises:
        StudyFileError: With every problem of the file.
        DatabaseError: If the database cannot be read.
    """
    spec = load_study(path, overrides=overrides)
    with answering(database_url(options.database)):
        return _plan(spec, options, probe=probe)


def _plan(spec: StudySpec, options: RunOptions, *, probe: bool) -> Plan:
    spaces = {name: find_method(name).space for name in methods_of(spec)}
    trials = plan_trials(spec, spaces)
    engine, total = open_if_there(options.database), planned_total(spec, spaces)
    earlier = _attempts_of(spec, engine) if engine else {}
    lines = list(_head(spec, options, least=len(trials), most=total))
    study_id = _study_row(engine, spec.name) if engine else None
    if engine and earlier and study_id is not None:
        ends = StoredEnds(engine, study_id, spec)
        trials = list(spec.design.planned_after(spec, spaces, ends))
    done = {key for key, attempt in earlier.items() if _ended(attempt, spec.retries)}
    left = [trial for trial in trials if trial.key not in done]
    kinds = Counter(spec.design.counted_as(trial) for trial in trials)
    ended = len(trials) - len(left)
    lines.append(f"  trials     {len(trials)} planned: {_counted(kinds)}; {ended} have ended")
    needs = _stage_needs(spec, trials, options)
    lines += map(_stage_line, needs)
    missing = {need.stage: need.missing for need in needs}
    costs = list(cost_lines(spec, left, missing)) if probe else []
    lines += costs
    epochs: Counter[str] = Counter()
    for trial in left:
        epochs[trial.configuration.method] += int(trial.configuration.values["epochs"])
    if spec.design.proposals:
        proposals = total - len(trials) - len(done - {trial.key for trial in trials})
        each = int(spaces[spec.method].resolve(spec.hyperparameters)["epochs"])
        epochs[spec.method] += max(0, proposals) * each
    at_once, comparisons = trials_at_once(spec), spec.design.comparisons(spec, trials)
    facts = {
        "study": spec.name,
        "question": spec.question,
        "database": masked(database_url(options.database)),
        "trials": {"planned": len(trials), "ended": ended, "most": total, "of": dict(kinds)},
        "stages": [need._asdict() for need in needs],
        "epochs_left": dict(epochs),
        "at_once": at_once,
        "comparisons": comparisons,
        "remarks": costs,
    }
    return Plan(spec, lines, facts, epochs, missing, at_once, comparisons)


def _head(spec: StudySpec, options: RunOptions, *, least: int, most: int) -> Iterator[str]:
    """What is asked, and how many trials there will be where that is not known beforehand."""
    yield f"{spec.name}: {spec.question}" if spec.question else spec.name
    yield f"  database   {masked(database_url(options.database))}"
    for heading, text in spec.design.outlook(spec, least=least, most=most):
        yield f"  {heading:10} {text}"


def _ended(attempt: Attempt, retries: Retries) -> bool:
    """Whether a run would leave it as it is; what runs now is not counted."""
    return attempt.stop_reason is not None and not is_open(attempt, retries)


def _study_row(engine: Engine, name: str) -> int | None:
    """Row of a study in the database; None where it has none."""
    with engine.connect() as connection:
        query = select(STUDIES.c.study_id).where(STUDIES.c.study_name == name)
        found: int | None = connection.scalar(query)
    return found


def _attempts_of(spec: StudySpec, engine: Engine) -> dict[tuple[str, int], Attempt]:
    """What the database has of the study."""
    study_id = _study_row(engine, spec.name)
    if study_id is None:
        return {}
    facts = study_facts(spec, "", planned=0)
    check_unchanged(engine, study_id, spec, facts)
    takeover = find_takeover(engine, spec.name, spec.model_dump(mode="json"), facts)
    found = {
        (takeover.config_id(config_id), seed): attempt
        for (config_id, seed), attempt in attempts(engine, study_id).items()
    }
    return {(name, seed): attempt for (name, seed), attempt in found.items() if name is not None}


class _StageNeed(NamedTuple):
    """A shared stage: how many trials need it, and how often it is trained for them."""

    stage: str
    needed: int
    missing: int
    stored: int


def _stage_needs(
    spec: StudySpec, trials: list[PlannedTrial], options: RunOptions
) -> list[_StageNeed]:
    """Each shared stage that the trials need, in the order in which they need it."""
    torch.set_num_threads(max(1, int(spec.resources.cpus)))
    store = Store(options.artifacts_folder / "stages")
    cpu = torch.device("cpu")
    numerics = Numerics.current(cpu)
    one_target = find_method(spec.method).one_target  # the same for every method of a study
    data = {
        seed: load_trial_data(spec.data, seed=seed, device=cpu, one_target=one_target)
        for seed in dict.fromkeys(trial.seed for trial in trials)
    }
    needed: Counter[str] = Counter()  # trials, by stage
    keys: dict[str, set[str]] = {}
    known: dict[tuple[Any, ...], dict[str, str]] = {}  # trials that agree have the same keys
    for _, group in groupby(trials, key=lambda trial: id(trial.configuration)):
        same = list(group)
        values = same[0].configuration.values
        stages = find_method(same[0].configuration.method).stages(values)[:-1]
        read = tuple((stage.name, *stage.values_of(values).items()) for stage in stages)
        for seed in (trial.seed for trial in same):
            if (found := known.get((read, seed))) is None:
                found = known[read, seed] = stage_keys(
                    stages, values, seed=seed, data=data[seed], numerics=numerics
                )
            for name, key in found.items():
                needed[name] += 1
                keys.setdefault(name, set()).add(key)
    needs = []
    for name, distinct in keys.items():
        stored = sum(store.holds(key) for key in distinct)
        needs.append(_StageNeed(name, needed[name], len(distinct) - stored, stored))
    return needs


def _stage_line(need: _StageNeed) -> str:
    return (
        f"  stage      {need.stage}: needed {plural(need.needed, 'time')}, trained "
        f"{plural(need.missing, 'time')} ({need.stored} stored)"
    )


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} of {kind}{'s' * (count != 1)}" for kind, count in kinds.items())
