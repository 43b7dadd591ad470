"""What an accelerator gives: one JSON of ratios, each measured in this run.

- packed: k trials at a time on one device, against the same trials one after another;
- resident: an epoch with images kept on the device, against one fed by a `DataLoader`;
- bf16: an epoch in float32, against one under autocast to bfloat16;
- mpbm, augkd: an epoch of the last stage by image, against plain training of the same network.

Needs PyTorch, torchvision, and of dgsearch what neither Ray nor a database belongs to. It runs on
a CPU too, where its figures mean little.

Usage: python tests/benchmarks/gpu_bench.py [-o build/gpu-bench.json] [--small]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import multiprocessing
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Resize, ToTensor

from dgsearch.data.splits import SOURCE_TRAIN, TARGET_TRAIN, TrialData, load_trial_data
from dgsearch.methods.base import StageContext, StageRun, Values
from dgsearch.methods.networks import build_network
from dgsearch.methods.registry import find_method
from dgsearch.study import DataSpec

CLASSES = 8


@dataclass(frozen=True)
class Scale:
    """How much is done.

    Attributes:
        images: Of the source; the target has as many.
        size: H = W in pixels.
        batch: Images a step.
        network: Of every method.
        trials: k, how many are packed.
        repeat: Measured epochs; their median counts.
    """

    images: int = 4096
    size: int = 64
    batch: int = 64
    network: str = "resnet18"
    trials: int = 4
    repeat: int = 5


SMALL = Scale(images=48, size=16, batch=16, network="convnet-student", trials=2, repeat=1)


def device() -> torch.device:
    """The accelerator, or the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


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


def load(root: Path, scale: Scale, *, student: bool) -> TrialData:
    """The made folder as a trial's data, on the device."""
    spec = DataSpec(
        benchmark="folder",
        source=("one",),
        targets=("two",),
        root=str(root),
        image_size=scale.size,
        student_images=scale.images // 2,
        student_validation=scale.images // 8,
    )
    return load_trial_data(spec, seed=0, device=device(), one_target=student)


def last_run(method: str, data: TrialData, scale: Scale, **values: Any) -> StageRun:
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
        **values,
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
                seed=0,
                num_classes=data.num_classes,
                image_size=data.image_size,
                device=device(),
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
    if device().type == "cuda":
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


def precision_ratio(root: Path, scale: Scale) -> dict[str, float]:
    """Float32 against bf16."""
    data = load(root, scale, student=False)
    runs = {name: last_run("erm", data, scale, precision=name) for name in ("float32", "bf16")}
    took = alternately({name: epochs(run) for name, run in runs.items()}, scale.repeat)
    return {"speedup": took["float32"] / took["bf16"]}


def method_ratios(root: Path, scale: Scale) -> dict[str, dict[str, float]]:
    """Seconds by image of a method's last stage, against plain training."""
    single, student = load(root, scale, student=False), load(root, scale, student=True)
    runs = {
        "erm": last_run("erm", single, scale),
        "mpbm": last_run("mpbm", single, scale),
        "augkd": last_run("augkd", student, scale),
    }
    took = alternately({name: epochs(run) for name, run in runs.items()}, scale.repeat)
    source = len(single.splits[SOURCE_TRAIN])
    images = {"erm": source, "mpbm": source, "augkd": len(student.splits[TARGET_TRAIN])}
    each = {name: took[name] / images[name] for name in runs}
    return {name: {"cost": each[name] / each["erm"]} for name in ("mpbm", "augkd")}


def loader_epoch(loader: Any, network: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """An epoch of plain training as it is usually written."""
    network.train()
    for images, labels in loader:
        loss = F.cross_entropy(network(images.to(device())), labels.to(device()))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()


def resident_ratio(root: Path, scale: Scale) -> dict[str, float]:
    """A `DataLoader` with 2 workers against images on the device, by image."""
    data = load(root, scale, student=False)
    run = last_run("erm", data, scale)
    transform = Compose([Resize((scale.size, scale.size)), ToTensor()])
    dataset = ImageFolder(str(root / "one"), transform)
    loader: Any = DataLoader(dataset, batch_size=scale.batch, shuffle=True, num_workers=2)
    network = build_network(
        scale.network, num_classes=CLASSES, image_size=scale.size, seed=0, device=device()
    )
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)
    calls = {
        "resident": epochs(run),
        "loader": lambda: loader_epoch(loader, network, optimiser),
    }
    took = alternately(calls, scale.repeat)
    images = {"resident": len(data.splits[SOURCE_TRAIN]), "loader": len(dataset)}
    each = {name: took[name] / images[name] for name in calls}
    return {"speedup": each["loader"] / each["resident"]}


def packed_trial(_: int, root: str, scale: Scale, together: Any, took: Any) -> None:
    """One of several trials in processes of their own; all begin together."""
    torch.set_num_threads(1)
    run = last_run("erm", load(Path(root), scale, student=False), scale)
    seconds(epochs(run))
    together.wait()
    started = time.perf_counter()
    for _epoch in range(scale.repeat):
        seconds(epochs(run))
    took.put((started, time.perf_counter()))


def packed_wall(root: Path, scale: Scale, trials: int) -> float:
    """Seconds from the common begin to the last end of so many trials at a time."""
    context = multiprocessing.get_context("spawn")
    together, took = context.Barrier(trials), context.SimpleQueue()
    multiprocessing.spawn(packed_trial, (str(root), scale, together, took), nprocs=trials)
    marks = [took.get() for _ in range(trials)]
    return max(end for _, end in marks) - min(start for start, _ in marks)


def packed_ratio(root: Path, scale: Scale) -> dict[str, float]:
    """Trials one after another against all at a time."""
    alone = packed_wall(root, scale, 1)
    together = packed_wall(root, scale, scale.trials)
    return {"trials": scale.trials, "speedup": scale.trials * alone / together}


def measure(root: Path, scale: Scale) -> dict[str, Any]:
    """Every ratio, and on what it was measured."""
    cuda = device().type == "cuda"
    facts = {
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "torch": torch.__version__,
        "scale": vars(scale),
    }
    ratios: dict[str, Any] = {"packed": packed_ratio(root, scale)}
    ratios["resident"] = resident_ratio(root, scale)
    ratios["bf16"] = precision_ratio(root, scale)
    ratios |= method_ratios(root, scale)
    if cuda:
        facts["peak_memory_mb"] = torch.cuda.max_memory_allocated() / 1e6
    return facts | {"ratios": ratios}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/gpu-bench.json"))
    parser.add_argument("--small", action="store_true", help="a few seconds, to see that it runs")
    arguments = parser.parse_args()
    scale = SMALL if arguments.small else Scale()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DGSEARCH_CACHE"] = str(Path(folder) / "cache")
        root = Path(folder) / "data"
        write_images(root, scale)
        found = json.dumps(measure(root, scale), indent=1)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(found + "\n", encoding="utf-8")
    print(found)


if __name__ == "__main__":
    main()
