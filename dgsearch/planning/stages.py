"""The shared stages that trials need, and which of them are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import torch

from dgsearch.data.splits import load_trial_data
from dgsearch.designs.points import PlannedTrial
from dgsearch.methods.registry import find_method
from dgsearch.runner.options import RunOptions
from dgsearch.study import StudySpec
from dgsearch.trainable.keys import Numerics, stage_keys
from dgsearch.trainable.store import Store
from dgsearch.wording import plural


class StageNeed(NamedTuple):
    """A shared stage: how many trials need it, and how often it is trained for them."""

    stage: str
    needed: int
    missing: int
    stored: int

    @property
    def line(self) -> str:
        """As `dgsearch plan` prints it."""
        return (
            f"  stage      {self.stage}: needed {plural(self.needed, 'time')}, trained "
            f"{plural(self.missing, 'time')} ({self.stored} stored)"
        )


def stage_needs(
    spec: StudySpec, trials: Sequence[PlannedTrial], options: RunOptions
) -> list[StageNeed]:
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
        needs.append(StageNeed(name, needed[name], len(distinct) - stored, stored))
    return needs
