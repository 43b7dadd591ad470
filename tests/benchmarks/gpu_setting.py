"""What the figures of an accelerator are measured on: made images, runs of stages, a clock.

Needs PyTorch, numpy, and what `tests/benchmarks/carried.py` carries.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from dgsearch.data.splits import TrialData, load_trial_data
from dgsearch.methods.base import Fusable, StageContext, Values
from dgsearch.methods.registry import find_method
from dgsearch.study import DataSpec

CLASSES = 8


@dataclass(frozen=True)
class Scale:
    """How much is done.

    Attributes:
        device: "cuda" or "cpu".
        images: Of the source; the target has as many.
        size: H = W in pixels.
        batch: Images a step.
        network: Of every method.
        packed: How many processes share the device; the best counts.
        fused: K, how many trials are one batched program.
        repeat: Measured epochs; their median counts.
        compiled: Whether `torch.compile` is measured.
        most_s: Seconds after which no further epochs of one comparison begin.
        width: Of AuG-KD's generator and encoder; else their own.
    """

    device: str
    images: int = 4096
    size: int = 32
    batch: int = 64
    network: str = "convnet-small"
    packed: tuple[int, ...] = (1, 2, 4, 8)
    fused: tuple[int, ...] = (8, 32, 128)
    repeat: int = 5
    compiled: bool = True
    most_s: float = 6.0
    width: int | None = None

    @classmethod
    def tiny(cls, device: str) -> Scale:
        """A few seconds, to see that it runs."""
        return cls(
            device,
            images=32,
            size=16,
            batch=8,
            packed=(1, 2),
            fused=(2, 3),
            repeat=1,
            compiled=False,
            width=8,
        )

    @property
    def place(self) -> torch.device:
        """The device as torch knows it."""
        return torch.device(self.device)


def write_images(root: Path, scale: Scale) -> None:
    """Two domains of coloured noise whose colour tells the class."""
    random = np.random.default_rng(0)
    tints = random.integers(0, 200, (CLASSES, 3))
    for domain in ("one", "two"):
        for number in range(scale.images):
            label = number % CLASSES
            folder = root / domain / f"class_{label}"
            folder.mkdir(parents=True, exist_ok=True)
            noise = random.integers(0, 56, (scale.size, scale.size, 3))
            picture = Image.fromarray((noise + tints[label]).astype(np.uint8))
            picture.save(folder / f"{number:06d}.jpg")


def load(root: Path, scale: Scale, *, student: bool = False, seed: int = 0) -> TrialData:
    """The made folder as a trial's data, on the device."""
    spec = DataSpec(
        benchmark="folder",
        source=("one",),
        targets=("two",),
        root=str(root),
        image_size=scale.size,
        student_images=scale.images // 2,
        student_validation=scale.images // 4,
    )
    return load_trial_data(spec, seed=seed, device=scale.place, one_target=student)


def last_runs(
    method: str,
    data: TrialData,
    scale: Scale,
    members: Sequence[Mapping[str, Any]],
    *,
    graphs: bool = False,
) -> list[Any]:
    """Runs of the last stage of a method, behind one epoch of each stage before it.

    Args:
        method: Its name.
        data: Of all members.
        scale: How much is done.
        members: Hyperparameters of each besides the usual ones, and its `seed`. What is before
            the last stage is made once, as the first has it.
        graphs: Whether steps are recorded.
    """
    found = find_method(method)
    widths = ("generator_width", "encoder_width")
    usual: Mapping[str, Any] = {
        **({} if scale.width is None else dict.fromkeys(widths, scale.width)),
        "network": scale.network,
        "teacher_network": scale.network,
        "student_network": scale.network,
        "batch_size": scale.batch,
        "generated_batch": scale.batch,
        "generator_steps": 2,
        "student_steps": 1,
        "a": 100.0,  # the ramp stays below 1: every epoch makes mixed images
    }
    products: dict[str, Any] = {}

    def started(place: int, member: Mapping[str, Any]) -> Any:
        wanted = {k: v for k, v in (usual | dict(member)).items() if k in found.space}
        resolved = found.space.resolve(wanted)
        stage = found.stages(resolved)[place]
        return stage.start(
            StageContext(
                values=Values(stage.values_of(resolved), stage=stage.name, reads=stage.reads),
                splits=data.only(stage.splits, reader=stage.name),
                products=products,
                seed=member.get("seed", 0),
                num_classes=data.num_classes,
                image_size=data.image_size,
                device=scale.place,
                graphs=graphs and stage.graphed,
            )
        )

    stages = found.stages(found.space.resolve({}))
    for place, stage in enumerate(stages[:-1]):
        run = started(place, members[0])
        run.train_epoch(1)
        products[stage.name] = run.product()
    return [started(len(stages) - 1, member) for member in members]


def last_run(method: str, data: TrialData, scale: Scale, **own: Any) -> Any:
    """One such run, with these hyperparameters and `seed`."""
    return last_runs(method, data, scale, [own])[0]


def cohort_of(method: str, runs: Sequence[Any]) -> Any:
    """Such runs as one batched program."""
    fusable = fusable_of(method)
    assert fusable is not None
    return fusable.join(runs)


def fusable_of(method: str) -> Fusable | None:
    """How last stages of a method train together."""
    found = find_method(method)
    return found.stages(found.space.defaults())[-1].fusable


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes until the device is done."""
    started = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def alternately(calls: Mapping[str, Callable[[], object]], scale: Scale) -> dict[str, float]:
    """Median seconds of each call, taken in turns after one that warms up.

    It stops after `scale.repeat` rounds, or with the first that ends after `scale.most_s`.
    """
    for call in calls.values():
        seconds(call)
    began, rounds = time.perf_counter(), []
    while not rounds or (
        len(rounds) < scale.repeat and time.perf_counter() - began < scale.most_s
    ):
        rounds.append({name: seconds(call) for name, call in calls.items()})
    return {name: statistics.median(row[name] for row in rounds) for name in calls}


def epochs(run: Any) -> Callable[[], object]:
    """A call that trains one epoch."""
    return lambda: run.train_epoch(1)


def weights(run: Any) -> list[torch.Tensor]:
    """Parameters and buffers of the classifier that a run trains, on the CPU."""
    return [tensor.detach().cpu().clone() for tensor in run.classifier().state_dict().values()]
