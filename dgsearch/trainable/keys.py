"""Keys of stages: equal keys, equal products.

A key hashes everything that a product depends on: the stage and its version, the
hyperparameters that it reads, the keys of the stages before it, its splits' content, the
seed, the classes and image size, and the numeric settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from dgsearch.data.splits import TrialData
from dgsearch.methods.backbones import weights_identity
from dgsearch.methods.base import Stage
from dgsearch.methods.graphs import graphs_asked
from dgsearch.methods.network_names import code_identity
from dgsearch.space import Value
from dgsearch.study.teacher import GIVEN_TEACHER, TRAINED
from dgsearch.trainable.identities import digest, on_data, stage_identity


@dataclass(frozen=True)
class Numerics:
    """Settings on which the last bits of a result depend.

    Attributes:
        device: Kind of device, "cpu" or "cuda".
        threads: Threads of one operation.
        dtype: Of weights and activations.
        torch_version: Of torch.
        fuse: `[resources] fuse` of the study: which stages are trained as cohorts.
        graphs: Whether steps are recorded as CUDA graphs where they can be.
    """

    device: str
    threads: int
    dtype: str = "float32"
    torch_version: str = torch.__version__
    fuse: str | int = "off"
    graphs: bool = False

    @classmethod
    def current(cls, device: torch.device, *, fuse: str | int = "off") -> Numerics:
        """The settings of this process."""
        threads = torch.get_num_threads()
        return cls(device=device.type, threads=threads, fuse=fuse, graphs=graphs_asked())

    def everywhere(self) -> dict[str, Any]:
        """Those on which every stage depends, as plain data."""
        settings = asdict(self)
        del settings["fuse"], settings["graphs"]
        return settings

    def of(self, stage: Stage, values: Mapping[str, Value]) -> dict[str, Any]:
        """Those on which this stage depends, as plain data."""
        settings = self.everywhere()
        fused = is_fused(stage, values, fuse=self.fuse, device=self.device)
        graphed = self.graphs and stage.graphed and self.device == "cuda"
        settings |= {"fused": True} if fused else {}
        return settings | ({"graphs": True} if graphed else {})


def is_fused(stage: Stage, values: Mapping[str, Value], *, fuse: str | int, device: str) -> bool:
    """Whether a stage is trained as a cohort, if only of one member.

    Args:
        stage: The stage.
        values: Hyperparameters of the trial.
        fuse: `[resources] fuse` of the study.
        device: Kind of device, "cpu" or "cuda".
    """
    if fuse == "off" or stage.fusable is None:
        return False
    if fuse == "auto" and device == "cpu":
        return stage.fusable.pays_on_cpu(stage.values_of(values))
    return True


def stage_keys(
    stages: tuple[Stage, ...],
    values: Mapping[str, Value],
    *,
    seed: int,
    data: TrialData,
    numerics: Numerics,
) -> dict[str, str]:
    """The key of each stage of a chain, by its name."""
    keys: dict[str, str] = {}
    for stage in stages:
        before = tuple(keys) if stage.after is None else stage.after
        earlier = {name: keys[name] for name in before}
        keys[stage.name] = stage_key(
            stage, values, earlier=earlier, seed=seed, data=data, numerics=numerics
        )
    return keys


def stage_key(
    stage: Stage,
    values: Mapping[str, Value],
    *,
    earlier: Mapping[str, str],
    seed: int,
    data: TrialData,
    numerics: Numerics,
) -> str:
    """The key of one stage, 24 hexadecimal digits.

    Args:
        stage: The stage.
        values: Hyperparameters of the trial; only those that the stage reads count.
        earlier: Keys of the stages whose products it reads.
        seed: The trial's seed.
        data: The trial's data; only the splits that the stage reads count.
        numerics: Settings of the process that trains it.
    """
    parts = on_data(
        _identity(stage, values, earlier=earlier, seed=seed),
        splits={name: data.splits[name].fingerprint for name in stage.splits},
        classes=data.num_classes,
        image_size=data.image_size,
        numerics=numerics.of(stage, values),
    )
    if values.get(GIVEN_TEACHER, TRAINED) != TRAINED:
        parts["labels"] = data.labels  # its outputs are matched to them by name
    return digest(parts)


def prefix_ids(
    stages: tuple[Stage, ...], values: Mapping[str, Value], *, seed: int
) -> dict[str, str]:
    """What identifies each stage within one study, by its name.

    Two trials of a study that agree here have the same key; data and machine are the study's.
    """
    ids: dict[str, str] = {}
    for stage in stages:
        before = tuple(ids) if stage.after is None else stage.after
        earlier = {name: ids[name] for name in before}
        ids[stage.name] = digest(_identity(stage, values, earlier=earlier, seed=seed))
    return ids


def _identity(
    stage: Stage, values: Mapping[str, Value], *, earlier: Mapping[str, str], seed: int
) -> dict[str, Any]:
    read = stage.values_of(values)
    files = weights_identity(read) | code_identity(read)
    return stage_identity(stage.name, stage.version, read, files=files, earlier=earlier, seed=seed)
