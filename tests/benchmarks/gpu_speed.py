"""What makes an epoch on an accelerator quicker or dearer; each figure is a ratio of one run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dgsearch.data.splits import SOURCE_TRAIN, TARGET_TRAIN
from dgsearch.methods.networks import build_network
from tests.benchmarks.gpu_setting import CLASSES, Scale, alternately, epochs, last_run, load


def option_ratios(root: Path, scale: Scale) -> dict[str, float]:
    """Float32 as it is against bf16, TF32 and compiled code: above 1, the option is quicker."""
    data = load(root, scale)
    options: dict[str, dict[str, str]] = {
        "plain": {},
        "bf16": {"precision": "bf16"},
        "tf32": {"tf32": "on"},
    }
    if scale.compiled:
        options["compile"] = {"compile": "on"}
    took: dict[str, float] = {}
    for name, values in options.items():  # TF32 is a setting of the process: no taking turns
        took[name] = alternately(
            {name: epochs(last_run("erm", data, scale, **values))}, scale.repeat
        )[name]
    torch.set_float32_matmul_precision("highest")
    return {name: took["plain"] / took[name] for name in options if name != "plain"}


def graph_ratio(root: Path, scale: Scale) -> dict[str, Any]:
    """A step launched operation by operation against the same step as one CUDA graph."""
    if scale.device != "cuda":
        return {"not_measured": "a CUDA graph needs a CUDA device"}
    batch = next(iter(load(root, scale).splits[SOURCE_TRAIN].in_order(scale.batch)))
    network, optimiser = _plain(scale, capturable=True)
    step = partial(_step, network, optimiser, batch.images.clone(), batch.labels.clone())
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    steps = range(50)
    took = alternately(
        {
            "eager": lambda: [step() for _ in steps],
            "graph": lambda: [graph.replay() for _ in steps],
        },
        scale.repeat,
    )
    return {"speedup": took["eager"] / took["graph"]}


def method_ratios(root: Path, scale: Scale) -> dict[str, float]:
    """Seconds by image of a method's last stage, in those of plain training."""
    single, student = load(root, scale), load(root, scale, student=True)
    runs = {
        "erm": last_run("erm", single, scale),
        "mpbm": last_run("mpbm", single, scale),
        "augkd": last_run("augkd", student, scale),
    }
    took = alternately({name: epochs(run) for name, run in runs.items()}, scale.repeat)
    source = len(single.splits[SOURCE_TRAIN])
    images = {"erm": source, "mpbm": source, "augkd": len(student.splits[TARGET_TRAIN])}
    each = {name: took[name] / images[name] for name in runs}
    return {name: each[name] / each["erm"] for name in ("mpbm", "augkd")}


def memory(root: Path, scale: Scale) -> dict[str, float]:
    """Peak memory of an epoch of each method's last stage, in MB (10^6 bytes)."""
    if scale.device != "cuda":
        return {}
    found = {}
    for method in ("erm", "mpbm", "augkd"):
        run = last_run(method, load(root, scale, student=method == "augkd"), scale)
        torch.cuda.reset_peak_memory_stats()
        run.train_epoch(1)
        found[method] = torch.cuda.max_memory_allocated() / 1e6
    return found


class Pictures(Dataset[tuple[Tensor, int]]):
    """Files of images with the number of their folder, decoded when they are asked for."""

    def __init__(self, root: Path) -> None:
        """List the files."""
        self._files = sorted(root.glob("*/*.jpg"))

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        file = self._files[number]
        with Image.open(file) as picture:
            pixels = torch.from_numpy(np.array(picture.convert("RGB")))
        return pixels.permute(2, 0, 1).float().div(255), int(file.parent.name.split("_")[1])


def resident_ratio(root: Path, scale: Scale) -> dict[str, float]:
    """A `DataLoader` with 2 workers against images on the device, by image."""
    data = load(root, scale)
    dataset = Pictures(root / "one")
    loader = DataLoader(dataset, batch_size=scale.batch, shuffle=True, num_workers=2)
    network, optimiser = _plain(scale)

    def loader_epoch() -> None:
        for images, labels in loader:
            _step(network, optimiser, images.to(scale.place), labels.to(scale.place))

    calls = {"resident": epochs(last_run("erm", data, scale)), "loader": loader_epoch}
    took = alternately(calls, scale.repeat)
    each = {
        "resident": took["resident"] / len(data.splits[SOURCE_TRAIN]),
        "loader": took["loader"] / len(dataset),
    }
    return {"speedup": each["loader"] / each["resident"]}


def _plain(scale: Scale, **options: Any) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    network = build_network(
        scale.network, num_classes=CLASSES, image_size=scale.size, seed=0, device=scale.place
    )
    return network, torch.optim.Adam(network.parameters(), lr=1e-4, **options)


def _step(
    network: torch.nn.Module, optimiser: torch.optim.Optimizer, images: Tensor, labels: Tensor
) -> None:
    optimiser.zero_grad(set_to_none=True)
    F.cross_entropy(network(images), labels).backward()
    optimiser.step()
