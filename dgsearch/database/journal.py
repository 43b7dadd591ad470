"""Journals of Optuna and Rustuna: a file in which each line is one operation, JSON.

Times carry their zone; those that Optuna 3.1 to 3.x wrote without one are local times of this
machine, or of the zone that was chosen.
"""

from __future__ import annotations

import gc
from pathlib import Path

from dgsearch.database.columns import Columns
from dgsearch.database.journal_lines import read_operations
from dgsearch.database.journal_replay import replayed

__all__ = ["is_journal", "journal_columns"]

_FIRST_BYTES = 65_536


def is_journal(file: Path) -> bool:
    """Whether a file looks like a journal: its first line is an operation."""
    with file.open("rb") as stream:
        first = stream.readline(_FIRST_BYTES)
    return first.lstrip().startswith(b"{") and b'"op_code"' in first


def journal_columns(file: Path) -> Columns:
    """What a journal holds.

    Raises:
        OSError: If the file cannot be read.
    """
    # Nothing of what is read refers to itself, and looking for that takes a third of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return replayed(read_operations(file), file)
    finally:
        if collecting:
            gc.enable()
