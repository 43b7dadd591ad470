"""The chains of stages of a method as plain data, so that nobody has to import torch to know them.

A method makes its chain from a trial's hyperparameters. Which chain it makes depends on those that
it looks at meanwhile, and these are switches: so a tree of the switches, with a chain at each end,
says for any values what the method would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from dgsearch.errors import DgsearchError
from dgsearch.space import Choice, Space, Value

_ENDS = 256  # of one tree; a method with more is asked itself


class HasChain(Protocol):
    """What is asked of a method."""

    @property
    def space(self) -> Space:
        """Its hyperparameters."""
        ...

    def stages(self, values: Mapping[str, Value]) -> Sequence[Any]:
        """Its chain of `dgsearch.methods.base.Stage`."""
        ...


class KnownStage(NamedTuple):
    """A stage without the code that trains it; `Stage` says what each part is."""

    name: str
    version: int
    splits: Sequence[str]
    after: Sequence[str] | None
    offered: Mapping[str, str]  # the method's name of each hyperparameter, by the stage's
    constants: Mapping[str, Value]  # what it reads and the method does not offer

    def values_of(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """What it reads of a method's hyperparameters, by its own names."""
        return {name: values[of] for name, of in self.offered.items()} | dict(self.constants)


def chain_tree(method: HasChain) -> dict[str, Any] | None:
    """Every chain that a method may have, as plain data for `chain_of`.

    None where the chain depends on something that is no switch.
    """
    stages: list[Any] = []
    try:
        tree = _tree(method, {}, stages, [_ENDS])
    except _TooManyError:
        return None
    return None if tree is None else {"stages": stages, "tree": tree}


def chain_of(known: Mapping[str, Any] | None, values: Mapping[str, Value]) -> list[KnownStage]:
    """The chain of a trial; empty where the tree does not know it."""
    tree = known["tree"] if known else None
    while tree is not None and "asks" in tree:
        tree = tree["then"].get(values.get(tree["asks"]))
    return [KnownStage(*known["stages"][at]) for at in tree["chain"]] if known and tree else []


class _TooManyError(Exception):
    """The tree has too many ends."""


class _LookedError(Exception):
    """The method looked at a value that is not chosen yet; None: at all of them."""

    def __init__(self, name: str | None) -> None:
        super().__init__(name)
        self.name = name


class _Watched(Mapping[str, Value]):
    """Hyperparameters of which some are chosen; a look at another one is told."""

    def __init__(self, space: Space, chosen: Mapping[str, Value]) -> None:
        self._space, self._chosen = space, chosen

    def __getitem__(self, name: str) -> Value:
        if name in self._chosen:
            return self._chosen[name]
        if name in self._space:
            raise _LookedError(name)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in self._space

    def __iter__(self) -> Iterator[str]:
        return iter(self._space.names)

    def __len__(self) -> int:
        return len(self._space)


def _tree(
    method: HasChain, chosen: Mapping[str, Value], stages: list[Any], left: list[int]
) -> dict[str, Any] | None:
    """The tree below the switches that are chosen; None where the method itself must be asked.

    Its ends name places in `stages`, which grows; `left` holds how many ends it may still have.
    """
    try:
        chain = [_known(stage) for stage in method.stages(_Watched(method.space, chosen))]
    except _LookedError as looked:
        item = method.space[looked.name] if looked.name else None
    except DgsearchError:
        return None  # it refuses such values, and says why better than a tree could
    else:
        stages += [stage for stage in chain if stage not in stages]
        return {"chain": [stages.index(stage) for stage in chain]}
    if not isinstance(item, Choice):
        return None
    left[0] -= len(item.options)
    if left[0] < 0:
        raise _TooManyError
    then = {
        option: _tree(method, {**chosen, item.name: option}, stages, left)
        for option in item.options
    }
    return {"asks": item.name, "then": then}


def _known(stage: Any) -> list[Any]:
    named = {name: stage.aliases.get(name, name) for name in stage.reads}
    offered = {name: of for name, of in named.items() if of not in stage.constants}
    own = {name: stage.constants[of] for name, of in named.items() if of in stage.constants}
    after = None if stage.after is None else list(stage.after)
    return [stage.name, stage.version, list(stage.splits), after, offered, own]
