"""An epoch waits for the device a fixed number of times, however many steps it has.

What a GPU has to wait for shows on the CPU too: a number or a list read from a tensor, operations
whose result's size depends on the values, and what is made on the host and brought to the device.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import adam
from torch.utils._python_dispatch import TorchDispatchMode

from dgsearch.data.batches import Split
from dgsearch.methods import stacked
from dgsearch.methods.augkd.official import WarmUp
from dgsearch.methods.base import Fusable, StageContext, StageRun, Values
from dgsearch.methods.registry import find_method
from tests.graph_stand_in import REFUSED, is_mask

CPU = torch.device("cpu")
CLASSES, SIZE = 3, 16
_SMALL = {
    "latent": 6,
    "generator_width": 8,
    "encoder_width": 8,
    "generator_steps": 2,
    "student_steps": 2,
    "generated_batch": 12,
    "batch_size": 4,
    "N_b": 2,
    "T": 2,
    "epochs": 4,
}


class _Counter(TorchDispatchMode):
    """Counts what would wait, but for optimisers, which keep their step counts on the host."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.off = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if (name in REFUSED or is_mask(name, args)) and not self.off:
            self.count += 1
        return func(*args, **(kwargs or {}))


@contextmanager
def _counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Counter]:
    counter = _Counter()
    with monkeypatch.context() as patched:
        for name in ("tolist", "cpu", "numpy"):
            patched.setattr(Tensor, name, _counting(counter, getattr(Tensor, name)))
        patched.setattr(Tensor, "to", _counting_moves(counter, Tensor.to))
        patched.setattr(stacked, "_CACHED", 10**9)  # members are handled together, as on a GPU
        for place, name in ((adam, "_get_value"), (WarmUp, "_before")):  # counts on the host
            patched.setattr(place, name, _uncounted(counter, getattr(place, name)))
        # It looks at the labels on the CPU only.
        one_hot = _uncounted(counter, torch.nn.functional.one_hot)
        patched.setattr(torch.nn.functional, "one_hot", one_hot)
        with counter:
            yield counter


def _counting(counter: _Counter, call: Any) -> Any:
    def counted(*args: Any, **kwargs: Any) -> Any:
        counter.count += 1
        return call(*args, **kwargs)

    return counted


def _counting_moves(counter: _Counter, call: Any) -> Any:
    def counted(*args: Any, **kwargs: Any) -> Any:
        counter.count += any(
            isinstance(one, torch.device | str) for one in (*args, *kwargs.values())
        )
        return call(*args, **kwargs)

    return counted


def _uncounted(counter: _Counter, call: Any) -> Any:
    def silent(*args: Any, **kwargs: Any) -> Any:
        counter.off = True
        try:
            return call(*args, **kwargs)
        finally:
            counter.off = False

    return silent


def _split(count: int) -> Split:
    random = torch.Generator().manual_seed(count)
    images = torch.randint(0, 256, (count, 3, SIZE, SIZE), generator=random, dtype=torch.uint8)
    return Split(images, torch.arange(count) % CLASSES, CPU)


def _run(method: str, images: int, *, stage: str = "", seed: int = 0, **changes: Any) -> StageRun:
    """A stage of a method, else its last, over so many training images.

    The networks that it gets are untrained.
    """
    found = find_method(method)
    names = dict.fromkeys(("network", "teacher_network", "student_network"), "convnet-student")
    wanted = {k: v for k, v in (_SMALL | names | changes).items() if k in found.space}
    values = found.space.resolve(wanted)
    stages = found.stages(values)
    products: dict[str, Any] = {}
    for one in stages:
        context = StageContext(
            values=Values(one.values_of(values), stage=one.name, reads=one.reads),
            splits={name: _split(12 if "validation" in name else images) for name in one.splits},
            products=dict(products),
            seed=seed,
            num_classes=CLASSES,
            image_size=SIZE,
            device=CPU,
        )
        run = one.start(context)
        if one.name == (stage or stages[-1].name):
            return run
        products[one.name] = run.product()
    raise AssertionError(f"{method} has no stage {stage}")


def _fusable(method: str, stage: str) -> Fusable:
    found = find_method(method)
    stages = {one.name: one for one in found.stages(found.space.defaults())}
    fusable = (stages[stage] if stage else [*stages.values()][-1]).fusable
    assert fusable is not None
    return fusable


def _waits(trained: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    trained.train_epoch(1)
    with _counted(monkeypatch) as counter:
        trained.train_epoch(2)
    return counter.count


OFFICIAL = {"preset": "official"}
STAGES: list[tuple[str, str, dict[str, Any]]] = [
    ("erm", "pretrain", {}),
    ("erm", "", {}),
    ("mixup", "", {}),
    ("mpbm", "", {}),
    ("mpbm", "", {"train_on_query": 0.5}),
    ("augkd", "teacher", {}),
    ("augkd", "teacher", OFFICIAL),
    ("augkd", "data_free", {}),
    ("augkd", "data_free", OFFICIAL),
    ("augkd", "reconstruction", {"data_free": "off"}),
    ("augkd", "anchor", {}),
    ("augkd", "anchor", OFFICIAL),
    ("augkd", "distill", {}),
    ("augkd", "distill", OFFICIAL),
]
FUSED: list[tuple[str, str, dict[str, Any]]] = [
    case for case in STAGES if case[1] != "reconstruction" and case[2] != OFFICIAL
]


def _few_and_many(stage: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Changes of an epoch with 3 steps, and with 9."""
    if stage == "reconstruction":  # a pass over the images is a step
        return {"images": 12, "generator_steps": 1}, {"images": 36, "generator_steps": 3}
    if stage == "data_free":
        return {"images": 12, "generator_steps": 3}, {"images": 12, "generator_steps": 9}
    return {"images": 12}, {"images": 36}


@pytest.mark.parametrize(("method", "stage", "options"), STAGES, ids=str)
def test_no_step_waits_for_the_device(
    method: str, stage: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = (
        _waits(_run(method, stage=stage, **options, **changes), monkeypatch)
        for changes in _few_and_many(stage)
    )
    assert few == many
    assert 1 <= few <= 40  # losses and diagnostics, read when the epoch is over


@pytest.mark.parametrize(("method", "stage", "options"), FUSED, ids=str)
def test_no_step_of_a_cohort_waits_for_the_device(
    method: str, stage: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    join = _fusable(method, stage).join
    few, many = (
        _waits(
            join([_run(method, stage=stage, **options, **changes) for _ in range(2)]), monkeypatch
        )
        for changes in _few_and_many(stage)
    )
    assert few == many
    assert 1 <= few <= 80


def test_the_counter_sees_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with _counted(monkeypatch) as counter:
        tensor = torch.arange(3.0)
        tensor.sum().item()
        float(tensor[0])
        tensor.tolist()
        torch.nonzero(tensor)
        tensor[tensor > 0]
        bool(tensor[1] > 0)
        torch.tensor([1.0, 2.0])
        tensor.to("cpu")
        tensor.to(torch.float64)
        tensor[[0, 2]]
    assert counter.count == 9
    layer = nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    optimiser = torch.optim.Adam(layer.parameters())
    optimiser.step()
    with _counted(monkeypatch) as counter:
        optimiser.step()
    assert counter.count == 0
