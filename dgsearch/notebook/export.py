"""Frames of one study written to files, chunk by chunk where they can be large."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd
from sqlalchemy import Engine

from dgsearch.database.connection import open_for_reading
from dgsearch.database.export import check_format, write_frame
from dgsearch.database.predictions import read_predictions
from dgsearch.database.queries import read_curves, read_scores, read_studies, read_trials
from dgsearch.errors import DatabaseError, one_of
from dgsearch.notebook.handle import Study

_ROWS = 200_000
_FOR_READING = (".tex", ".md")  # tables for people: of a summary only what differs

WHAT: dict[str, Callable[[Engine, str], pd.DataFrame | Iterable[pd.DataFrame]]] = {
    "trials": lambda engine, study: read_trials(engine, study),
    "curves": lambda engine, study: read_curves(engine, study, chunksize=_ROWS),
    "scores": lambda engine, study: read_scores(engine, study, chunksize=_ROWS),
    "predictions": lambda engine, study: read_predictions(engine, study),
    "studies": lambda engine, study: read_studies(engine, study),
    "summary": lambda engine, study: Study(engine, study).over_seeds(),
}


def export_frames(
    database: str | os.PathLike[str] | None,
    study: str,
    output: Path,
    what: Sequence[str],
    *,
    formulas: bool = False,
) -> list[Path]:
    """Write one file a frame.

    Args:
        database: URL or path; None: the default database.
        study: Name of the study.
        output: The file; its suffix, .parquet, .csv, .tex or .md, names the format. Where
            several frames are asked for, each file's name ends with that of its frame.
        what: Some of "trials", "curves", "scores", "predictions" (one row an image), "studies" and
            "summary" (mean and interval over seeds of each configuration).
        formulas: Leave CSV cells as they are, also those that a spreadsheet would execute.

    Returns:
        The files written.

    Raises:
        DatabaseError: If the study, a frame's name or the format is unknown, or a file cannot be
            written.
    """
    check_format(output)
    for name in what:
        if name not in WHAT:
            raise DatabaseError(f"--what {name!r} is unknown; {one_of(name, tuple(WHAT))}")
    engine = open_for_reading(database)
    files = []
    frame: pd.DataFrame | Iterable[pd.DataFrame]
    for name in what:
        file = output if len(what) == 1 else output.with_stem(f"{output.stem}-{name}")
        if name == "summary" and file.suffix in _FOR_READING:
            frame = Study(engine, study).over_seeds(constant=False)
        else:
            frame = WHAT[name](engine, study)
        files.append(write_frame(frame, file, formulas=formulas))
    return files
