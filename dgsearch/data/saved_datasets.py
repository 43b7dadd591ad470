"""Folders that `save_to_disk` of Hugging Face's `datasets` wrote, read without that library.

Each split is a folder of Arrow files with two descriptions in JSON. A column of domains divides
the images; without one the splits are the domains.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dgsearch.data.benchmark import DataPlace
from dgsearch.data.image_files import identity_of
from dgsearch.data.items import ItemsBenchmark, Source
from dgsearch.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


_DOMAINS = ("domain", "domains", "domain_label", "style", "environment")
_LABELS = ("label", "labels", "class", "category", "target", "y")
_PARTS = frozenset(("train", "training", "test", "testing", "val", "valid", "validation", "dev"))
_TESTS = ("test", "testing")


@dataclass(frozen=True)
class _Split:
    """One folder: its name, its files and what its columns hold."""

    name: str
    folder: Path
    features: Mapping[str, Any]
    files: Sequence[Path]

    @cached_property
    def table(self) -> pa.Table:
        """Its rows, mapped from the files."""
        import pyarrow as pa  # of no use to other data, and not on a bare machine with a GPU

        tables = []
        try:
            for file in self.files:
                with pa.memory_map(str(file)) as source:
                    tables.append(pa.ipc.open_stream(source).read_all())
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(f"{self.folder}: cannot be read as Arrow: {error}") from error
        return pa.concat_tables(tables)


def find_saved(root: Path) -> list[Path]:
    """Folders of splits below a folder, or the folder itself; none if it is no saved data set."""
    if (root / "state.json").is_file() and (root / "dataset_info.json").is_file():
        return [root]
    return sorted(file.parent for file in root.glob("*/state.json"))


def saved_benchmark(folders: Sequence[Path], place: DataPlace) -> ItemsBenchmark:
    """The benchmark in folders of splits.

    Raises:
        DataError: If a column is missing, or it is not clear what the domains are.
    """
    splits = [_split(folder) for folder in folders]
    root = place.root or folders[0].parent
    image, label, domain = _columns(splits[0])
    names = _class_names(splits, label)
    if domain is None:
        _check_domains(splits, root)
        parts = {split.name: [(split, np.arange(len(split.table)))] for split in splits}
    else:
        parts = _by_domain(splits, domain)
    sources = {
        key: _source(rows, image=image, label=label, names=names) for key, rows in parts.items()
    }
    summary = f"a saved data set of {len(splits)} splits, columns {image} and {label}"
    return ItemsBenchmark("folder", sources, names, place=place, summary=summary)


def _split(folder: Path) -> _Split:
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        info = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
        names = [Path(str(entry["filename"])).name for entry in state["_data_files"]]
        features = dict(info["features"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder}: is no saved data set that can be read: {error!r}") from error
    if state.get("_indices_data_files"):
        raise DataError(f"{folder}: holds a selection of rows; save flatten_indices() of it")
    return _Split(folder.name, folder, features, [folder / name for name in names])


def _columns(split: _Split) -> tuple[str, str, str | None]:
    """Names of the columns of images, labels and domains."""
    kinds = {name: str(feature.get("_type")) for name, feature in split.features.items()
             if isinstance(feature, dict)}  # fmt: skip
    images = [name for name, kind in kinds.items() if kind == "Image"]
    domain = next((name for name in _DOMAINS if name in kinds), None)
    named = [name for name in _LABELS if name in kinds and name != domain]
    classes = [name for name, kind in kinds.items() if kind == "ClassLabel" and name != domain]
    shown = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
    if len(images) != 1:
        raise DataError(f"{split.folder}: needs one column of images; it has {shown}")
    if not named and len(classes) != 1:
        raise DataError(
            f"{split.folder}: needs a column of classes, named {', '.join(_LABELS)} or the only "
            f"ClassLabel; it has {shown}"
        )
    return images[0], (named or classes)[0], domain


def _class_names(splits: Sequence[_Split], label: str) -> list[str]:
    """Names of the classes by number; of texts or bare numbers all that occur, sorted."""
    known = splits[0].features[label].get("names")
    if known:
        return [str(name) for name in known]
    found = {value for split in splits for value in split.table[label].to_pylist()}
    return [str(value) for value in sorted(found)]


def _check_domains(splits: Sequence[_Split], root: Path) -> None:
    """Refuse parts of one domain that look like domains."""
    names = [split.name for split in splits]
    if {name.lower() for name in names} <= _PARTS or len(names) == 1:
        columns = ", ".join(splits[0].features)
        raise DataError(
            f"{root}: what are its domains? Its splits are {', '.join(names)} and its columns "
            f"{columns}. Save it with a column 'domain', or one split for each domain"
        )


def _by_domain(
    splits: Sequence[_Split], column: str
) -> dict[str, list[tuple[_Split, NDArray[np.int64]]]]:
    """Rows of every split for each domain, in order of appearance."""
    parts: dict[str, list[tuple[_Split, NDArray[np.int64]]]] = {}
    for split in splits:
        values = split.table[column].to_pylist()
        names = split.features[column].get("names")
        texts = np.array([str(names[value] if names else value) for value in values], dtype=object)
        for name in dict.fromkeys(texts.tolist()):
            rows = np.flatnonzero(texts == name).astype(np.int64)
            parts.setdefault(name, []).append((split, rows))
    return parts


def _source(
    parts: Sequence[tuple[_Split, NDArray[np.int64]]],
    *,
    image: str,
    label: str,
    names: Sequence[str],
) -> Source:
    """The images of one domain; those of a split for tests are held out where there are others."""
    numbers = {name: number for number, name in enumerate(names)}
    labels, held_out = [], []
    divided = len({split.name.lower() in _TESTS for split, _ in parts}) == 2
    for split, rows in parts:
        values = split.table[label].take(rows).to_pylist()
        coded = bool(split.features[label].get("names"))
        labels += [int(value) if coded else numbers[str(value)] for value in values]
        held_out += [divided and split.name.lower() in _TESTS] * len(rows)
    files = [str(file) for split, _ in parts for file in split.files]
    return Source(
        _Rows(parts, image),
        f"{identity_of(files, parts[0][0].folder.parent)} {image} {label}",
        np.array(labels, dtype=np.int64),
        np.array(held_out, dtype=bool) if divided else None,
    )


class _Rows:
    """Images of chosen rows of splits."""

    def __init__(self, parts: Sequence[tuple[_Split, NDArray[np.int64]]], image: str) -> None:
        self._places = [(split, int(row)) for split, rows in parts for row in rows]
        self._image = image

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> tuple[Any]:
        """The image, as encoded bytes or a path."""
        split, row = self._places[number]
        stored = split.table[self._image][row].as_py()
        if isinstance(stored, dict):
            stored = stored.get("bytes") or stored.get("path")
        if isinstance(stored, str):
            return (split.folder / stored,)
        return (stored,)
