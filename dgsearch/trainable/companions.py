"""The trials whose stage another trial trains beside its own, and what their runs start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from dgsearch.data.splits import TrialData
from dgsearch.methods.base import Product, Stage, StageContext, StageRun, Values, restore_state
from dgsearch.methods.graphs import graphs_asked
from dgsearch.methods.registry import find_method
from dgsearch.space import Value
from dgsearch.trainable.keys import Numerics, stage_keys
from dgsearch.trainable.reports import TrialJob
from dgsearch.trainable.store import Store


@dataclass(frozen=True)
class Companion:
    """A trial whose stage is trained here.

    Attributes:
        key: Of the stage.
        values: Hyperparameters of the trial.
        seed: Of the trial.
        start: Makes the run.
        state: What a checkpoint has of it; None: it begins.
    """

    key: str
    values: Mapping[str, Value]
    seed: int
    start: Callable[[], StageRun]
    state: Mapping[str, Any] | None = None

    def begin(self) -> StageRun:
        """The run where it stands."""
        run = self.start()
        if self.state is not None:
            restore_state(run.parts(), self.state)
        return run


@dataclass(frozen=True)
class Place:
    """Where companions are looked for: beside which trial.

    Attributes:
        job: Of the trial.
        device: Where it trains.
        store: Where it finds and keeps what stages made.
        keys: Of its stages.
        products: What its stages made so far, by name.
    """

    job: TrialJob
    device: torch.device
    store: Store
    keys: Mapping[str, str]
    products: Mapping[str, Product]


# hyperparameters, seed, and what a checkpoint has of the run
Asked = tuple[Mapping[str, Value], int, Mapping[str, Any] | None]


def find_companions(
    stage: Stage, asked: Sequence[Asked], place: Place, *, load: Callable[[int], TrialData]
) -> list[Companion]:
    """Those of the trials asked for whose stage can be trained here, each claimed.

    A stage that is stored, that another trial trains, or that needs a product which is not there
    is left out.

    Args:
        stage: The stage of the trial in question.
        asked: Trials of the same method.
        place: The trial, and where it works.
        load: The data of a seed.
    """
    found = []
    for values, seed, state in asked:
        stages = find_method(place.job.method).stages(values)
        theirs = next(one for one in stages if one.name == stage.name)
        data = load(seed)
        numerics = Numerics.current(place.device, fuse=place.job.fuse)
        keys = stage_keys(stages, values, seed=seed, data=data, numerics=numerics)
        key = keys[stage.name]
        if key == place.keys[stage.name] or place.store.holds(key):
            continue
        products = _products(theirs, keys, place)
        if products is None or not place.store.leases.claim(key):
            continue
        context = stage_context(
            theirs, values, seed=seed, data=data, products=products, device=place.device
        )
        found.append(Companion(key, values, seed, partial(theirs.start, context), state))
    return found


def _products(stage: Stage, keys: Mapping[str, str], place: Place) -> dict[str, Product] | None:
    """What the stage reads of earlier ones; None if one of them is not there."""
    products: dict[str, Product] = {}
    names = list(keys)
    for name in names[: names.index(stage.name)] if stage.after is None else stage.after:
        if keys[name] == place.keys.get(name) and name in place.products:
            products[name] = place.products[name]
            continue
        stored = place.store.load(keys[name])
        if stored is None:
            return None
        products[name] = stored[0]
    return products


def stage_context(
    stage: Stage,
    values: Mapping[str, Value],
    *,
    seed: int,
    data: TrialData,
    products: Mapping[str, Product],
    device: torch.device,
) -> StageContext:
    """All that a stage of a trial may use."""
    names = tuple(products) if stage.after is None else stage.after
    return StageContext(
        values=Values(stage.values_of(values), stage=stage.name, reads=stage.reads),
        splits=data.only(stage.splits, reader=stage.name),
        products={name: products[name] for name in names},
        seed=seed,
        num_classes=data.num_classes,
        image_size=data.image_size,
        device=device,
        labels=data.labels,
        graphs=graphs_asked() and stage.graphed,
    )
