"""What only an accelerator can show; run by `pytest -m gpu` on a machine that has one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from dgsearch.data.splits import load_trial_data
from dgsearch.methods.acceleration import Acceleration
from dgsearch.methods.networks import build_network
from dgsearch.methods.registry import find_method
from dgsearch.study import DataSpec
from dgsearch.trainable.checkpoint import trial_folder
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.tensor_files import read_tree
from dgsearch.trainable.trial import Trial
from tests.gpu_device import DEVICE, needs_device

pytestmark = [pytest.mark.gpu, needs_device]

DATA = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",), validation=0.6)


@pytest.fixture(autouse=True)
def _restored_settings() -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    yield
    torch.backends.cudnn.allow_tf32 = before[0]
    torch.set_float32_matmul_precision(before[1])


def _job(artifacts: Path, method: str = "erm", **values: Any) -> TrialJob:
    settings = {"network": "convnet-student", "pretrain_epochs": 3, "epochs": 1, "lr": 3e-3}
    return TrialJob(
        study="gpu",
        number=0,
        method=method,
        values=find_method(method).space.resolve({**settings, **values}),
        seed=0,
        data=DATA,
        artifacts=str(artifacts),
    )


def _last(artifacts: Path, method: str = "erm", **values: Any) -> EpochReport:
    job = _job(artifacts, method, **values)
    return list(Trial(job, torch.device(DEVICE)).reports())[-1]


@pytest.mark.parametrize(
    "options",
    [
        {"precision": "bf16"},
        {"memory_format": "contiguous"},
        {"tf32": "on"},
        {"compile": "on"},
        {"precision": "bf16", "tf32": "on", "compile": "on"},
    ],
    ids=lambda options: "+".join(options),
)
def test_an_option_for_speed_keeps_accuracy_within_noise(
    tmp_path: Path, options: dict[str, str]
) -> None:
    plain = _last(tmp_path / "plain").value
    fast = _last(tmp_path / "fast", **options).value
    assert plain is not None
    assert fast is not None
    assert plain > 0.85
    assert abs(fast - plain) < 2 * (2 * 0.9 * 0.1 / 718) ** 0.5  # two standard errors: 0.032


def test_tf32_is_set_for_a_trial_and_taken_back_by_the_next() -> None:
    for wanted in (True, False):
        build_network(
            "convnet-small",
            num_classes=2,
            image_size=32,
            seed=0,
            device=torch.device(DEVICE),
            acceleration=Acceleration(tf32=wanted),
        )
        assert torch.backends.cudnn.allow_tf32 is wanted


def test_splits_lie_on_the_device_and_peak_memory_is_that_of_the_device(tmp_path: Path) -> None:
    data = load_trial_data(DATA, seed=0, device=torch.device(DEVICE))
    batch = data.splits["source/train"].take(torch.arange(4, device=DEVICE))
    assert batch.images.device.type == batch.labels.device.type == "cuda"
    peak = _last(tmp_path, "mpbm", T=1).peak_memory_mb
    assert 0 < peak < torch.cuda.get_device_properties(0).total_memory / 1e6


def test_a_checkpoint_holds_the_random_numbers_of_the_device(tmp_path: Path) -> None:
    reports = Trial(_job(tmp_path), torch.device(DEVICE), checkpoint_s=0.0).reports()
    next(reports)
    saved = read_tree(trial_folder(tmp_path, "gpu", 0) / "checkpoint.safetensors")
    assert torch.equal(saved["device_rng"], torch.cuda.get_rng_state())
    reports.close()  # type: ignore[attr-defined]
