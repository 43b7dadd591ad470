"""Runs of stages on tiny data, for the tests that train them together and one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from dgsearch.data.batches import Batch, Split
from dgsearch.methods.augkd import AugKD
from dgsearch.methods.augkd.data_free import build_encoder, build_generator
from dgsearch.methods.augkd.teacher import start_student
from dgsearch.methods.base import Stage, StageContext, Values, state_of
from dgsearch.methods.erm import ERM
from dgsearch.methods.mpbm import MPBM
from dgsearch.methods.networks import build_network
from dgsearch.methods.registry import find_method

CPU = torch.device("cpu")
_DEVICE = [CPU]  # where runs are made
_GRAPHS = [False]  # whether they are asked to record their steps
CLASSES, SIZE = 3, 16
_SMALL = {"latent": 6, "generator_width": 8, "encoder_width": 8, "anchor_epochs": 6}


@contextmanager
def runs_on(device: str) -> Iterator[None]:
    """Make runs on another device than the CPU."""
    _DEVICE.append(torch.device(device))
    try:
        yield
    finally:
        _DEVICE.pop()


@contextmanager
def asked_for_graphs(on: bool) -> Iterator[None]:
    """Make runs that record their steps where they can, or do not."""
    _GRAPHS.append(on)
    try:
        yield
    finally:
        _GRAPHS.pop()


class WideSplit(Split):
    """A split whose images have torch's default type of numbers."""

    @property
    def images(self) -> Tensor:
        """All images at once."""
        return super().images.to(torch.get_default_dtype())

    def take(self, index: Tensor) -> Batch:
        """The images at `index`."""
        batch = super().take(index)
        return Batch(batch.images.to(torch.get_default_dtype()), batch.labels)


def split(seed: int, count: int = 11) -> Split:
    """Random images; with batches of 4 the last one of 11 has three."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 3, SIZE, SIZE), generator=random, dtype=torch.uint8)
    return WideSplit(images, torch.arange(count) % CLASSES, _DEVICE[-1])


def context_of(
    stage: Stage,
    values: Mapping[str, Any],
    *,
    seed: int = 0,
    products: Mapping[str, Any] | None = None,
    count: int = 11,
) -> StageContext:
    """The context of a stage for a trial of that seed."""
    return StageContext(
        values=Values(stage.values_of(values), stage=stage.name, reads=stage.reads),
        splits={name: split(seed + len(name), count) for name in stage.splits},
        products=products or {},
        seed=seed,
        num_classes=CLASSES,
        image_size=SIZE,
        device=_DEVICE[-1],
        graphs=_GRAPHS[-1] and stage.graphed,
    )


def supervised(name: str, members: Sequence[Mapping[str, Any]], **common: Any) -> list[Any]:
    """New runs of `pretrain` or a method's last stage, one a member, of seeds 0, 1 and so on."""
    runs = []
    method = ERM if name == "pretrain" else find_method(name)
    for seed, own in enumerate(members):
        values = method.space.resolve({"batch_size": 4, "pretrain_epochs": 6, **common, **own})
        pretrain, last = method.stages(values)
        network = build_network(
            str(values["network"]),
            num_classes=CLASSES,
            image_size=SIZE,
            seed=7,
            device=_DEVICE[-1],
        )
        products = {"pretrain": {"classifier": network.state_dict()}}
        stage = pretrain if name == "pretrain" else last
        runs.append(stage.start(context_of(stage, values, seed=seed, products=products)))
    return runs


def rounds(members: Sequence[Mapping[str, Any]], **common: Any) -> list[Any]:
    """New runs of `mpbm`, one a member, of seeds 0, 1 and so on."""
    runs = []
    for seed, own in enumerate(members):
        given = {"batch_size": 4, "N_b": 3, "T": 2, "epochs": 6, "step_size": 0.01}
        values = MPBM.space.resolve({**given, **common, **own})
        *_, correlation, last = MPBM().stages(values)
        network = build_network(
            str(values["network"]),
            num_classes=CLASSES,
            image_size=SIZE,
            seed=7,
            device=_DEVICE[-1],
        )
        products: dict[str, Any] = {"pretrain": {"classifier": network.state_dict()}}
        run = correlation.start(context_of(correlation, values, seed=seed, products=products))
        run.train_epoch(1)
        products["correlation"] = run.product()
        runs.append(last.start(context_of(last, values, seed=seed, products=products)))
    return runs


def augkd_stage(name: str, **changes: Any) -> tuple[Stage, dict[str, Any], dict[str, Any]]:
    """A stage of AuG-KD, its values, and what the stages before it made, untrained."""
    values = AugKD.space.resolve({"batch_size": 4, **_SMALL, **changes})
    stages = {stage.name: stage for stage in AugKD().stages(values)}
    empty = context_of(stages["distill"], values)
    teacher = build_network(
        "convnet-teacher", num_classes=CLASSES, image_size=SIZE, seed=5, device=_DEVICE[-1]
    )
    student = start_student(empty)
    generator, encoder = build_generator(empty), build_encoder(empty)
    for network in (teacher, generator, student):
        random = torch.Generator().manual_seed(3)  # on the CPU whatever the device
        for buffer_name, buffer in network.named_buffers():  # as if it had been trained
            if buffer_name.endswith(("running_mean", "running_var")):
                buffer.add_(0.3 * torch.rand(buffer.shape, generator=random).to(buffer))
    networks = {"generator": generator, "encoder": encoder, "student": student}
    products: dict[str, Any] = {
        "teacher": {"classifier": teacher.state_dict()},
        "data_free": {part: network.state_dict() for part, network in networks.items()},
    }
    if name == "distill" and "anchor" in stages:
        context = context_of(stages["anchor"], values, products=products)
        products["anchor"] = stages["anchor"].start(context).product()
    return stages[name], dict(values), products


def students(
    members: Sequence[Mapping[str, Any]], seeds: Sequence[int], name: str, **common: Any
) -> list[Any]:
    """New runs of `data_free` or `distill`, one a member, behind one teacher."""
    stage, values, products = augkd_stage(name, **common)
    return [
        stage.start(context_of(stage, {**values, **own}, seed=seed, products=products))
        for own, seed in zip(members, seeds, strict=True)
    ]


def anchors(members: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> list[Any]:
    """New runs of `anchor`, all behind one teacher and decoder."""
    stage, values, products = augkd_stage("anchor")
    return [
        stage.start(context_of(stage, {**values, **own}, seed=seed, products=products))
        for own, seed in zip(members, seeds, strict=True)
    ]


def tensors_of(node: Any) -> list[Tensor]:
    """Every tensor and number of a state, in order."""
    if isinstance(node, Tensor):
        return [node.detach().clone()]
    if isinstance(node, Mapping):
        return [tensor for value in node.values() for tensor in tensors_of(value)]
    if isinstance(node, list | tuple):
        return [tensor for value in node for tensor in tensors_of(value)]
    return [torch.tensor(float(node))] if isinstance(node, int | float) else []


def state(run: Any) -> list[Tensor]:
    """What a checkpoint of the run holds."""
    return tensors_of(state_of(run.parts()))


def shape_of(node: Any) -> Any:
    """The names, types and sizes of a state, without its numbers."""
    if isinstance(node, Tensor):
        return node.dtype, tuple(node.shape)
    if isinstance(node, Mapping):
        return {name: shape_of(value) for name, value in node.items()}
    if isinstance(node, list | tuple):
        return [shape_of(value) for value in node]
    return type(node).__name__


def agreeing(first: Sequence[Tensor], second: Sequence[Tensor], within: float = 1e-9) -> None:
    """Fail unless they are the same up to rounding in float64."""
    for one, other in zip(first, second, strict=True):
        assert torch.allclose(one, other, rtol=within, atol=within, equal_nan=True)
