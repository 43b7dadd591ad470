"""Frames written to files: Parquet, CSV, LaTeX, Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dgsearch.errors import DatabaseError, one_of
from dgsearch.files import atomic_write
from dgsearch.inert import csv_cell, latex, markdown
from dgsearch.typeset_tables import latex_table, markdown_table


def write_frame(
    frame: pd.DataFrame | Iterable[pd.DataFrame], file: str | Path, *, formulas: bool = False
) -> Path:
    """Write a frame, or the chunks of one, to a file; its suffix names the format.

    Parquet keeps every dtype; values that differ in kind (dtype object) are JSON there and in
    CSV. Tables (LaTeX, Markdown) are for people: numbers have four digits, and nothing in them
    is a command, a link or HTML. A CSV cell of text that a spreadsheet would execute (it begins
    with =, +, -, @, a tab or a line end, and is no number) has an apostrophe before it.

    Args:
        frame: A frame, or frames with the same columns, one after the other.
        file: Ends in .parquet, .csv, .tex or .md; its folder is created. It appears whole or
            not at all.
        formulas: Leave CSV cells as they are, also those that a spreadsheet would execute.

    Returns:
        The file.

    Raises:
        DatabaseError: If the format is unknown or the file cannot be written.
    """
    target = Path(file)
    check_format(target)
    chunks = iter([_with_texts(frame)] if isinstance(frame, pd.DataFrame) else frame)
    if not formulas and target.suffix == ".csv":
        chunks = map(_guarded, chunks)
    try:
        with atomic_write(target) as part:
            FORMATS[target.suffix](chunks, part)
    except OSError as error:
        raise DatabaseError(f"{target}: cannot be written: {error.strerror or error}") from error
    return target


def _with_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its texts as texts: before pandas 3 a frame holds them as objects."""
    texts = [
        name
        for name in _objects(frame)
        if pd.api.types.infer_dtype(frame[name], skipna=True) == "string"
    ]
    return frame.astype(dict.fromkeys(texts, "string"))


def _objects(frame: pd.DataFrame) -> list[Any]:
    """Names of the columns whose values may be of any kind."""
    return [name for name in frame.columns if frame[name].dtype == object]


def check_format(file: Path) -> None:
    """Refuse a file whose suffix names no format.

    Raises:
        DatabaseError: If it is not one of `FORMATS`.
    """
    if file.suffix not in FORMATS:
        known = one_of(file.suffix, tuple(FORMATS))
        raise DatabaseError(f"{file}: unknown format {file.suffix!r}; {known}")


def _write_parquet(chunks: Iterator[pd.DataFrame], file: Path) -> None:
    first = _arrow(next(chunks))
    with pq.ParquetWriter(file, first.schema) as writer:
        writer.write_table(first)
        for chunk in chunks:
            writer.write_table(_arrow(chunk).cast(first.schema))


def _arrow(frame: pd.DataFrame) -> pa.Table:
    """The frame as an Arrow table, objects as Arrow's JSON, which comes back as objects."""
    objects = _objects(frame)
    empty = {name: np.full(len(frame), b"", dtype=object) for name in objects}
    table = pa.Table.from_pandas(frame.assign(**empty), preserve_index=False)
    for name in objects:
        texts = pa.array([_json(value) for value in frame[name]], pa.string())
        column = pa.ExtensionArray.from_storage(pa.json_(), texts)
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _write_csv(chunks: Iterator[pd.DataFrame], file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        for place, chunk in enumerate(chunks):
            texts = {name: chunk[name].map(_json) for name in _objects(chunk)}
            chunk.assign(**texts).to_csv(stream, index=False, header=place == 0)


def _guarded(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without texts and headings that a spreadsheet would execute."""
    texts = frame.select_dtypes(include=["string", "category"])
    safe = {
        str(name): column.astype("string").map(csv_cell, na_action="ignore").astype("string")
        for name, column in texts.items()
    }
    return frame.assign(**safe).rename(columns=lambda name: csv_cell(str(name)))


def _write_latex(chunks: Iterator[pd.DataFrame], file: Path) -> None:
    cells = _cells(pd.concat(chunks))
    table = latex_table([latex(str(name)) for name in cells], cells.map(latex).to_numpy().tolist())
    file.write_text(f"{table}\n", encoding="utf-8")


def _write_markdown(chunks: Iterator[pd.DataFrame], file: Path) -> None:
    cells = _cells(pd.concat(chunks))
    table = markdown_table(
        [markdown(str(name)) for name in cells], cells.map(markdown).to_numpy().tolist()
    )
    file.write_text(f"{table}\n", encoding="utf-8")


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Every cell as a reader wants it; columns that hold nothing are left out."""
    held = frame.loc[:, frame.notna().any()] if len(frame) else frame
    return pd.DataFrame({str(name): [_cell(value) for value in held[name]] for name in held})


def _cell(value: Any) -> str:
    if not isinstance(value, list | dict) and pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.4g}"
    return " ".join(str(value).split())


def _json(value: Any) -> str | None:
    return None if value is pd.NA else json.dumps(value)


FORMATS: Mapping[str, Callable[[Iterator[pd.DataFrame], Path], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".tex": _write_latex,
    ".md": _write_markdown,
}
