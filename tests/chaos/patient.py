"""A method that trains like manifold mixup and can be held, and the study that is disturbed."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.sleeper import with_plugin
from tests.data.few_digits import few_digits

__all__ = ["HELD_FROM", "LONGER", "STUDY", "with_patient"]

HELD_FROM = 0.8  # trials with a mixup_alpha of at least this wait while they are held
_METHOD = f"""
import os
import time
from dataclasses import replace

from dgsearch.methods.mixup import MANIFOLD_MIXUP


def _loss(network, batch, settings):
    time.sleep(float(os.environ.get("PATIENT_PAUSE_S", "0")))
    held_by = os.environ.get("PATIENT_HELD_BY", "")
    while settings.values.number("mixup_alpha") >= {HELD_FROM} and os.path.exists(held_by):
        time.sleep(0.1)
    return MANIFOLD_MIXUP.loss(network, batch, settings)


PATIENT = replace(MANIFOLD_MIXUP, name="patient", loss=_loss)
"""

STUDY = f"""
name = "killed"
method = "patient"
seeds = [0, 1]
[data]
benchmark = "digits-mini"
root = "{few_digits(scan=240, photo=120, street=120)}"
source = ["scan"]
targets = ["photo", "street"]
validation = 0.5
[hyperparameters]
network = "convnet-small"
pretrain_epochs = 4
batch_size = 32
lr = 1e-3
epochs = 9
[design]
kind = "grid"
vary.mixup_alpha = [0.1, 0.2, 0.4, 0.8]
[retries]
interrupted = 100
lost_worker = 100
"""
LONGER = STUDY.replace("0.8]", "0.8, 1.6, 3.2, 6.4, 12.8]").replace("[0, 1]", "[0, 1, 2]")


def with_patient(
    folder: Path, *, held_by: Path | None = None, pause_s: float = 0.0
) -> dict[str, str]:
    """An environment in which the method `patient` is installed.

    Args:
        folder: Where its files are written.
        held_by: While this file exists, trials from `HELD_FROM` on do not begin their last stage,
            so that the study cannot end.
        pause_s: How long each batch of the last stage waits, so that a trial takes long without
            computing.
    """
    environment = with_plugin(folder, "patient", _METHOD, "patient:PATIENT")
    environment["PATIENT_PAUSE_S"] = str(pause_s)
    if held_by is not None:
        environment["PATIENT_HELD_BY"] = str(held_by)
    return environment
