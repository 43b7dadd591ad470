"""What the figures of an accelerator are measured on: made images, runs of stages, a clock.

Needs PyTorch, numpy, and what `tests/benchmarks/carried.py` carries.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from dgsearch.data.splits import TrialData, load_trial_data
from dgsearch.methods.base import StageContext, StageRun, Values
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

    @classmethod
    def tiny(cls, device: str) -> Scale:
        """A few seconds, to see that it runs."""
        return cls(device, 32, 16, 16, "convnet-small", (1,), (2,), 1, compiled=False)

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


def last_run(method: str, data: TrialData, scale: Scale, *, seed: int = 0, **own: Any) -> StageRun:
    """The last stage of a method after one epoch of each stage before it."""
    found = find_method(method)
    wanted: Mapping[str, Any] = {
        "network": scale.network,
        "teacher_network": scale.network,
        "student_network": scale.network,
        "batch_size": scale.batch,
        "generated_batch": scale.batch,
        "generator_steps": 2,
        "student_steps": 1,
        "a": 100.0,  # the ramp stays below 1: every epoch makes mixed images
        **own,
    }
    resolved = found.space.resolve({k: v for k, v in wanted.items() if k in found.space})
    stages = found.stages(resolved)
    products: dict[str, Any] = {}
    for stage in stages:
        run = stage.start(
            StageContext(
                values=Values(stage.values_of(resolved), stage=stage.name, reads=stage.reads),
                splits=data.only(stage.splits, reader=stage.name),
                products=products,
                seed=seed,
                num_classes=data.num_classes,
                image_size=data.image_size,
                device=scale.place,
            )
        )
        if stage is not stages[-1]:
            run.train_epoch(1)
            products[stage.name] = run.product()
    return run


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes until the device is done."""
    started = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def alternately(calls: Mapping[str, Callable[[], object]], repeat: int) -> dict[str, float]:
    """Median seconds of each call, taken in turns after one that warms up."""
    for call in calls.values():
        seconds(call)
    rounds = [{name: seconds(call) for name, call in calls.items()} for _ in range(repeat)]
    return {name: statistics.median(row[name] for row in rounds) for name in calls}


def epochs(run: StageRun) -> Callable[[], object]:
    """A call that trains one epoch."""
    return lambda: run.train_epoch(1)


def weights(run: Any) -> list[torch.Tensor]:
    """Parameters and buffers of the classifier that a run trains, on the CPU."""
    return [tensor.detach().cpu().clone() for tensor in run.classifier().state_dict().values()]
