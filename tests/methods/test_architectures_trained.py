"""Whole trials and single steps with drawn networks of torchvision and timm, and a user's own."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from dgsearch.methods.network_names import network_names
from dgsearch.methods.networks import build_network
from dgsearch.methods.registry import find_method
from dgsearch.study import DataSpec
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.trial import Trial
from tests.data.made import make_tree

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
_HUGE = ("regnet_y_128gf", "vit_h_14", "giant", "huge", "large", "xlarge", "7b", "1b", "_so400m")
OWN = """
from torch import nn

def pooled():
    convolution = nn.Conv2d(3, 8, 3, stride=2)
    return nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
"""


def _train(method: str, data: DataSpec, artifacts: Path, **values: Any) -> list[EpochReport]:
    job = TrialJob(
        study="networks",
        number=0,
        method=method,
        values=find_method(method).space.resolve(values),
        seed=0,
        data=data,
        artifacts=str(artifacts),
    )
    return list(Trial(job, CPU).reports())


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataSpec:
    monkeypatch.setenv("DGSEARCH_CACHE", str(tmp_path / "cache"))
    root = make_tree(tmp_path / "data", ["photo", "sketch"], ["cat", "dog"], each=4)
    return DataSpec(
        benchmark="folder",
        source=("photo",),
        targets=("sketch",),
        root=str(root),
        image_size=32,
        validation=0.25,
        student_images=4,
        student_validation=2,
    )


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "own_pooled.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_pooled", raising=False)
    return "own_pooled:pooled"


@pytest.mark.parametrize("name", ["timm/test_convnext", "timm/test_vit", "own"])
def test_mpbm_trains_it_for_an_epoch(tmp_path: Path, data: DataSpec, own: str, name: str) -> None:
    network = own if name == "own" else name
    reports = _train(
        "mpbm",
        data,
        tmp_path,
        network=network,
        batch_size=4,
        pretrain_epochs=1,
        epochs=1,
        T=1,
        N_b=2,
    )
    assert reports[-1].last
    assert {score.domain for score in reports[-1].scores} >= {"photo", "sketch"}


@pytest.mark.parametrize(
    ("teacher", "student"),
    [
        ("timm/test_vit", "convnet-student"),
        ("timm/test_convnext", "timm/test_convnext"),
        ("convnet-teacher", "timm/test_vit2"),
    ],
)
def test_augkd_distils_it(tmp_path: Path, data: DataSpec, teacher: str, student: str) -> None:
    reports = _train(
        "augkd",
        data,
        tmp_path,
        teacher_network=teacher,
        student_network=student,
        teacher_epochs=1,
        generator_epochs=1,
        generator_steps=1,
        student_steps=1,
        generated_batch=4,
        anchor_epochs=1,
        epochs=1,
        batch_size=4,
        generator_width=16,
        encoder_width=16,
        latent=8,
    )
    said = "the teacher has no batch norm, so the batch-norm loss has weight 0"
    assert any(said in text for text in reports[-1].warnings) == (teacher != "convnet-teacher")


def _drawn(count: int) -> list[str]:
    """So many of ten names of torchvision, and as many of timm."""
    draw = random.Random(0)
    names = network_names(timm=True)
    small = [name for name in names if not any(part in name for part in _HUGE)]
    torchvision = [name for name in small if names[name] == "torchvision"]
    timm = [name for name in small if names[name] == "timm"]
    return [*draw.sample(torchvision, 10)[:count], *draw.sample(timm, 10)[:count]]


@pytest.mark.parametrize("count", [2, pytest.param(10, marks=pytest.mark.long)])
def test_drawn_networks_build_and_train_a_step(count: int) -> None:
    """Two of each library in CI; the others differ in nothing but their layers."""
    for name in _drawn(count):
        network = build_network(name, num_classes=3, image_size=224, seed=0, device=CPU)
        network.train()
        logits = network(torch.rand(2, 3, 224, 224))
        assert logits.shape == (2, 3), name
        F.cross_entropy(logits, torch.tensor([0, 2])).backward()
        learnt = [weight.grad for weight in network.extractor.parameters()]
        assert any(grad is not None and bool(grad.any()) for grad in learnt), name
