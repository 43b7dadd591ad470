"""ASHA's last epoch where `epochs` itself is varied."""

from __future__ import annotations

from typing import Any

import pytest

from dgsearch.runner.commands import load_study
from dgsearch.runner.execution import _epochs


@pytest.mark.parametrize(
    ("design", "longest"),
    [
        ('kind = "grid"\nvary.epochs = [3, 40]', 40),
        ('kind = "grid"\nvary.epochs = [1, 2]', 7),  # the centre and baselines have seven
        ('kind = "search"\ntrials = 5\nvary.epochs = { low = 1, high = 100 }', 100),
        ('kind = "ablation"\nvariants.long = { epochs = 9 }', 9),
        ('kind = "one-at-a-time"\nvary.T = [1, 2]', 7),
    ],
)
def test_the_longest_trial_sets_the_last_epoch(tmp_path: Any, design: str, longest: int) -> None:
    file = tmp_path / "study.toml"
    fixed = "" if "search" in design else "hyperparameters.epochs = 7\n"
    file.write_text(
        f'name = "s"\nmethod = "mpbm"\nseeds = [0]\n{fixed}'
        '[data]\nbenchmark = "digits-mini"\nsource = ["scan"]\ntargets = ["photo"]\n'
        f"[design]\n{design}\n",
        encoding="utf-8",
    )
    assert _epochs(load_study(file)) == longest
