"""A trial killed inside each of its stages ends with the weights of one left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from dgsearch.trainable.tensor_files import read_tree
from tests.data.few_digits import few_digits

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Forks a trial for each line that it reads, so that PyTorch is imported once, as is its compiler,
# which the first optimiser imports.
SCRIPT = """
import json, os, sys, torch, torch._dynamo
from dgsearch.methods.augkd import data_free, distill
from dgsearch.methods.registry import find_method
from dgsearch.study import DataSpec
from dgsearch.trainable.reports import TrialJob
from dgsearch.trainable.trial import Trial

torch.set_num_threads(1)
data_free._SHOWN = distill._GENERATED = 32  # images that describe a generator, instead of 512
values = find_method("mpbm+augkd").space.resolve(json.loads(sys.argv[1]))
data = DataSpec(
    benchmark="digits-mini",
    source=("textured",),
    targets=("photo",),
    validation=0.5,
    student_images=48,
    student_validation=16,
    root=sys.argv[2],
)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        folder, number, continues = json.loads(line)
        job = TrialJob("killed", number, "mpbm+augkd", values, 1, data, folder, True, continues)
        print("trial", os.getpid(), flush=True)
        for report in Trial(job, torch.device("cpu"), checkpoint_s=0.0).reports():
            print(report.stage, report.stage_epoch, flush=True)
        os._exit(0)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
VALUES = {
    "teacher_epochs": 2,
    "teacher_rounds": 2,
    "teacher_batch_size": 16,
    "T": 1,
    "latent": 8,
    "generator_width": 16,
    "encoder_width": 16,
    "generator_epochs": 2,
    "generator_steps": 3,
    "student_steps": 1,
    "generated_batch": 16,
    "anchor_epochs": 2,
    "batch_size": 16,
    "epochs": 3,
}
STAGES = ("pretrain", "mpbm", "data_free", "anchor", "distill")


@pytest.fixture
def trials() -> Iterator[subprocess.Popen[str]]:
    """The process that forks a trial for each line."""
    root = few_digits(textured=96, photo=96)
    command = [sys.executable, "-c", SCRIPT, json.dumps(VALUES), root]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _run(
    trials: subprocess.Popen[str],
    folder: Path,
    number: int,
    continues: int | None,
    *,
    until: str | None = None,
) -> tuple[list[str], int]:
    """What a trial prints, and its exit status; after the line `until` it is killed."""
    assert trials.stdin is not None
    assert trials.stdout is not None
    trials.stdin.write(json.dumps([str(folder), number, continues]) + "\n")
    trials.stdin.flush()
    pid = int(trials.stdout.readline().removeprefix("trial "))
    lines: list[str] = []
    for line in map(str.strip, trials.stdout):
        if line.startswith("ended "):
            return lines, int(line.removeprefix("ended "))
        lines.append(line)
        if line == until:
            os.kill(pid, signal.SIGKILL)
    raise AssertionError("the trials' process has ended")


def _student(folder: Path, number: int) -> dict[str, torch.Tensor]:
    file = folder / "trials" / "killed" / str(number) / "checkpoint.safetensors"
    saved = read_tree(file)
    assert saved["epoch"] == 3
    weights: dict[str, torch.Tensor] = saved["state"]["classifier"]
    return weights


def test_killed_in_every_stage_it_ends_with_the_same_weights(
    tmp_path: Path, trials: subprocess.Popen[str]
) -> None:
    lines, code = _run(trials, tmp_path / "alone", 0, None)
    assert (len(lines), code) == (2 + 1 + 2 + 2 + 2 + 3, 0)

    folder = tmp_path / "killed"
    for number, stage in enumerate(STAGES):
        before = number - 1 if number else None
        _, code = _run(trials, folder, number, before, until=f"{stage} 1")
        assert code == -signal.SIGKILL
    lines, code = _run(trials, folder, len(STAGES), len(STAGES) - 1)
    assert (lines[-1], code) == ("distill 3", 0)
    expected = _student(tmp_path / "alone", 0)
    resumed = _student(folder, len(STAGES))
    assert all(torch.equal(resumed[name], tensor) for name, tensor in expected.items())
