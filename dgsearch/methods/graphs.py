"""A step of training as one CUDA graph: launched at once instead of operation by operation.

The operations of a step are recorded once, with the addresses of their tensors, and replayed for
every batch of the same shape. A small network spends most of a step on launching them. A step
that can be recorded is a function of tensors that draws nothing from generators of its own, reads
no number from the device and always changes the same tensors in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from dgsearch.errors import TrainingError
from dgsearch.methods.averaging import steps_untold, tell_of_step
from dgsearch.methods.base import StageContext
from dgsearch.methods.optimisers import PLAIN_RATE, make_capturable

WARM_UP = 3  # steps before the one that is recorded: libraries choose algorithms, memory is made
Tensors = Mapping[str, Tensor]


class Recorder(Protocol):
    """How a device records operations and replays them."""

    def warm_up(self, call: Callable[[], Tensors]) -> Tensors:
        """Compute once, in the way that a later recording needs."""
        ...

    def record(self, call: Callable[[], Tensors]) -> tuple[Callable[[], None], Tensors]:
        """Record without computing.

        Returns:
            What computes all of it, and the tensors that hold the results after that.
        """
        ...


class CudaRecorder:
    """Records CUDA graphs, as PyTorch's notes on them advise."""

    def __init__(self, device: torch.device) -> None:
        """Warm up on a stream beside the current one."""
        self._device = device
        self._side = torch.cuda.Stream(device)

    def warm_up(self, call: Callable[[], Tensors]) -> Tensors:
        """Compute once, on the other stream."""
        current = torch.cuda.current_stream(self._device)
        self._side.wait_stream(current)
        with torch.cuda.stream(self._side):
            found = call()
        current.wait_stream(self._side)
        return found

    def record(self, call: Callable[[], Tensors]) -> tuple[Callable[[], None], Tensors]:
        """Record a graph; it keeps its memory as long as it can be replayed."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            found = call()
        return graph.replay, found


_asked: list[bool] = [False]  # of this process


def ask_for_graphs(*, on: bool) -> None:
    """Let stages of this process record their steps where they can, or not."""
    _asked[0] = on


def graphs_asked() -> bool:
    """What was asked last; at first, not."""
    return _asked[0]


RECORDERS: dict[str, Callable[[torch.device], Recorder]] = {"cuda": CudaRecorder}


def recorder_of(context: StageContext) -> Recorder | None:
    """What records the steps of a stage; None: they run operation by operation."""
    make = RECORDERS.get(context.device.type)
    return make(context.device) if context.graphs and make is not None else None


@dataclass(frozen=True)
class _Recording:
    """A recorded step.

    Attributes:
        inputs: Where it looks for its inputs.
        outputs: Where it leaves its results.
        replay: Computes it.
        fixed: What must not change, see `_fixed`.
    """

    inputs: Tensors
    outputs: Tensors
    replay: Callable[[], None]
    fixed: Any


class Steps:
    """Takes steps one by one, or records one and replays it.

    A batch of another shape than the first, such as the last one of an epoch, is computed as it
    is. Learning rates may change between epochs.
    """

    def __init__(
        self,
        step: Callable[[Tensors], Tensors],
        recorder: Recorder | None,
        optimisers: Sequence[torch.optim.Optimizer] = (),
    ) -> None:
        """Take steps.

        Args:
            step: Changes weights; from inputs by name to losses by name, without gradients.
            recorder: None: nothing is recorded.
            optimisers: Those of which it calls `step`; used with a recorder only.
        """
        self._step, self._recorder, self._optimisers = step, recorder, optimisers
        self._shape: Any = None  # of the inputs that are recorded
        self._recording: _Recording | None = None
        self._to_warm_up = WARM_UP

    @property
    def records(self) -> bool:
        """Whether steps are recorded."""
        return self._recorder is not None

    def begin_epoch(self) -> None:
        """Make optimisers ready; what was recorded with other settings is forgotten."""
        if self._recorder is None:
            return
        for optimiser in self._optimisers:
            make_capturable(optimiser)
        if self._recording is not None and self._recording.fixed != _fixed(self._optimisers):
            self._recording, self._to_warm_up = None, WARM_UP

    def __call__(self, inputs: Tensors) -> Tensors:
        """One step; the tensors that it gives stay as they are in later steps."""
        if self._recorder is None:
            return self._step(inputs)
        shape = _shape(inputs)
        self._shape = self._shape or shape
        if shape != self._shape:
            return self._step(inputs)
        if self._recording is None and self._to_warm_up:
            self._to_warm_up -= 1
            return self._recorder.warm_up(partial(self._step, inputs))
        self._recording = self._recording or self._recorded(self._recorder, inputs)
        for name, tensor in self._recording.inputs.items():
            tensor.copy_(inputs[name])
        self._recording.replay()
        for optimiser in self._optimisers:
            tell_of_step(optimiser)
        return {name: tensor.clone() for name, tensor in self._recording.outputs.items()}

    def _recorded(self, recorder: Recorder, inputs: Tensors) -> _Recording:
        own = {name: tensor.clone() for name, tensor in inputs.items()}
        try:
            with steps_untold():
                replay, outputs = recorder.record(partial(self._step, own))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise TrainingError(
                f'resources.graphs = "on": a step cannot be recorded as a CUDA graph ({reason}); '
                'write graphs = "off", or choose a network or options that can be recorded'
            ) from error
        return _Recording(own, outputs, replay, _fixed(self._optimisers))


def named(group: str, tensors: Tensors) -> dict[str, Tensor]:
    """Tensors under names that tell the group, to be inputs or results of a step."""
    return {f"{group}.{name}": tensor for name, tensor in tensors.items()}


def taken(group: str, tensors: Tensors) -> dict[str, Tensor]:
    """Those of the group by their own names, of what `named` gave."""
    start = f"{group}."
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }


def _shape(inputs: Tensors) -> Any:
    return {name: (each.shape, each.dtype, each.stride()) for name, each in inputs.items()}


def _fixed(optimisers: Sequence[torch.optim.Optimizer]) -> Any:
    """Settings that are no tensors, and where the tensors lie that a step changes."""
    return [
        (
            {k: v for k, v in group.items() if _is_plain(v) and k != PLAIN_RATE},
            [_places(optimiser, parameter) for parameter in group["params"]],
        )
        for optimiser in optimisers
        for group in optimiser.param_groups
    ]


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str | tuple)


def _places(optimiser: torch.optim.Optimizer, parameter: Tensor) -> list[int]:
    state = optimiser.state.get(parameter, {})
    kept = [each.data_ptr() for each in state.values() if isinstance(each, Tensor)]
    return [parameter.data_ptr(), *kept]
