"""A trial killed inside each of its stages ends with the weights of one left alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dgsearch.trainable.tensor_files import read_tree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SCRIPT = """
import json, sys, torch
from dgsearch.methods.registry import find_method
from dgsearch.study import DataSpec
from dgsearch.trainable.reports import TrialJob
from dgsearch.trainable.trial import Trial

folder, number, continues = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
torch.set_num_threads(1)
values = find_method("mpbm+augkd").space.resolve(json.loads(sys.argv[4]))
data = DataSpec(benchmark="digits-mini", source=("textured",), targets=("photo",), validation=0.8)
job = TrialJob("killed", number, "mpbm+augkd", values, 1, data, folder, True, continues)
for report in Trial(job, torch.device("cpu"), checkpoint_s=0.0).reports():
    print(report.stage, report.stage_epoch, flush=True)
"""
VALUES = {
    "teacher_epochs": 2,
    "teacher_rounds": 2,
    "teacher_batch_size": 32,
    "T": 1,
    "latent": 8,
    "generator_width": 16,
    "encoder_width": 16,
    "generator_epochs": 2,
    "generator_steps": 3,
    "student_steps": 1,
    "generated_batch": 16,
    "anchor_epochs": 2,
    "batch_size": 32,
    "epochs": 3,
}
STAGES = ("pretrain", "mpbm", "data_free", "anchor", "distill")


def _start(folder: Path, number: int, continues: int | None) -> subprocess.Popen[str]:
    arguments = [str(folder), str(number), json.dumps(continues), json.dumps(VALUES)]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments], stdout=subprocess.PIPE, text=True
    )


def _student(folder: Path, number: int) -> dict[str, torch.Tensor]:
    file = folder / "trials" / "killed" / str(number) / "checkpoint.safetensors"
    saved = read_tree(file)
    assert saved["epoch"] == 3
    weights: dict[str, torch.Tensor] = saved["state"]["classifier"]
    return weights


def test_killed_in_every_stage_it_ends_with_the_same_weights(tmp_path: Path) -> None:
    alone = _start(tmp_path / "alone", 0, None)
    assert alone.communicate(timeout=200)[0].count("\n") == 2 + 1 + 2 + 2 + 2 + 3
    assert alone.returncode == 0

    folder = tmp_path / "killed"
    for number, stage in enumerate(STAGES):
        process = _start(folder, number, number - 1 if number else None)
        assert process.stdout is not None
        for line in process.stdout:
            if line == f"{stage} 1\n":
                process.send_signal(signal.SIGKILL)
                break
        process.communicate(timeout=60)  # closes the pipe
        assert process.returncode == -signal.SIGKILL
    last = _start(folder, len(STAGES), len(STAGES) - 1)
    assert last.communicate(timeout=200)[0].splitlines()[-1] == "distill 3"
    expected = _student(tmp_path / "alone", 0)
    resumed = _student(folder, len(STAGES))
    assert all(torch.equal(resumed[name], tensor) for name, tensor in expected.items())
