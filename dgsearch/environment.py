"""The environment variables that dgsearch reads, with their defaults and meanings."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from dgsearch.errors import DgsearchError


@dataclass(frozen=True)
class Variable:
    """An environment variable.

    Attributes:
        name: As it is set in the shell.
        default: What counts where it is not set.
        meaning: What it sets, with its unit.
    """

    name: str
    default: str
    meaning: str


VARIABLES = (
    Variable("DGSEARCH_DATABASE", "sqlite:///dgsearch.db", "study database: a URL or a path"),
    Variable("DGSEARCH_ARTIFACTS", "artifacts", "folder of stored stages and checkpoints"),
    Variable("DGSEARCH_DATA", "data", "folder that holds one folder for each benchmark"),
    Variable(
        "DGSEARCH_CACHE",
        "~/.cache/dgsearch",
        "folder of decoded and drawn images, and of what plans know of the methods",
    ),
    Variable(
        "DGSEARCH_TIME_ZONE",
        "the zone of this machine",
        "zone of the times that Optuna before 5.0 stored, such as `UTC` or `Europe/Berlin`",
    ),
    Variable(
        "DGSEARCH_LEASE_S",
        "60",
        "seconds without a heartbeat after which a driver counts as dead and its trials are taken",
    ),
    Variable(
        "DGSEARCH_CHECKPOINT_S", "15", "seconds between two checkpoints of a trial, at least"
    ),
    Variable(
        "DGSEARCH_DISK_PATIENCE_S",
        "120",
        "seconds for which a write is retried while the folder of artifacts is full or missing",
    ),
    Variable("DGSEARCH_RAY_START_S", "120", "seconds within which Ray must have started"),
)


def cache_folder() -> Path:
    """Folder for what can be made again: `$DGSEARCH_CACHE`, or `~/.cache/dgsearch`."""
    return Path(os.environ.get("DGSEARCH_CACHE", "~/.cache/dgsearch")).expanduser()


def seconds(name: str) -> float:
    """The value of a variable that counts seconds; its default where it is unset or empty.

    Raises:
        DgsearchError: If the value is no number, negative or infinite.
    """
    default = next(variable.default for variable in VARIABLES if variable.name == name)
    text = os.environ.get(name) or default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise DgsearchError(
            f"{name} = {text!r} must be a number of seconds >= 0; unset it for {default}"
        )
    return value
