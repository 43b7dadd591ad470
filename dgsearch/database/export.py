"""Frames of a study written to files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from dgsearch.database.queries import read_curves, read_scores, read_trials
from dgsearch.errors import DatabaseError, one_of

__all__ = ["export_frames"]

_FRAMES: dict[str, Callable[..., pd.DataFrame]] = {
    "trials": read_trials,
    "curves": read_curves,
    "scores": read_scores,
}
_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".parquet": lambda frame, file: frame.to_parquet(file, index=False),
    ".csv": lambda frame, file: frame.to_csv(file, index=False),
}


def export_frames(
    database: str | os.PathLike[str] | None, study: str, output: Path, what: Sequence[str]
) -> list[Path]:
    """Write one file a frame.

    Args:
        database: URL or path; None: the default database.
        study: Name of the study.
        output: The file; its suffix, .parquet or .csv, names the format. Where several frames
            are asked for, each file's name ends with that of its frame.
        what: Some of "trials", "curves", "scores".

    Returns:
        The files written.

    Raises:
        DatabaseError: If the study, a frame's name or the format is unknown.
    """
    if output.suffix not in _WRITERS:
        raise DatabaseError(f"{output}: unknown format {output.suffix!r}; use .parquet or .csv")
    for name in what:
        if name not in _FRAMES:
            raise DatabaseError(f"--what {name!r} is unknown; {one_of(name, tuple(_FRAMES))}")
    output.parent.mkdir(parents=True, exist_ok=True)
    files = []
    for name in what:
        file = output if len(what) == 1 else output.with_stem(f"{output.stem}-{name}")
        _WRITERS[output.suffix](_FRAMES[name](database, study), file)
        files.append(file)
    return files
