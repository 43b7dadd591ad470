"""Whole trials with real backbones, and with every option that trades digits for speed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dgsearch.methods.networks import build_network
from dgsearch.methods.registry import find_method
from dgsearch.study import DataSpec
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.trial import Trial
from tests.data.few_digits import few_digits
from tests.data.made import make_tree

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_generated")]

CPU = torch.device("cpu")
DIGITS = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",))


def _train(method: str, data: DataSpec, artifacts: Path, **values: Any) -> list[EpochReport]:
    """Every report of one trial."""
    job = TrialJob(
        study="backbones",
        number=0,
        method=method,
        values=find_method(method).space.resolve(values),
        seed=0,
        data=data,
        artifacts=str(artifacts),
    )
    return list(Trial(job, CPU).reports())


def _folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, each: int = 12
) -> DataSpec:
    monkeypatch.setenv("DGSEARCH_CACHE", str(tmp_path / "cache"))
    root = make_tree(tmp_path / "data", ["photo", "sketch"], ["cat", "dog"], each=each)
    return DataSpec(
        benchmark="folder",
        source=("photo",),
        targets=("sketch",),
        root=str(root),
        image_size=size,
        validation=0.25,
        student_images=13,
        student_validation=5,
    )


def _check(reports: list[EpochReport]) -> None:
    last = reports[-1]
    assert last.last
    assert last.stage_epoch == last.stage_epochs == 1
    found = {(score.split, score.domain, score.metric) for score in last.scores}
    assert ("test", "sketch", "accuracy") in found
    assert last.peak_memory_mb > 0


def test_mpbm_trains_a_resnet18_at_224_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = _train(
        "mpbm",
        _folder(tmp_path, monkeypatch, 224, each=3),
        tmp_path,
        network="resnet18",
        optimiser="sgd",
        lr_schedule="cosine",
        augment="crop_flip",
        lr=1e-3,
        batch_size=3,
        pretrain_epochs=1,
        epochs=1,
        T=1,
        N_b=2,
    )
    _check(reports)
    assert [report.stage for report in reports] == ["pretrain", "correlation", "mpbm"]


def test_augkd_distils_a_resnet34_into_a_mobilenet_at_32_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = _folder(tmp_path, monkeypatch, 32)
    teacher = build_network("resnet34", num_classes=9, image_size=32, seed=5, device=CPU)
    weights = {name: item.contiguous() for name, item in teacher.state_dict().items()}
    save_file(weights, tmp_path / "teacher.safetensors")
    reports = _train(
        "augkd",
        data,
        tmp_path,
        teacher_network="resnet34",
        teacher_weights=str(tmp_path / "teacher.safetensors"),
        student_network="mobilenet_v3_small",
        augment="crop_flip",
        batch_size=6,  # 13 images: the last batch of one joins its neighbour
        teacher_batch_size=17,  # 18 images: likewise
        teacher_epochs=1,
        generator_epochs=1,
        generator_steps=2,
        student_steps=1,
        generated_batch=8,
        latent=8,
        generator_width=16,
        encoder_width=16,
        anchor_epochs=1,
        epochs=1,
    )
    _check(reports)


@pytest.fixture(scope="module")
def plain_accuracy(tmp_path_factory: pytest.TempPathFactory) -> float:
    return _accuracy(tmp_path_factory.mktemp("plain"))


def shallow(num_classes: int, image_size: int) -> nn.Module:
    """One convolution with batch norm, of which there is less to compile than of ours."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=2), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    )


def _accuracy(artifacts: Path, **options: str) -> float:
    """On the source's validation split, 957 images."""
    data = DIGITS.model_copy(update={"validation": 0.8, "root": few_digits(photo=60)})
    reports = _train(
        "erm",
        data,
        artifacts,
        network=f"{__name__}:shallow",
        pretrain_epochs=3,
        epochs=1,
        lr=3e-3,
        **options,
    )
    value = reports[-1].value
    assert value is not None
    return value


@pytest.mark.parametrize(
    "options",
    [
        {"precision": "bf16"},
        {"memory_format": "contiguous"},
        pytest.param(
            {"compile": "on"},
            marks=pytest.mark.skipif(
                shutil.which("g++") is None, reason="torch.compile needs a C++ compiler"
            ),
        ),
    ],
    ids=lambda options: next(iter(options)),
)
def test_an_option_for_speed_keeps_accuracy_within_noise(
    tmp_path: Path,
    plain_accuracy: float,
    options: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "compile" in options:  # in this process: another would import PyTorch for it
        monkeypatch.setattr("torch._inductor.config.compile_threads", 1)
        # For any processor: which one this is PyTorch finds out by compiling programs.
        monkeypatch.setattr("torch._inductor.config.cpp.vec_isa_ok", True)
        monkeypatch.setattr("torch._inductor.config.cpp.simdlen", 0)
    assert plain_accuracy > 0.85  # chance is 0.1
    # Two standard errors of a difference of two accuracies near 0.9 on 957 images: 0.027.
    noise = 2 * (2 * 0.9 * 0.1 / 957) ** 0.5
    assert abs(_accuracy(tmp_path, **options) - plain_accuracy) < noise


@pytest.mark.parametrize("method", ["mpbm", "augkd"])
def test_a_method_trains_in_bf16(tmp_path: Path, method: str) -> None:
    """What follows the extractor stays in float32, so that every method can use it."""
    source = "textured" if method == "augkd" else "scan"
    small: dict[str, Any] = {
        "pretrain_epochs": 1,
        "teacher_epochs": 1,
        "student_network": "convnet-small",
        "T": 1,
        "latent": 8,
        "generator_width": 16,
        "encoder_width": 16,
        "generator_epochs": 1,
        "generator_steps": 3,
        "student_steps": 1,
        "generated_batch": 32,
        "anchor_epochs": 1,
    }
    known = {name: item for name, item in small.items() if name in find_method(method).space}
    root = few_digits(scan=120, textured=120, photo=240)
    data = DIGITS.model_copy(update={"source": (source,), "validation": 0.5, "root": root})
    reports = _train(method, data, tmp_path, precision="bf16", epochs=1, **known)
    assert reports[-1].value is not None
