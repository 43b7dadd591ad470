"""What a study would cost: each stage of each method timed on a few batches of its own data.

The first configuration of a method stands for all of them, and one short epoch for every epoch;
so the estimate is rough where hyperparameters such as T are varied.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import cast

import torch

from dgsearch.data.splits import (
    SOURCE_VALIDATION,
    TARGET_TEST,
    TARGET_VALIDATION,
    TrialData,
    load_trial_data,
)
from dgsearch.designs.points import PlannedTrial
from dgsearch.methods.base import HasClassifier, Product, Stage
from dgsearch.methods.registry import find_method
from dgsearch.planning.forecast import Forecast
from dgsearch.planning.slots import trials_at_once
from dgsearch.space import Value
from dgsearch.study import StudySpec
from dgsearch.trainable.companions import stage_context
from dgsearch.trainable.evaluation import evaluate
from dgsearch.wording import short_duration

_BATCHES = 2  # so many of the largest batch are trained on
_REPEATED, _QUICK_S = 3, 3.0  # the first call warms up; at most so often, and so long
_STEPS = "generator_steps"  # what an epoch of data-free stages counts, not images


@dataclass(frozen=True)
class StageCost:
    """What a stage takes on this machine.

    Attributes:
        stage: Its name.
        epochs: Of a whole trial.
        epoch_s: Seconds of one, with the evaluation after it where it is the last stage.
    """

    stage: str
    epochs: int
    epoch_s: float

    @property
    def seconds(self) -> float:
        """Of all epochs."""
        return self.epochs * self.epoch_s


def cost_forecast(
    spec: StudySpec, trials: Sequence[PlannedTrial], missing: Mapping[str, int]
) -> Forecast:
    """What the trials would cost, by a few batches of each stage.

    Args:
        spec: The study.
        trials: Those that have still to run.
        missing: How often each shared stage has to be trained, by its name.
    """
    if not trials:
        return Forecast(["  cost       no trial that is known beforehand is left to run"])
    started = time.perf_counter()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    methods: dict[str, list[StageCost]] = {}
    for trial in trials:
        name = trial.configuration.method
        if name not in methods:
            methods[name] = list(probe_stages(spec, trial, device))
    last = sum(methods[trial.configuration.method][-1].seconds for trial in trials)
    known = {cost.stage: cost.seconds for costs in methods.values() for cost in costs[:-1]}
    shared = sum(count * known.get(stage, 0.0) for stage, count in missing.items())
    at_once, total = trials_at_once(spec), last + shared
    facts = {
        "of": "probe",
        "trials_s": total,
        "wall_s": total / at_once,
        "device": _name(device),
        "stages": [
            {"method": name, **asdict(cost)} for name, costs in methods.items() for cost in costs
        ],
    }
    lines = [f"  cost       {name}: {_parts(costs)}" for name, costs in methods.items()]
    lines.append(
        f"  cost       about {short_duration(total)} of trials, "
        f"{short_duration(total / at_once)} with {at_once} at a time; probed on "
        f"{_name(device)} in {short_duration(time.perf_counter() - started)}"
    )
    return Forecast(lines, facts)


def _parts(costs: Sequence[StageCost]) -> str:
    return ", ".join(
        f"{cost.stage} {cost.epochs} x {short_duration(cost.epoch_s)}" for cost in costs
    )


def probe_stages(
    spec: StudySpec, trial: PlannedTrial, device: torch.device
) -> Iterator[StageCost]:
    """Time every stage of a trial on a few batches.

    Args:
        spec: The study.
        trial: Whose hyperparameters and seed are used.
        device: Where to train.
    """
    method = find_method(trial.configuration.method)
    values = trial.configuration.values
    whole = load_trial_data(
        spec.data, seed=trial.seed, device=device, one_target=method.one_target
    )
    largest = max(int(value) for name, value in values.items() if name.endswith("batch_size"))
    small = _shortened(whole, _BATCHES * largest)
    products: dict[str, Product] = {}
    stages = method.stages(values)
    short = {**values, **({_STEPS: 1} if _STEPS in values else {})}
    for stage in stages:
        context = stage_context(
            stage, short, seed=trial.seed, data=small, products=products, device=device
        )
        run = stage.start(context)
        epoch_s = 0.0
        if run.epochs:
            epoch_s = _seconds(partial(run.train_epoch, 1), device)
            epoch_s *= _share(stage, values, whole, small)
        if stage is stages[-1]:
            network = cast(HasClassifier, run).classifier()
            judge = partial(
                evaluate,
                network,
                small.splits,
                spec.data,
                num_classes=small.num_classes,
                metrics=spec.recorded,
            )
            looked = _seconds(judge, device)
            epoch_s += looked * _judged(whole) / _judged(small)
        products[stage.name] = run.product()
        yield StageCost(stage.name, run.epochs, epoch_s)


def _shortened(data: TrialData, images: int) -> TrialData:
    """The same splits with so many images at most."""
    return replace(data, splits={name: split.first(images) for name, split in data.splits.items()})


def _share(stage: Stage, values: Mapping[str, Value], whole: TrialData, small: TrialData) -> float:
    """How much longer an epoch is than the one that was timed."""
    if _STEPS in stage.reads:
        return float(values[_STEPS])
    if not stage.splits:
        return 1.0
    name = stage.splits[0]
    return len(whole.splits[name]) / len(small.splits[name])


def _judged(data: TrialData) -> int:
    """Images that an evaluation looks at."""
    return sum(
        len(split)
        for name, split in data.splits.items()
        if name in (SOURCE_VALIDATION, TARGET_VALIDATION) or name.startswith(TARGET_TEST)
    )


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    """The least of a few calls; a slow one is not repeated."""
    measured: list[float] = []
    while len(measured) < _REPEATED and sum(measured) < _QUICK_S:
        started = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        measured.append(time.perf_counter() - started)
    return min(measured)


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"the CPU with {threads} thread{'s' * (threads != 1)} a trial"
