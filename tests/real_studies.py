"""Studies run for real, through the command line: the command, and what of a run must repeat."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from tests.data.few_digits import few_digits

__all__ = ["SETTINGS", "dgsearch_command", "repeatable", "without"]

# Data and hyperparameters of MPBM with which a trial takes about half a second.
SETTINGS = f"""
[data]
benchmark = "digits-mini"
root = "{few_digits(scan=240, photo=120, street=120)}"
source = ["scan"]
targets = ["photo", "street"]
validation = 0.5
[hyperparameters]
epochs = 2
pretrain_epochs = 2
batch_size = 32
lr = 2e-3
T = 1
"""

_VOLATILE = ("trial_number", "started_at", "finished_at", "host", "peak_memory_mb", "attempt")


def dgsearch_command(
    folder: Path, *arguments: str, command: str = "run", database: str | None = None
) -> list[str]:
    """What runs the study file in a folder with the folder's database and artifacts."""
    database = database or str(folder / "study.db")
    places = ["--database", database, "--artifacts", str(folder / "artifacts")]
    study = str(folder / "study.toml")
    return [sys.executable, "-m", "dgsearch", command, study, *places, *arguments]


def without(settings: str, *names: str) -> str:
    """The settings but for the lines of some hyperparameters, which a method does not have."""
    lines = settings.splitlines()
    return "\n".join(line for line in lines if line.partition(" =")[0] not in names)


def repeatable(trials: pd.DataFrame, *, without: str) -> pd.DataFrame:
    """What must repeat: everything but times, places, memory and one more column."""
    kept = [
        name for name in trials if name not in (*_VOLATILE, without) and not name.endswith("_s")
    ]
    return trials[kept].sort_values(["config_id", "seed"]).reset_index(drop=True)
