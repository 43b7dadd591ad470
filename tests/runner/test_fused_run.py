"""A study whose trials share the training of their stages, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from sqlalchemy import create_engine, select

from dgsearch.database.queries import read_scores, read_trials
from dgsearch.database.tables import OWN_TRIALS
from tests import warm
from tests.data.few_digits import few_digits
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STUDY = f"""
name = "fused"
method = "augkd"
seeds = [0, 1]
[data]
benchmark = "digits-mini"
root = "{few_digits(textured=240, photo=180)}"
source = ["textured"]
targets = ["photo"]
validation = 0.5
student_images = 60
student_validation = 60
[hyperparameters]
teacher_epochs = 1
latent = 8
generator_width = 16
encoder_width = 16
generator_epochs = 1
generator_steps = 2
student_steps = 1
generated_batch = 16
anchor_epochs = 2
epochs = 2
[design]
kind = "grid"
vary.anchor_lr = [1e-3, 3e-3]
vary.invariant = [0.2, 0.5]
[resources]
concurrent = 1
fuse = "auto"
graphs = "on"
"""


def _stages(folder: Path) -> list[dict[str, Any]]:
    """How every trial came by its shared stages."""
    engine = create_engine(f"sqlite:///{folder / 'study.db'}")
    with engine.connect() as connection:
        rows = connection.execute(select(OWN_TRIALS.c.stages_json)).scalars()
        return [use for row in rows for use in json.loads(row)]


def test_each_trial_stays_a_trial_and_one_a_seed_trains_the_anchors(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    ran = warm.run(dgsearch_command(tmp_path), capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stderr
    if not torch.cuda.is_available():
        assert 'resources.graphs = "on" records steps on CUDA devices' in ran.stderr + ran.stdout
    trials = read_trials(tmp_path / "study.db")
    assert trials["state"].tolist() == ["COMPLETE"] * 8
    assert trials["epochs"].tolist() == [2] * 8
    anchors = [use for use in _stages(tmp_path) if use["stage"] == "anchor"]
    assert len({use["key"] for use in anchors}) == 8
    assert sum(not use["taken"] for use in anchors) == 2


LAST = f"""
name = "ahead"
method = "erm"
seeds = [0, 1]
[data]
benchmark = "digits-mini"
root = "{few_digits(scan=400, photo=60)}"
source = ["scan"]
targets = ["photo"]
validation = 0.6
[hyperparameters]
pretrain_epochs = 1
epochs = 4
[design]
kind = "grid"
vary.lr = [3e-3, 1e-3, 3e-4, 1e-4]
[halving]
grace_epochs = 1
keep_one_in = 2
allow_truncated = true
[resources]
concurrent = 1
"""
DECISION = ["lr", "seed", "stop_reason", "rung", "epochs", "selected_epoch"]


def _run(folder: Path, fuse: str) -> pd.DataFrame:
    folder.mkdir()
    (folder / "study.toml").write_text(LAST + fuse)
    ran = warm.run(dgsearch_command(folder), capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stderr
    return read_trials(folder / "study.db").sort_values("trial_number").reset_index(drop=True)


@pytest.mark.long
def test_halving_decides_on_last_stages_that_were_trained_ahead_as_on_any(tmp_path: Path) -> None:
    """One trial at a time in the order of the plan: each decision follows from those before."""
    alone, fused = _run(tmp_path / "alone", ""), _run(tmp_path / "fused", "fuse = 8\n")
    assert set(alone["stop_reason"]) == {"finished", "halved"}
    alone, fused = (frame.sort_values("trial_number") for frame in (alone, fused))
    pd.testing.assert_frame_equal(fused[DECISION], alone[DECISION], check_dtype=False)
    scores = read_scores(tmp_path / "fused" / "study.db")
    members = scores[scores["metric"] == "cohort"].groupby("trial_number")["value"].max()
    assert members.max() == 8
    first = scores[(scores["metric"] == "cohort") & (scores["epoch"] == 1)]
    assert (first["value"] == 8).all()  # all of them trained to the first rung at once
    folders = tmp_path / "fused" / "artifacts" / "trials" / "ahead"
    assert not list(folders.glob("ahead/*"))
