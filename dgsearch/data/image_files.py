"""The images of a domain as files: a folder for each class, or a list of paths with numbers."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgsearch.data.image_decoding import Contents, Listing
from dgsearch.data.images import read_picture
from dgsearch.data.recognition import ENDINGS, is_visible
from dgsearch.errors import DataError

_LINE = re.compile(
    r"\s*(\S.*?)(?:\s+|\s*,\s*)(\d+)\s*"
)  # of a list: a path, the number of a class


@dataclass(frozen=True)
class Entry:
    """One image.

    Attributes:
        file: Its path.
        label: Name of its class, or its number.
        held_out: Whether it belongs to the test part of an official division.
    """

    file: str
    label: str | int
    held_out: bool = False


def class_folders(folder: Path) -> tuple[str, ...]:
    """Names of the folders below a folder, sorted; hidden ones are passed over."""
    with os.scandir(folder) as found:
        return tuple(
            sorted(item.name for item in found if item.is_dir() and is_visible(item.name))
        )


def entries_in_folders(folder: Path, *, held_out: bool = False) -> list[Entry]:
    """The images of `<folder>/<class>/`, of any depth, in torchvision's order.

    Args:
        folder: What holds the class folders.
        held_out: Whether they are the test part of an official division.

    Raises:
        DataError: If the folder holds no folder of a class.
    """
    classes = class_folders(folder)
    if not classes:
        raise DataError(
            f"{folder}: holds no folder of a class; expected <class>/<image>.jpg or .png"
        )
    return [
        Entry(file, name, held_out) for name in classes for file in _images_below(folder / name)
    ]


def _images_below(folder: Path) -> Iterator[str]:
    """Files that are images by their endings, by folder and name."""
    for parent, _, names in sorted(os.walk(folder, followlinks=True)):
        inside = Path(parent).relative_to(folder).parts
        if not all(is_visible(part) for part in inside):
            continue
        for name in sorted(names):
            if name.lower().endswith(ENDINGS) and is_visible(name):
                yield os.path.join(parent, name)


def entries_in_list(file: Path, folder: Path, *, held_out: bool = False) -> list[Entry]:
    """The images that a list file names, one path and number a line.

    A space, a tab or a comma lies between them.

    Args:
        file: The list.
        folder: What its paths are relative to.
        held_out: Whether they are the test part of an official division.

    Raises:
        DataError: If a line is something else; names file and line.
    """
    entries = []
    for number, line in enumerate(_lines(file), start=1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise DataError(
                f"{file}:{number}: {line.strip()!r} is not a path and a number of a class, such "
                "as 'clipart/zebra/clipart_344_000001.jpg 344'"
            )
        entries.append(Entry(os.path.join(folder, found[1]), int(found[2]), held_out))
    return entries


def file_listing(
    benchmark: str,
    domain: str,
    root: Path,
    entries: Sequence[Entry],
    number_of: Callable[[str | int], int],
) -> Listing:
    """The listing of a domain whose images are files.

    Args:
        benchmark: Name of the benchmark.
        domain: Name of the domain.
        root: Folder of the data; names in messages are relative to it.
        entries: The images.
        number_of: Number of a class by its label.
    """
    files = [entry.file for entry in entries]
    labels = np.array([number_of(entry.label) for entry in entries], dtype=np.int64)
    held_out = np.array([entry.held_out for entry in entries], dtype=bool)
    marks = hashlib.blake2b(labels.tobytes() + held_out.tobytes(), digest_size=8).hexdigest()
    contents = Contents(
        names=[_relative(file, root) for file in files],
        labels=labels,
        decode=lambda row, size: read_picture(Path(files[row]), size),
        held_out=held_out,
    )
    return Listing(
        benchmark, domain, root, f"{identity_of(files, root)} {marks}", lambda: contents
    )


def identity_of(files: Iterable[str], root: Path) -> str:
    """Hash over names, sizes and times of change; a missing file counts as such."""
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        try:
            status = os.stat(file)
            state = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:
            state = "missing"
        digest.update(f"{_relative(file, root)}\0{state}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _relative(file: str, root: Path) -> str:
    return file.removeprefix(f"{root}{os.sep}")


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as a list of images: {error}") from error
    return [line for line in text.splitlines() if line.strip()]
