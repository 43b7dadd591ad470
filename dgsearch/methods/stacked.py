"""Networks of one architecture and their optimisers, stacked so that one call computes them all.

The stacks share their memory with the networks: a network's weights, running statistics and
moments of Adam are views of a slice, so that it can be stored, or trained on alone, at any time.

Shapes: M members; a stack of tensors of shape S has shape (M, *S).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from dgsearch.methods.averaging import tell_of_step
from dgsearch.methods.base import CannotFuse
from dgsearch.methods.optimisers import make_plain

_CACHED = 4096  # numbers a member up to which a CPU handles all members at once
_ADAM = {"amsgrad": False, "maximize": False}
_SGD = {"nesterov": False, "maximize": False, "dampening": 0}
_ADAM_READS = ("lr", "betas", "eps", "weight_decay")
_SGD_READS = ("lr", "momentum", "weight_decay")
_AHEAD = 32  # steps whose settings are copied to the device at once


@contextmanager
def saying_what_cannot_fuse() -> Iterator[None]:
    """Where torch cannot compute something for several members at once, `CannotFuse` says why."""
    try:
        yield
    except (RuntimeError, ValueError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CannotFuse(f"torch cannot compute it for several weights: {reason}") from error


class StackedNetwork:
    """Networks of one architecture as one function of stacked inputs.

    Attributes:
        parameters: Stacks of the parameters, by name.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        """Stack them; from here on their weights and buffers are views of the stacks.

        Raises:
            CannotFuse: If they have layers that cannot be computed together.
        """
        _check_layers(networks[0])
        self._applied = _Applied(networks[0])
        self.parameters, self._buffers = _stacked(networks)
        for member, network in enumerate(networks):
            for name, parameter in network.named_parameters():
                parameter.data = self.parameters[name].detach()[member]
            for name, buffer in network.named_buffers():
                buffer.data = self._buffers[name][member]

    def __call__(self, *inputs: Tensor) -> Any:
        """What each network makes of its own inputs, (M, ...) each."""
        return self.apply(called, *inputs)

    def apply(
        self,
        function: Callable[..., Any],
        *inputs: Any,
        parameters: Mapping[str, Tensor] | None = None,
    ) -> Any:
        """`function(network, *inputs)` of each network and its own inputs, stacked.

        Args:
            function: Of a network and of tensors, or mappings of tensors; draws no random numbers
                and takes no branch by the value of a tensor. It may call the network's methods.
            inputs: Stacks (M, ...), in mappings or not.
            parameters: What to compute with instead of the networks' own, by name; detached
                ones leave the networks without gradients.

        Raises:
            CannotFuse: If torch cannot compute it for several networks at once.
        """
        names = [*self.parameters, *self._buffers]
        state = {**(self.parameters if parameters is None else parameters), **self._buffers}

        def one(own_state: dict[str, Tensor], *own: Any) -> Any:
            own_state = {f"network.{name}": own_state[name] for name in names}
            return functional_call(self._applied, own_state, (function, *own))

        with saying_what_cannot_fuse():
            return vmap(one)(state, *inputs)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """The networks in eval mode; in their own mode afterwards."""
        was_training = self._applied.network.training
        self._applied.network.eval()
        try:
            yield
        finally:
            self._applied.network.train(was_training)

    @contextmanager
    def keeping_statistics(self) -> Iterator[None]:
        """What is computed inside leaves the networks' buffers as they are."""
        kept = self._buffers
        self._buffers = {name: buffer.clone() for name, buffer in kept.items()}
        try:
            yield
        finally:
            self._buffers = kept

    @property
    def frozen(self) -> dict[str, Tensor]:
        """The parameters without gradients, by name."""
        return {name: stack.detach() for name, stack in self.parameters.items()}

    def gradients(self, losses: Tensor) -> dict[str, Tensor]:
        """Of each member's loss by its own parameters, by name.

        Args:
            losses: One a member, (M,).
        """
        found = torch.autograd.grad(losses.sum(), list(self.parameters.values()))
        return dict(zip(self.parameters, found, strict=True))


class _Applied(nn.Module):
    """Lets a function call any method of a network whose weights are exchanged."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, function: Callable[..., Any], *inputs: Any) -> Any:
        return function(self.network, *inputs)


def called(network: nn.Module, *inputs: Any) -> Any:
    """What a network makes of its inputs, as `StackedNetwork.apply` takes it."""
    return network(*inputs)


def _stacked(networks: Sequence[nn.Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    try:
        stacks: tuple[dict[str, Tensor], dict[str, Tensor]]
        stacks = stack_module_state(list(networks))
    except (RuntimeError, ValueError) as error:
        raise CannotFuse(f"the networks differ: {error}") from error
    return stacks


def _check_layers(network: nn.Module) -> None:
    for name, layer in network.named_modules():
        if layer._compiled_call_impl is not None:
            raise CannotFuse(f"layer {name or 'of the network'} is compiled")
        if isinstance(layer, torch.jit.ScriptModule):
            raise CannotFuse(f"layer {name} is a TorchScript program")


class StackedOptimiser:
    """Adam or SGD of several networks in one step, each with its own settings."""

    def __init__(
        self, optimisers: Sequence[torch.optim.Optimizer], network: StackedNetwork
    ) -> None:
        """Stack what they remember; it stays theirs, as views.

        Args:
            optimisers: One a network, over all of its parameters in their order.
            network: The networks.

        Raises:
            CannotFuse: If it is an optimiser or a setting that is not known here.
        """
        for optimiser in optimisers:
            make_plain(optimiser)
        self._optimisers = optimisers
        self._groups = [_only_group(optimiser, network) for optimiser in optimisers]
        self._parameters = network.parameters
        self._steps: Tensor | None = None  # of Adam
        kinds = {type(optimiser) for optimiser in optimisers}
        if kinds == {torch.optim.Adam}:
            _check_settings(self._groups, _ADAM)
            self._update, self._settings = _adam_step, self._adam_settings
            self._read: tuple[str, ...] = _ADAM_READS
            names: tuple[str, ...] = ("exp_avg", "exp_avg_sq")
            self._steps = _stacked_steps(optimisers)
        elif kinds == {torch.optim.SGD}:
            _check_settings(self._groups, _SGD)
            self._update, self._settings = _sgd_step, self._sgd_settings
            self._read = _SGD_READS
            names = ("momentum_buffer",) if any(self._each("momentum")) else ()
        else:
            raise CannotFuse(f"no optimiser of {sorted(kind.__name__ for kind in kinds)} is known")
        self._memory = {
            name: _stacked_memory(optimisers, place, names)
            for place, name in enumerate(self._parameters)
        }
        self._names = tuple(self._settings([1.0] * len(self._groups)))
        self._ahead: list[Tensor] = []  # settings of the next steps, the first of them last
        self._ahead_for: list[list[Any]] = []  # what they were computed from

    def step(self, gradients: Mapping[str, Tensor]) -> None:
        """Change every network's parameters by its own gradient, settings and memory."""
        self.apply(gradients, self.next_settings())
        self.tell()

    def next_settings(self) -> Tensor:
        """The settings of the step that is taken now, on the device: a row a setting, (S, M).

        They are computed on the host for several steps at once, so that one copy serves these.
        """
        groups = [[group[name] for name in self._read] for group in self._groups]
        if not self._ahead or groups != self._ahead_for:
            self._ahead, self._ahead_for = self._next_tables(), groups
        if self._steps is not None:
            self._steps += 1
        return self._ahead.pop()

    def apply(self, gradients: Mapping[str, Tensor], settings: Tensor) -> None:
        """The part of a step that computes on the device alone.

        Args:
            gradients: Of each member's loss by its own parameters, by name.
            settings: `next_settings`.
        """
        decays = any(self._each("weight_decay"))
        with torch.no_grad():
            for name, gradient in gradients.items():
                stack = self._parameters[name].detach()
                columns = settings.reshape(*settings.shape, *[1] * (stack.ndim - 1))
                own = dict(zip(self._names, columns, strict=True))
                if decays:
                    gradient = gradient + own["weight_decay"] * stack
                self._update(stack, gradient, self._memory[name], own)

    def tell(self) -> None:
        """Say that the weights have changed."""
        for optimiser in self._optimisers:
            tell_of_step(optimiser)

    def _next_tables(self) -> list[Tensor]:
        """Settings of the next steps, the first of them last."""
        done = [0.0] * len(self._groups) if self._steps is None else self._steps[:, 0].tolist()
        tables = [
            list(self._settings([steps + ahead for steps in done]).values())
            for ahead in range(_AHEAD, 0, -1)
        ]
        first = next(iter(self._parameters.values()))
        table = torch.tensor(tables, dtype=first.dtype)
        if first.is_cuda:
            table = table.pin_memory()
        return list(table.to(first.device, non_blocking=True))

    def _each(self, name: str) -> list[float]:
        return [group[name] for group in self._groups]

    def _sgd_settings(self, steps: Sequence[float]) -> dict[str, list[float]]:
        return {name: self._each(name) for name in _SGD_READS}

    def _adam_settings(self, steps: Sequence[float]) -> dict[str, list[float]]:
        """Settings of a step by its number, from 1, in each member's training."""
        rates = self._each("lr")
        slow, fast = zip(*(group["betas"] for group in self._groups), strict=True)
        return {
            "weight_decay": self._each("weight_decay"),
            "first": [1 - beta for beta in slow],
            "kept": list(fast),
            "second": [1 - beta for beta in fast],
            "rate": [r / (1 - beta**n) for r, beta, n in zip(rates, slow, steps, strict=True)],
            "root": [(1 - beta**n) ** 0.5 for beta, n in zip(fast, steps, strict=True)],
            "eps": self._each("eps"),
        }


_Columns = Mapping[str, Tensor]  # one number a member, ready to multiply a stack


def _adam_step(stack: Tensor, gradient: Tensor, memory: _Columns, own: _Columns) -> None:
    if not stack.is_cuda and stack[0].numel() > _CACHED:
        for member, kept in enumerate(stack):
            memory_of = {name: part[member] for name, part in memory.items()}
            settings = {name: column[member].item() for name, column in own.items()}
            _adam_step_of_one(kept, gradient[member], memory_of, settings)
        return
    mean, square = memory["exp_avg"], memory["exp_avg_sq"]
    mean.lerp_(gradient, own["first"].expand_as(gradient))
    square.mul_(own["kept"]).add_(own["second"] * gradient * gradient)
    divisor = square.sqrt().div_(own["root"]).add_(own["eps"])
    stack.sub_(own["rate"] * mean / divisor)


def _adam_step_of_one(
    kept: Tensor, gradient: Tensor, memory: _Columns, own: Mapping[str, float]
) -> None:
    """The same for one member, in fewer passes over memory."""
    mean, square = memory["exp_avg"], memory["exp_avg_sq"]
    mean.lerp_(gradient, own["first"])
    square.mul_(own["kept"]).addcmul_(gradient, gradient, value=own["second"])
    divisor = square.sqrt().div_(own["root"]).add_(own["eps"])
    kept.addcdiv_(mean, divisor, value=-own["rate"])


def _sgd_step(stack: Tensor, gradient: Tensor, memory: _Columns, own: _Columns) -> None:
    if (moved := memory.get("momentum_buffer")) is not None:
        gradient = moved.mul_(own["momentum"]).add_(gradient)
    stack.sub_(own["lr"] * gradient)


def _stacked_memory(
    optimisers: Sequence[torch.optim.Optimizer], place: int, names: Sequence[str]
) -> dict[str, Tensor]:
    """What the optimisers remember of one parameter; zeros before the first step."""
    stacks = {}
    own = [optimiser.param_groups[0]["params"][place] for optimiser in optimisers]
    for name in names:
        found = [
            optimiser.state[parameter].get(name)
            for optimiser, parameter in zip(optimisers, own, strict=True)
        ]
        kept = [
            torch.zeros_like(parameter) if memory is None else memory
            for parameter, memory in zip(own, found, strict=True)
        ]
        stacks[name] = torch.stack([memory.detach() for memory in kept])
        for optimiser, parameter, memory in zip(optimisers, own, stacks[name], strict=True):
            optimiser.state[parameter][name] = memory
    return stacks


def _only_group(optimiser: torch.optim.Optimizer, network: StackedNetwork) -> dict[str, Any]:
    groups = optimiser.param_groups
    if len(groups) != 1 or len(groups[0]["params"]) != len(network.parameters):
        raise CannotFuse("an optimiser with several groups of parameters is not known")
    return groups[0]


def _check_settings(groups: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> None:
    for name, value in known.items():
        if any(group[name] != value for group in groups):
            raise CannotFuse(f"an optimiser with {name} = {groups[0][name]} is not known")


def _stacked_steps(optimisers: Sequence[torch.optim.Optimizer]) -> Tensor:
    """Steps that each Adam has done with each of P parameters, (M, P); they have views of it."""
    states = [
        [optimiser.state[parameter] for parameter in optimiser.param_groups[0]["params"]]
        for optimiser in optimisers
    ]
    done = [[float(state.get("step", 0.0)) for state in parameters] for parameters in states]
    steps = torch.tensor(done, dtype=torch.get_default_dtype())  # as Adam itself keeps them
    for member, parameters in enumerate(states):
        for place, state in enumerate(parameters):
            state["step"] = steps[member, place]
    return steps
