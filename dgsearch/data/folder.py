"""`folder`: any tree, lists, table or saved data set of images; the domains are what is there.

Tables are as WILDS distributes them: a metadata.csv with a row for each image.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from dgsearch.data.benchmark import DataPlace
from dgsearch.data.image_files import Entry
from dgsearch.data.items import ItemsBenchmark
from dgsearch.data.lists import find_lists, first_number
from dgsearch.data.recognition import find_base, find_domain_folders, image_folders
from dgsearch.data.saved_datasets import find_saved, saved_benchmark
from dgsearch.data.trees import Layout, ListFile, TreeBenchmark, default_root
from dgsearch.errors import DataError

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


_EXPECTED = (
    "<domain>/<class>/*.jpg or *.png, with the same classes in every domain;",
    "<domain>/train/<class>/ with val/ and test/; image_list/<domain>.txt or",
    "splits/<domain>_train.txt with lines of a path and a number; or a metadata.csv with columns",
    "for path, class and domain; or what save_to_disk of Hugging Face's datasets wrote",
)


def folder_benchmark(place: DataPlace) -> TreeBenchmark | ItemsBenchmark:
    """The benchmark in a folder; where there is none its domains are empty.

    Raises:
        DataError: If the folder holds something else than domains; says what was seen.
    """
    root = place.root or default_root("folder")
    if not root.is_dir():
        return TreeBenchmark(_layout({}), place)
    saved = find_saved(root)
    if saved:
        return saved_benchmark(saved, place)
    table = find_table(root)
    if table is not None:
        entries = entries_in_table(table)
        layout = _layout({name: (name,) for name in entries}, entries=entries)
        return TreeBenchmark(layout, place, base=root)
    base = find_base(root)
    for found in dict.fromkeys((root, base)):
        lists = find_lists(found, [folder.name for folder in image_folders(base)])
        if lists:
            return _listed(lists, place, base=base)
    names = find_domain_folders(base)
    if not names:
        raise DataError(_nothing(root))
    return TreeBenchmark(_layout({name: (name,) for name in names}), place, base=base)


def _listed(
    found: Mapping[str, Mapping[str, Path]], place: DataPlace, *, base: Path
) -> TreeBenchmark:
    """The benchmark of domains that lists name."""
    lists = {domain: _lists_of(parts) for domain, parts in found.items()}
    paths = [Path(item.file[0]) for items in lists.values() for item in items]
    layout = _layout(
        {name: (name,) for name in lists}, lists=lists, first_number=first_number(paths)
    )
    return TreeBenchmark(layout, place, base=base)


def _lists_of(parts: Mapping[str, Path]) -> tuple[ListFile, ...]:
    """The lists of a domain that together hold each of its images."""
    whole = parts.get("") or parts.get("all")
    if whole is not None:
        return (ListFile((str(whole),)),)
    return tuple(ListFile((str(path),), held_out=part == "test") for part, path in parts.items())


def _layout(
    folders: Mapping[str, tuple[str, ...]],
    *,
    lists: Mapping[str, tuple[ListFile, ...]] | None = None,
    first_number: int = 0,
    entries: Mapping[str, tuple[Entry, ...]] | None = None,
) -> Layout:
    return Layout(
        name="folder",
        summary="any folder of pictures, <root>/<domain>/<class>/*.jpg or *.png, or lists of them",
        image_size=224,
        folders=folders,
        expected=_EXPECTED,
        lists=lists or {},
        first_number=first_number,
        entries=entries or {},
    )


def _nothing(root: Path) -> str:
    """What a folder without images holds."""
    seen = sorted(path.name + "/" * path.is_dir() for path in root.iterdir())[:6]
    lines = "\n".join(f"  {line}" for line in _EXPECTED)
    return (
        f"folder: no image was found below {root}, which holds {', '.join(seen) or 'nothing'}; "
        f"expected there:\n{lines}"
    )
