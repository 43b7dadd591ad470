"""The checkpoint of a trial: a folder, a file, and the state of a stage that resumes from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import quote

import torch

from dgsearch.errors import ArtifactError
from dgsearch.methods.base import StageRun, restore_state, state_of
from dgsearch.seeding import derive_seed
from dgsearch.trainable.patience import refused
from dgsearch.trainable.process_state import seed_other_generators
from dgsearch.trainable.tensor_files import read_tree, write_tree

logger = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.safetensors"
_NAME_CHARACTERS = 200  # of a folder


def trial_folder(artifacts: str | Path, study: str, number: int) -> Path:
    """Folder of a trial's checkpoint: `trials/<study>/<number>`; any study name is safe here."""
    return study_folder(artifacts, study) / str(number)


def study_folder(artifacts: str | Path, study: str) -> Path:
    """Folder of all checkpoints of a study.

    A long name is cut and told apart by its digest; "." and ".." would be other folders.
    """
    name = quote(study, safe=" ")
    if len(name) > _NAME_CHARACTERS:
        name = f"{name[:_NAME_CHARACTERS]}-{blake2b(study.encode(), digest_size=8).hexdigest()}"
    if name in {".", ".."}:
        name = name.replace(".", "%2E")
    return Path(artifacts) / "trials" / name


def write_checkpoint(file: Path, state: Mapping[str, Any]) -> bool:
    """Write a checkpoint; False if there is no room: its trial continues and tries again later."""
    try:
        write_tree(file, state)
    except OSError as error:
        logger.warning("%s: no checkpoint written: %s", file, error.strerror)
        return False
    return True


def read_checkpoint(file: Path) -> dict[str, Any]:
    """What was written; {} where there is none, or none that is whole.

    Raises:
        ArtifactFolderError: If it cannot be read.
    """
    try:
        saved: dict[str, Any] = read_tree(file)
    except FileNotFoundError:
        return {}
    except ArtifactError as error:
        logger.warning("%s; the trial starts again", error)
        return {}
    except OSError as error:
        raise refused(error, file) from error
    return saved


def begin_run(
    start: Callable[[], StageRun],
    *,
    seed: int,
    stage: str,
    device: torch.device,
    saved: Mapping[str, Any] | None = None,
) -> StageRun:
    """The run of a stage where it stands, with torch's random numbers where they stand.

    Args:
        start: Makes the run.
        seed: Of the trial.
        stage: Name of the stage.
        device: Where it trains.
        saved: What `run_state` gave; None: it begins.
    """
    torch.manual_seed(derive_seed(seed, stage, "global"))
    seed_other_generators(seed, stage, 0)
    run = start()
    if saved is None:
        return run
    restore_state(run.parts(), saved["state"])
    torch.set_rng_state(saved["rng"])
    if device.type == "cuda" and saved.get("device_rng") is not None:
        torch.cuda.set_rng_state(saved["device_rng"], device)
    return run


def run_state(run: StageRun, *, key: str, epoch: int, device: torch.device) -> dict[str, Any]:
    """What a checkpoint holds of the run of a stage after an epoch."""
    state = {"key": key, "epoch": epoch, "state": state_of(run.parts())}
    return state | random_state(device)


def random_state(device: torch.device) -> dict[str, torch.Tensor | None]:
    """Where torch's random numbers stand; those of a device are None on a CPU."""
    cuda = device.type == "cuda"
    return {
        "rng": torch.get_rng_state(),
        "device_rng": torch.cuda.get_rng_state(device) if cuda else None,
    }
