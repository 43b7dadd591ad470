"""A study whose trials share the training of their stages, through the command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from dgsearch.database.queries import read_trials
from dgsearch.database.tables import OWN_TRIALS
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STUDY = """
name = "fused"
method = "augkd"
seeds = [0, 1]
[data]
benchmark = "digits-mini"
source = ["textured"]
targets = ["photo"]
validation = 0.8
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
"""


def _stages(folder: Path) -> list[dict[str, Any]]:
    """How every trial came by its shared stages."""
    engine = create_engine(f"sqlite:///{folder / 'study.db'}")
    with engine.connect() as connection:
        rows = connection.execute(select(OWN_TRIALS.c.stages_json)).scalars()
        return [use for row in rows for use in json.loads(row)]


def test_each_trial_stays_a_trial_and_one_a_seed_trains_the_anchors(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    ran = subprocess.run(dgsearch_command(tmp_path), capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stderr
    trials = read_trials(tmp_path / "study.db")
    assert trials["state"].tolist() == ["COMPLETE"] * 8
    assert trials["epochs"].tolist() == [2] * 8
    anchors = [use for use in _stages(tmp_path) if use["stage"] == "anchor"]
    assert len({use["key"] for use in anchors}) == 8
    assert sum(not use["taken"] for use in anchors) == 2
