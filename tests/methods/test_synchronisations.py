"""An epoch waits for the device a fixed number of times, however many steps it has.

What a GPU has to wait for shows on the CPU too: a number or a list read from a tensor, and
operations whose result's size depends on the values.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from dgsearch.data.batches import Split
from dgsearch.methods.base import StageContext, StageRun, Values
from dgsearch.methods.networks import build_network
from dgsearch.methods.registry import find_method

CPU = torch.device("cpu")
CLASSES, SIZE = 3, 16
_WAITING = {"_local_scalar_dense", "nonzero", "is_nonzero", "masked_select", "_unique2"}
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
        if func.overloadpacket.__name__ in _WAITING and not self.off:
            self.count += 1
        return func(*args, **(kwargs or {}))


@contextmanager
def _counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Counter]:
    counter = _Counter()
    with monkeypatch.context() as patched:
        for name in ("tolist", "cpu", "numpy"):
            patched.setattr(Tensor, name, _counting(counter, getattr(Tensor, name)))
        patched.setattr(torch.optim.Adam, "step", _uncounted(counter, torch.optim.Adam.step))
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


def _last_run(method: str, images: int) -> StageRun:
    """The last stage of a method over so many training images, behind untrained networks."""
    found = find_method(method)
    network = build_network(
        "convnet-small", num_classes=CLASSES, image_size=SIZE, seed=5, device=CPU
    )
    names = dict.fromkeys(("network", "teacher_network", "student_network"), "convnet-small")
    wanted = {k: v for k, v in (_SMALL | names).items() if k in found.space}
    values = found.space.resolve(wanted)
    products: dict[str, Any] = {}
    for stage in found.stages(values):
        context = StageContext(
            values=Values(stage.values_of(values), stage=stage.name, reads=stage.reads),
            splits={name: _split(12 if "validation" in name else images) for name in stage.splits},
            products=products,
            seed=0,
            num_classes=CLASSES,
            image_size=SIZE,
            device=CPU,
        )
        run = stage.start(context)
        products[stage.name] = run.product()
        if stage.name in ("teacher", "pretrain"):
            products[stage.name] = {"classifier": network.state_dict()}
    return run


def _waits(method: str, images: int, monkeypatch: pytest.MonkeyPatch) -> int:
    run = _last_run(method, images)
    run.train_epoch(1)
    with _counted(monkeypatch) as counter:
        run.train_epoch(2)
    return counter.count


@pytest.mark.parametrize("method", ["erm", "mpbm", "augkd"])
def test_no_step_waits_for_the_device(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (_waits(method, images, monkeypatch) for images in (12, 36))
    assert few == many  # 3 steps and 9 steps
    assert 1 <= few <= 40  # losses and diagnostics, read when the epoch is over


def test_the_counter_sees_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with _counted(monkeypatch) as counter:
        tensor = torch.arange(3.0)
        tensor.sum().item()
        float(tensor[0])
        tensor.tolist()
        torch.nonzero(tensor)
        bool(tensor[1] > 0)
    assert counter.count == 5
    layer = nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    with _counted(monkeypatch) as counter:
        torch.optim.Adam(layer.parameters()).step()
    assert counter.count == 0
