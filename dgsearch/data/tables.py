"""Tables of images as WILDS distributes them: a metadata.csv with a row for each image."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from dgsearch.data.image_files import Entry
from dgsearch.errors import DataError

__all__ = ["entries_in_table", "find_table"]

_FILES = ("metadata.csv", "rgb_metadata.csv", "labels.csv")
_PATH = ("filename", "file", "path", "filepath", "image_path", "image", "img")
_LABEL = ("label", "y", "class", "class_name", "category", "category_id", "tumor")
_DOMAIN = ("domain", "location_remapped", "location", "center", "hospital", "region", "camera")
_PATCH = ("patient", "node", "x_coord", "y_coord")  # columns by which Camelyon17 names its files
_TEST = ("test", "id_test")
_BELOW = ("", "images", "train", "patches", "data")  # folders that paths may be relative to


def find_table(base: Path) -> Path | None:
    """The table of a folder; None where there is none.

    Args:
        base: The folder of the data.
    """
    return next((base / name for name in _FILES if (base / name).is_file()), None)


def entries_in_table(file: Path) -> dict[str, tuple[Entry, ...]]:
    """The images of each domain that a table names, by the domains' names.

    A row is of the test part where `split` says `test` or `id_test` and its domain has rows for
    training too.

    Args:
        file: A csv file with a column each for path, class and domain.

    Raises:
        DataError: If a column is missing; names those that are there and those looked for.
    """
    with file.open(encoding="utf-8", newline="") as opened:
        reader = csv.DictReader(opened)
        columns = {name.strip().lower(): name for name in reader.fieldnames or ()}
        label = _column(file, columns, _LABEL, "class")
        domain = _column(file, columns, _DOMAIN, "domain")
        path = None
        if not all(name in columns for name in _PATCH):
            path = _column(file, columns, _PATH, "image")
        rows = list(reader)
    paths = [_patch(row, columns) if path is None else row[path] for row in rows]
    folder = _folder_of(file.parent, paths)
    split = [row[columns["split"]] if "split" in columns else "" for row in rows]
    trained = {row[domain] for row, part in zip(rows, split, strict=True) if part == "train"}
    found: dict[str, list[Entry]] = {}
    for row, name, part in zip(rows, paths, split, strict=True):
        held_out = part in _TEST and row[domain] in trained
        entry = Entry(os.path.join(folder, name), row[label], held_out)
        found.setdefault(row[domain], []).append(entry)
    return {name: tuple(found[name]) for name in sorted(found, key=_by_number)}


def _column(file: Path, columns: Mapping[str, str], wanted: Sequence[str], what: str) -> str:
    for name in wanted:
        if name in columns:
            return columns[name]
    raise DataError(
        f"{file}: no column names the {what} of an image; its columns are "
        f"{', '.join(columns)}, looked for {', '.join(wanted)}; rename one of them"
    )


def _patch(row: Mapping[str, str], columns: Mapping[str, str]) -> str:
    """Path of a patch of Camelyon17."""
    patient, node, x, y = (row[columns[name]] for name in _PATCH)
    slide = f"patient_{int(patient):03d}_node_{node}"
    return f"patches/{slide}/patch_{slide}_x_{x}_y_{y}.png"


def _folder_of(base: Path, paths: Sequence[str]) -> Path:
    """What the paths are relative to: where the first image that is there lies."""
    for folder in (base / name for name in _BELOW):
        if any((folder / path).is_file() for path in paths[:20]):
            return folder
    return base


def _by_number(name: str) -> tuple[int, str]:
    """Key that sorts numbers by their value and before words."""
    return (int(name), "") if name.isdecimal() else (1 << 62, name)
