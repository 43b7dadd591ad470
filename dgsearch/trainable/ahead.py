"""Checkpoints of last stages that were trained ahead, beside those of other trials.

The trial has no number yet. Its checkpoint lies in `trials/<study>/ahead/<id>`, where the id
hashes all that its epochs depend on, until the trial begins and makes the folder its own. Whoever
trains the stage, ahead or as the trial itself, holds a lease on it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from dgsearch.trainable.checkpoint import CHECKPOINT, study_folder
from dgsearch.trainable.identities import digest
from dgsearch.trainable.leases import POLL_S, Leases
from dgsearch.trainable.reports import TrialJob

_AHEAD, _LEASES = "ahead", "leases"
_KEPT_S = 7 * 24 * 3600.0  # an interrupted study may be resumed for so long with what it has


class Ahead:
    """Where one trial's last stage is trained ahead.

    Attributes:
        file: Its checkpoint.
    """

    def __init__(self, job: TrialJob, key: str) -> None:
        """Of the trial that `job` describes, whose last stage has this key."""
        folder = study_folder(job.artifacts, job.study) / _AHEAD
        self._id = _identity(job, key)
        self._leases = Leases(folder / _LEASES)
        self._folder = folder / self._id
        self.file = self._folder / CHECKPOINT

    def claim(self) -> bool:
        """Claim the training; False while another living process has it."""
        return self._leases.claim(self._id)

    def release(self) -> None:
        """Give the claim back."""
        self._leases.release(self._id)

    def take(self, folder: Path) -> None:
        """Claim the training for the trial itself, and move what is there to its own folder.

        Waits while another trial's worker trains it. A trial that has a checkpoint of its own
        leaves the other one where it is.
        """
        while not self.claim():
            time.sleep(POLL_S)
        if not folder.exists():
            with suppress(FileNotFoundError):
                self._folder.rename(folder)


class TrainedAhead(NamedTuple):
    """A checkpoint whose trial has not begun.

    Attributes:
        study: Folder name of the study.
        name: Its own name.
        bytes: Its size.
        in_use: Whether it is being trained at present.
        left_over: Whether it lay untouched for a week.
    """

    study: str
    name: str
    bytes: int
    in_use: bool
    left_over: bool


def trained_ahead(artifacts: Path) -> list[TrainedAhead]:
    """All of them, of every study, by name."""
    return [found for found, _ in _found(artifacts)]


def sweep_ahead(artifacts: Path) -> list[TrainedAhead]:
    """Delete those that are left over; returns them."""
    gone = []
    for found, place in _found(artifacts):
        if found.left_over:
            shutil.rmtree(place, ignore_errors=True)
            gone.append(found)
    return gone


def drop_ahead(artifacts: str | Path, study: str) -> None:
    """Delete those of a study that has no trial left to begin."""
    shutil.rmtree(study_folder(artifacts, study) / _AHEAD, ignore_errors=True)  # often none


def _found(artifacts: Path) -> Iterator[tuple[TrainedAhead, Path]]:
    for place in sorted(artifacts.glob(f"trials/*/{_AHEAD}/*/")):
        if place.name == _LEASES:
            continue
        leases = Leases(place.parent / _LEASES)
        in_use, changed_at, size = leases.is_leased(place.name), 0.0, 0
        with suppress(OSError):  # taken in this moment, or not this user's to look into
            changed_at = place.stat().st_mtime
            size = sum(part.stat().st_size for part in place.iterdir())
        old = time.time() - changed_at > _KEPT_S
        study = place.parent.parent.name
        yield TrainedAhead(study, place.name, size, in_use, old and not in_use), place


def _identity(job: TrialJob, key: str) -> str:
    """24 hexadecimal digits; equal for trials whose epochs are the same in every number."""
    parts = {
        "key": key,
        "method": job.method,
        "values": dict(sorted(job.values.items())),
        "seed": job.seed,
        "data": job.data.model_dump(mode="json"),
        "judged": [job.metrics, job.select, job.maximise, job.selection, job.families],
    }
    return digest(parts)
