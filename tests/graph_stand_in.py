"""Records steps on the CPU as a CUDA graph does, so that what relies on it is tested without one.

Like a graph, a recording computes nothing when it is made. Replayed, it repeats the operations on
the tensors that it saw, at their addresses, with the numbers that they were given then; new
tensors keep their place from replay to replay. It refuses what a graph refuses: to read a number
from the device, to bring one there, and a generator that was not made known to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dgsearch.methods import graphs, stacked

REFUSED = {
    "_local_scalar_dense",
    "is_nonzero",
    "lift_fresh",
    "masked_select",
    "nonzero",
    "_unique2",
}


def is_mask(operation: str, args: Any) -> bool:
    """Whether an operation takes the elements of a mask, whose number it has to read."""
    return operation == "index" and any(
        one is not None and one.dtype == torch.bool for one in args[1]
    )


class _Operations(TorchDispatchMode):
    """The operations of a step, and how everything was before them."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[tuple[Any, Any, Any, Any]] = []
        self._before: dict[int, tuple[Any, Any]] = {}
        self._random = torch.get_rng_state()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if name in REFUSED or is_mask(name, args) or kwargs.get("generator") is not None:
            raise RuntimeError(f"operation not permitted when stream is capturing: {name}")
        for tensor in _tensors((args, kwargs)):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in self._before:
                self._before[storage.data_ptr()] = storage, storage.clone()
        found = func(*args, **kwargs)
        if func.namespace != "profiler":
            self._calls.append((func, args, kwargs, found))
        return found

    def undo(self) -> None:
        """What was computed while recording has not been."""
        for storage, before in self._before.values():
            storage.copy_(before)
        self._before.clear()
        torch.set_rng_state(self._random)

    @torch.no_grad()
    def replay(self) -> None:
        """Compute all of it."""
        for func, args, kwargs, found in self._calls:
            aliases = [each.alias_info for each in func._schema.returns]
            if any(alias is not None and not alias.is_write for alias in aliases):
                continue  # a view stays one
            again = func(*args, **kwargs)
            for kept, tensor in zip(_tensors(found), _tensors(again), strict=True):
                if kept.data_ptr() != tensor.data_ptr():
                    kept.copy_(tensor)


class StandIn:
    """Counts what a run asks of a recorder.

    Attributes:
        warmed: Steps before recordings.
        recorded: Recordings.
        replayed: Replays.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        """Nothing is recorded yet."""
        self.warmed = self.recorded = self.replayed = 0

    def warm_up(self, call: Callable[[], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
        """Compute once."""
        self.warmed += 1
        return call()

    def record(
        self, call: Callable[[], Mapping[str, Tensor]]
    ) -> tuple[Callable[[], None], Mapping[str, Tensor]]:
        """Record without computing."""
        operations = _Operations()
        try:
            with operations:
                found = call()
        finally:
            operations.undo()
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            operations.replay()

        return replay, found


@contextmanager
def graphs_on_cpu() -> Iterator[list[StandIn]]:
    """Runs on the CPU whose context asks for graphs record with a stand-in each; gives these."""
    made: list[StandIn] = []

    def make(device: torch.device) -> StandIn:
        made.append(StandIn())
        return made[-1]

    with (
        mock.patch.dict(graphs.RECORDERS, {"cpu": make}),
        mock.patch("torch.optim.adam._get_capturable_supported_devices", return_value=["cpu"]),
        mock.patch("torch.nn.functional.one_hot", _one_hot),
        mock.patch.object(stacked, "_CACHED", 10**9),  # members are handled together
    ):
        yield made


def _one_hot(labels: Tensor, num_classes: int) -> Tensor:
    """As on CUDA, where the labels are not looked at."""
    empty = torch.zeros(*labels.shape, num_classes, dtype=labels.dtype, device=labels.device)
    return empty.scatter(-1, labels[..., None], 1)


def _tensors(node: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(node) if isinstance(leaf, Tensor)]
