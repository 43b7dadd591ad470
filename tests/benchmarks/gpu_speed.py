"""What makes an epoch on an accelerator quicker or dearer; each figure is a ratio of one run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dgsearch.data.splits import SOURCE_TRAIN, TARGET_TRAIN
from dgsearch.methods.networks import build_network
from dgsearch.trainable.memory import peak_memory_mb, reset_peak_memory
from tests.benchmarks.gpu_many import METHODS, Figures
from tests.benchmarks.gpu_setting import (
    CLASSES,
    Scale,
    alternately,
    cohort_of,
    epochs,
    last_run,
    last_runs,
    load,
)


def option_ratios(root: Path, scale: Scale) -> Figures:
    """Float32 as it is against bf16, TF32 and compiled code: above 1, the option is quicker."""
    data = load(root, scale)
    options: dict[str, dict[str, str]] = {
        "plain": {},
        "bf16": {"precision": "bf16"},
        "tf32": {"tf32": "on"},
    }
    if scale.compiled:
        options["compile"] = {"compile": "on"}
    plain = 1.0
    try:
        for name, values in options.items():  # TF32 is a setting of the process: no taking turns
            run = last_run("erm", data, scale, **values)
            took = alternately({name: epochs(run)}, scale)[name]
            if name == "plain":
                plain = took
            else:
                yield name, plain / took
    finally:
        torch.set_float32_matmul_precision("highest")


def method_ratios(root: Path, scale: Scale) -> Figures:
    """Seconds by image of a method's last stage, in those of plain training."""
    single, student = load(root, scale), load(root, scale, student=True)
    data = {"erm": single, "mpbm": single, "augkd": student}
    source = len(single.splits[SOURCE_TRAIN])
    images = {"erm": source, "mpbm": source, "augkd": len(student.splits[TARGET_TRAIN])}
    for method in ("mpbm", "augkd"):
        pair = ("erm", method)
        calls = {name: epochs(last_run(name, data[name], scale)) for name in pair}
        took = alternately(calls, scale)
        plain, own = (took[name] / images[name] for name in pair)
        yield method, own / plain


def memory(root: Path, scale: Scale) -> Figures:
    """Peak memory of an epoch of each method's last stage, in MB (10^6 bytes).

    On the CPU that of the whole process, so far.
    """
    for method in METHODS:
        run = last_run(method, load(root, scale, student=method == "augkd"), scale)
        reset_peak_memory(scale.place)
        run.train_epoch(1)
        yield method, peak_memory_mb(scale.place)
    for count in scale.fused:
        members = [{"seed": seed} for seed in range(count)]
        cohort = cohort_of("erm", last_runs("erm", load(root, scale), scale, members))
        reset_peak_memory(scale.place)
        cohort.train_epoch(1)
        yield f"erm {count}", peak_memory_mb(scale.place)


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


def resident_ratio(root: Path, scale: Scale) -> Figures:
    """A `DataLoader` with 2 workers against images on the device, by image."""
    data = load(root, scale)
    dataset = Pictures(root / "one")
    loader = DataLoader(dataset, batch_size=scale.batch, shuffle=True, num_workers=2)
    network = build_network(
        scale.network, num_classes=CLASSES, image_size=scale.size, seed=0, device=scale.place
    )
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)

    def loader_epoch() -> None:
        for images, labels in loader:
            found = network(images.to(scale.place))
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(found, labels.to(scale.place)).backward()
            optimiser.step()

    calls = {"resident": epochs(last_run("erm", data, scale)), "loader": loader_epoch}
    took = alternately(calls, scale)
    resident = took["resident"] / len(data.splits[SOURCE_TRAIN])
    yield "speedup", took["loader"] / len(dataset) / resident
