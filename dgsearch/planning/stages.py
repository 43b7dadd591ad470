"""The shared stages that trials need, and which of them are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from typing import Any

import torch

from dgsearch.data.splits import load_trial_data
from dgsearch.designs.points import PlannedTrial
from dgsearch.methods.registry import find_method
from dgsearch.planning.needs import LastCohorts, StageNeed
from dgsearch.planning.slots import trials_at_once
from dgsearch.runner.declarations import is_drawn
from dgsearch.runner.fusing import Fusing, Room, last_stage
from dgsearch.runner.keeping import split_facts
from dgsearch.runner.kept_declarations import keep_splits
from dgsearch.runner.options import RunOptions
from dgsearch.study import StudySpec
from dgsearch.trainable.keys import Numerics, stage_keys
from dgsearch.trainable.store import Store


def last_cohorts(spec: StudySpec, left: Iterable[PlannedTrial]) -> list[LastCohorts]:
    """The last stages that trials which are left train together; none where nothing is fused."""
    fusing = _fusing_of(spec)
    if fusing is None:
        return []
    programs: dict[str, Counter[str]] = {}
    for trial in left:
        program = fusing.last_program(trial)
        if program is not None:
            programs.setdefault(last_stage(trial), Counter())[program] += 1
    return [
        LastCohorts(name, sum(counts.values()), sum(map(fusing.cohorts, counts.values())))
        for name, counts in programs.items()
    ]


def _fusing_of(spec: StudySpec) -> Fusing | None:
    """How stages are fused where as many trials run at a time as are planned to; None: not."""
    fuse = spec.resources.fuse
    room = Room("cpu", trials_at_once(spec))
    return None if fuse == "off" else Fusing(fuse, lambda: room)


def stage_needs(
    spec: StudySpec, trials: Sequence[PlannedTrial], options: RunOptions
) -> list[StageNeed]:
    """Each shared stage that the trials need, in the order in which they need it."""
    torch.set_num_threads(max(1, int(spec.resources.cpus)))
    store = Store(options.artifacts_folder / "stages")
    cpu = torch.device("cpu")
    numerics = Numerics.current(cpu, fuse=spec.resources.fuse)
    together = _Together(spec)
    one_target = find_method(spec.method).one_target  # the same for every method of a study
    data = {
        seed: load_trial_data(spec.data, seed=seed, device=cpu, one_target=one_target)
        for seed in dict.fromkeys(trial.seed for trial in trials)
    }
    if is_drawn(spec.data.benchmark):
        kept = {seed: split_facts(own) for seed, own in data.items()}
        keep_splits(spec.data, one_target=one_target, found=kept)
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
            together.note(same[0], found)
            for name, key in found.items():
                needed[name] += 1
                keys.setdefault(name, set()).add(key)
    needs = []
    for name, distinct in keys.items():
        missing = {key for key in distinct if not store.holds(key)}
        stored, cohorts = len(distinct) - len(missing), together.cohorts(name, missing)
        needs.append(StageNeed(name, needed[name], len(missing), stored, cohorts))
    return needs


class _Together:
    """Which stages of a study train in one cohort: those of one program after the same stages."""

    def __init__(self, spec: StudySpec) -> None:
        self._fusing = _fusing_of(spec)
        self._programs: dict[str, dict[tuple[str, ...], set[str]]] = {}

    def note(self, trial: PlannedTrial, keys: Mapping[str, str]) -> None:
        """Hear of a trial and the keys of its shared stages; any seed of its configuration."""
        if self._fusing is None:
            return
        for name, program in self._fusing.programs(trial).items():
            before = (keys[other] for other in self._fusing.before(trial, name))
            programs = self._programs.setdefault(name, {})
            programs.setdefault((program, *before), set()).add(keys[name])

    def cohorts(self, stage: str, missing: AbstractSet[str]) -> int:
        """In how many cohorts the missing ones are trained; 0: it is not fused."""
        programs = self._programs.get(stage)
        if self._fusing is None or programs is None:
            return 0
        return sum(self._fusing.cohorts(len(keys & missing)) for keys in programs.values())
