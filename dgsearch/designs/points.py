"""A point of the space, a planned trial, and what a design is told of the study around it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from dgsearch.designs.catalogue import Catalogue
from dgsearch.space import Space, Value

MOST_TRIALS = 1_000_000  # of a study; planning them takes minutes and gigabytes
_ID_BYTES = 6

Outcomes = Mapping[tuple[str, int], float]  # by (config_id, seed); NaN: ended without a number


@dataclass(frozen=True)
class Configuration:
    """A method with a value for each of its hyperparameters.

    Attributes:
        method: Name of the method.
        values: Every hyperparameter of the method.
        varied: Names among them that the study varies.
        role: What the study has it for: "point", "baseline" or "variant".
        variant: Name of the variant of an ablation, "full" for the method itself; the method in
            a family; else empty.
        switches: Default of each switch of speed or storage that the study does not ask for:
            `space.switches(but=...)`. Its value is recorded with each trial.
        stored_id: Its name in a database; empty: it follows from the rest.
    """

    method: str
    values: Mapping[str, Value]
    varied: tuple[str, ...] = ()
    role: str = field(default="point", compare=False)
    variant: str = field(default="", compare=False)
    switches: Mapping[str, Value] = field(default_factory=dict, compare=False)
    stored_id: str = field(default="", compare=False)

    @cached_property
    def config_id(self) -> str:
        """Name of the configuration: equal for equal method and values, 12 hexadecimal digits.

        Whatever value a switch of `switches` has, it is named as if it had its default.
        """
        if self.stored_id:
            return self.stored_id
        text = json.dumps([self.method, dict(sorted({**self.values, **self.switches}.items()))])
        return hashlib.blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()


@dataclass(frozen=True)
class PlannedTrial:
    """One configuration at one seed."""

    configuration: Configuration
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """What makes it the same trial in another process: (config_id, seed)."""
        return self.configuration.config_id, self.seed


class _Data(Protocol):
    @property
    def targets(self) -> tuple[str, ...]: ...


class Asked(Protocol):
    """The study around a design, as far as a design may read it."""

    @property
    def method(self) -> str:
        """Its own method."""
        ...

    @property
    def baselines(self) -> tuple[str, ...]:
        """Other methods."""
        ...

    @property
    def seeds(self) -> tuple[int, ...]:
        """Its seeds, at least one."""
        ...

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What it fixes."""
        ...

    @property
    def maximise(self) -> bool:
        """Whether a higher value is better."""
        ...

    @property
    def data(self) -> _Data:
        """Its data."""
        ...


class Ended(Protocol):
    """What has ended of a study, read when it is asked for."""

    def means(self) -> Outcomes:
        """Mean accuracy over the targets of each trial; NaN where it failed."""
        ...

    def values(self) -> Outcomes:
        """Value on the selection split of each finished trial."""
        ...

    def losses(self) -> Mapping[tuple[str, int], Sequence[float]]:
        """The objectives of each finished trial, turned so that less is better; NaN: unknown."""
        ...

    def excess(self) -> Outcomes:
        """How far each finished trial lies beyond its constraints; 0: it keeps to all."""
        ...

    def proposed(self) -> Mapping[str, Configuration]:
        """The configurations that were proposed so far, by config_id."""
        ...

    def images(self) -> Mapping[str, int]:
        """How many images each split holds, by "target/test/DOMAIN"."""
        ...


@dataclass(frozen=True)
class Phase:
    """What the runner does before it asks for the next phase.

    Attributes:
        trials: The trials of the phase, from what has ended; those that have ended are left out.
        halved: Whether `[halving]` may stop its trials.
        grows: Whether it is asked again after each trial that ends.
        proposes: Whether configurations are proposed, `Design.proposals` of them; `trials` is
            not asked then.
    """

    trials: Callable[[Ended], Sequence[PlannedTrial]]
    halved: bool = False
    grows: bool = False
    proposes: bool = False


@dataclass(frozen=True)
class Parts:
    """What is readable of a study file that is being checked.

    Attributes:
        method: The study's own; may be unknown.
        fixed: `[hyperparameters]`.
        seeds: None where they are not readable.
        baselines: Other methods.
        catalogue: What is installed.
    """

    method: str
    fixed: Mapping[str, Any]
    seeds: Sequence[int] | None
    baselines: Sequence[str]
    catalogue: Catalogue


def shared_values(asked: Asked, space: Space) -> dict[str, Value]:
    """Every hyperparameter of a method at the centre: fixed by the study, or its default."""
    shared = {name: value for name, value in asked.hyperparameters.items() if name in space}
    return space.resolve(shared)
