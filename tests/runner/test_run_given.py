"""A study without a source, run for real: its teacher is a file of somebody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from dgsearch.data.splits import TARGET_VALIDATION, load_trial_data
from dgsearch.methods.augkd.given import build_given
from dgsearch.report.building import build_page
from dgsearch.report.parts import Note, Section, Table
from dgsearch.study.spec import DataSpec
from dgsearch.study.teacher import TeacherSpec
from tests import warm
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NETWORK = """
from torch import nn

def make():
    return nn.Sequential(nn.Conv2d(1, 4, 5, stride=3), nn.Flatten(), nn.Linear(256, 10))
"""
STUDY = """
name = "given"
method = "augkd"
baselines = ["kd"]
seeds = [0]
[data]
benchmark = "digits-mini"
targets = ["photo"]
[teacher]
file = "t.pth"
network = "own_given:make"
classes = ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"]
normalise = "none"
image_size = 28
channels = 1
[hyperparameters]
generator_epochs = 1
generator_steps = 1
student_steps = 1
generated_batch = 8
generator_width = 16
encoder_width = 16
anchor_epochs = 1
epochs = 1
[design]
kind = "grid"
vary.a = [0.5]
"""


def _dgsearch(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), *(place for place in sys.path if place)])
    return warm.run(
        command,
        capture_output=True,
        text=True,
        timeout=500,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two trials that has run to its end."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "own_given.py").write_text(NETWORK, encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 5, stride=3), nn.Flatten(), nn.Linear(256, 10))
    torch.save(network.state_dict(), folder / "t.pth")
    ran = _dgsearch(folder, dgsearch_command(folder))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> dict[str, Section]:
    (part,) = build_page(folder / "study.db", ["given"]).parts
    return {section.anchor: section for section in part.sections}


def _teacher_accuracy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> float:
    """Of the teacher by itself on the validation images of seed 0."""
    monkeypatch.syspath_prepend(str(folder))
    data = DataSpec(benchmark="digits-mini", targets=("photo",))
    loaded = load_trial_data(data, seed=0, device=torch.device("cpu"), one_target=True)
    spec = TeacherSpec(
        file="t.pth",
        network="own_given:make",
        classes=tuple("9876543210"),
        normalise="none",
        image_size=28,
        channels=1,
    )
    state = torch.load(folder / "t.pth", weights_only=True)
    teacher = build_given(
        spec.model_dump_json(), state, labels=loaded.labels, image_size=loaded.image_size
    )
    held_out = loaded.splits[TARGET_VALIDATION]
    return float((teacher(held_out.images).argmax(dim=1) == held_out.labels).float().mean())


def test_the_first_number_of_the_page_is_the_teachers_accuracy(
    folder: Path, page: dict[str, Section], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = next(block for block in page["answer"].blocks if isinstance(block, Note))
    number = 100 * _teacher_accuracy(folder, monkeypatch)
    begin = f"The given teacher t.pth (own_given:make) classifies {number:.1f} % of the validation"
    assert first.text.startswith(begin)


def test_the_failures_of_every_part_are_looked_for(page: dict[str, Section]) -> None:
    (table,) = [block for block in page["signatures"].blocks if isinstance(block, Table)]
    assert {str(row[0]) for row in table.rows} >= {
        "anchor not surer",
        "few classes",
        "mask empty",
        "student below teacher",
        "encoder does not transfer",
    }


def test_plan_and_status_know_what_has_ended(folder: Path) -> None:
    planned = _dgsearch(folder, dgsearch_command(folder, command="plan"))
    assert planned.returncode == 0
    assert "2 have ended" in planned.stdout
    assert "teacher: needed 2 times, trained 0 times (1 stored)" in planned.stdout
    command = [sys.executable, "-m", "dgsearch", "status", "given", "--database", "study.db"]
    shown = _dgsearch(folder, command)
    assert shown.returncode == 0
    assert "2/2" in shown.stdout
