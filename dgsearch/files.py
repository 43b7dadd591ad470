"""Files that dgsearch writes: their names are safe on every system, and they appear whole."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dgsearch.stopping import unfinished


def safe_name(study: str) -> str:
    """The study's name with all but letters, digits, ".", "_" and "-" replaced, cut to 80."""
    return re.sub(r"[^\w.-]+", "-", study).strip("-.")[:80] or "study"


def hidden_beside(place: Path) -> Path:
    """A name in the same folder that no other process uses, so that a rename is atomic."""
    return place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}")


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """A file beside the target to write to, which takes its place at the end.

    Raises:
        OSError: If the folder cannot be made or the file cannot be put in its place.
    """
    part = hidden_beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with unfinished(part):
            yield part
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """A folder beside the target to fill, which takes its place at the end.

    Raises:
        OSError: If it cannot be made, or the target is there by then.
    """
    part = hidden_beside(target)
    try:
        with unfinished(part):
            part.mkdir(parents=True)
            yield part
            part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
