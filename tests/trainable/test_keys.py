from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from dgsearch.data.batches import Split
from dgsearch.data.splits import TrialData
from dgsearch.methods.mpbm import MPBM
from dgsearch.trainable.keys import Numerics, stage_keys

CPU = torch.device("cpu")
NUMERICS = Numerics(device="cpu", threads=1)
VALUES = MPBM.space.defaults()


def _split(value: int) -> Split:
    images = torch.full((2, 3, 4, 4), value, dtype=torch.uint8)
    return Split(images, torch.tensor([0, 1]), CPU)


def _data(
    train: int = 0, test: int = 1, labels: tuple[str, ...] = ("0", "1"), size: int = 4
) -> TrialData:
    splits = {"source/train": _split(train), "target/test/photo": _split(test)}
    return TrialData(splits, labels, size)


def _keys(**changes: Any) -> dict[str, str]:
    settings: dict[str, Any] = {
        "stages": MPBM().stages(VALUES),
        "values": VALUES,
        "seed": 0,
        "data": _data(),
        "numerics": NUMERICS,
    }
    settings |= changes
    return stage_keys(
        settings["stages"],
        settings["values"],
        seed=settings["seed"],
        data=settings["data"],
        numerics=settings["numerics"],
    )


BASE = _keys()


def test_equal_trials_have_equal_keys() -> None:
    assert _keys() == BASE
    assert len(set(BASE.values())) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"data": _data(train=5)},
        {"data": _data(labels=("0", "1", "2"))},
        {"data": _data(size=8)},
        {"numerics": replace(NUMERICS, device="cuda")},
        {"numerics": replace(NUMERICS, threads=2)},
        {"numerics": replace(NUMERICS, dtype="bfloat16")},
        {"numerics": replace(NUMERICS, torch_version="0")},
        {"values": VALUES | {"lr": 0.5}},
        {"values": VALUES | {"network": "convnet-digits"}},
        {"values": VALUES | {"pretrain_epochs": 99}},
    ],
)
def test_what_the_first_stage_depends_on_changes_every_key(changes: dict[str, Any]) -> None:
    keys = _keys(**changes)
    assert all(keys[name] != BASE[name] for name in BASE)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_raised_version_changes_the_key_of_the_stage_and_of_those_after_it(place: int) -> None:
    stages = list(MPBM().stages(VALUES))
    stages[place] = replace(stages[place], version=99)
    keys = _keys(stages=tuple(stages))
    changed = [keys[name] != BASE[name] for name in BASE]
    assert changed == [index >= place for index in range(3)]


@pytest.mark.parametrize("name", ["lambda_adv", "lambda_mix", "T", "N_b", "epochs"])
def test_a_hyperparameter_of_the_last_stage_leaves_the_others_alone(name: str) -> None:
    keys = _keys(values=VALUES | {name: 3})
    assert keys["pretrain"] == BASE["pretrain"]
    assert keys["correlation"] == BASE["correlation"]
    assert keys["mpbm"] != BASE["mpbm"]


def test_a_split_that_is_not_read_does_not_count() -> None:
    assert _keys(data=_data(test=7)) == BASE
