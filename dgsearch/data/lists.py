"""Lists of images: those of a benchmark's domain joined, and those that lie beside any tree.

Known kinds: `<domain>_train.txt` and `<domain>_test.txt` (DomainNet), `image_list/<domain>.txt`
(TLlib), `splits/<domain>_train.txt` (Dassl.pytorch), `<domain>_train_kfold.txt` (PACS, labels
from 1). A line is a path and a number; what the path is relative to is found by looking.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from dgsearch.data.image_files import Entry, entries_in_list
from dgsearch.data.recognition import strip_name
from dgsearch.errors import DataError

LIST_FOLDERS = ("image_list", "splits", "txt", "Train val splits and h5py files pre-read", "")
_NAME = re.compile(r"(?P<domain>.+?)(?P<part>_train|_val|_crossval|_test|_all)?(?:_kfold)?\.txt")
_LINE = re.compile(r"(\S.*?)[\s,]+\d+\s*")
_TRIED = 20  # first images of a list that are looked for


def join_lists(
    lists: Sequence[tuple[Path, bool, Sequence[Path]]],
    *,
    wrong: Sequence[str] = (),
    classes: int = 0,
    first: int = 0,
) -> list[Entry]:
    """The images of a domain by its lists, each once.

    A test list that repeats training images is no division: then nothing is held out.

    Args:
        lists: Each list, whether it is a test part, and what its paths may be relative to.
        wrong: Ends of paths that are known to be wrong.
        classes: How many classes there are, to tell numbers from 1; 0: not known.
        first: Number of the first class, where the number of classes is not known.

    Raises:
        DataError: If a line is not a path and a number.
    """
    entries: dict[str, Entry] = {}
    for path, held_out, places in sorted(lists, key=lambda item: item[1]):
        folder = _folder_of(path, [*places, path.parent, path.parent.parent])
        for entry in entries_in_list(path, folder, held_out=held_out):
            if not entry.file.endswith(tuple(wrong) or "\0"):
                entries.setdefault(entry.file, entry)
    found = list(entries.values())
    if classes:
        return _from_zero(found, classes)
    return [replace(entry, label=int(entry.label) - first) for entry in found] if first else found


def listed_labels(benchmark: str, entries: Mapping[str, Sequence[Entry]]) -> tuple[str, ...]:
    """Names of the classes by the folders that lists name, in the order of the numbers.

    Args:
        benchmark: Its name, for messages.
        entries: The images of each domain.

    Raises:
        DataError: If two lists number the classes differently.
    """
    names: dict[int, str] = {}
    for domain, listed in entries.items():
        for entry in listed:
            name = os.path.basename(os.path.dirname(entry.file))
            first = names.setdefault(int(entry.label), name)
            if strip_name(first) != strip_name(name):
                raise DataError(
                    f"{benchmark}: the lists give number {entry.label} to {first!r} and, in "
                    f"{domain!r}, to {name!r}; download them again from one place"
                )
    numbers = range(max(names) + 1) if names else ()
    if len(set(names.values())) < len(names):  # the folders are no classes
        return tuple(f"class {number}" for number in numbers)
    return tuple(names.get(number, f"class {number}") for number in numbers)


def first_number(lists: Sequence[Path]) -> int:
    """Number of the first class in lists: 1 where none of them has a 0, else 0.

    Args:
        lists: The lists of all domains.
    """
    found = (int(entry.label) for path in lists for entry in entries_in_list(path, path.parent))
    return 0 if 0 in found else 1


def find_lists(base: Path, folders: Sequence[str]) -> dict[str, dict[str, Path]]:
    """Lists that lie beside a tree: by domain, then by part.

    Args:
        base: The folder that holds the domains.
        folders: Names of the domains' folders; lists right beside them must bear such a name.

    Returns:
        For each domain the path of its list by part: "train", "val", "crossval", "test",
        "all", or "" for a list without a part.
    """
    for place in LIST_FOLDERS:
        found = dict(_lists_in(base / place, folders, anywhere=bool(place)))
        if found:
            return found
    return {}


def _lists_in(
    folder: Path, folders: Sequence[str], *, anywhere: bool
) -> Iterator[tuple[str, dict[str, Path]]]:
    known = {strip_name(name): name for name in folders}
    lists: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.glob("*.txt")) if folder.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        domain = match["domain"] if match else path.stem
        if (anywhere or strip_name(domain) in known) and _is_list(path):
            part = ((match and match["part"]) or "").strip("_")
            lists.setdefault(known.get(strip_name(domain), domain), {})[part] = path
    yield from lists.items()


def _is_list(path: Path) -> bool:
    """Whether a text begins with a path and a number."""
    with path.open(encoding="utf-8", errors="replace") as opened:
        first = next((line for line in opened if line.strip()), "")
    return _LINE.fullmatch(first) is not None


def _folder_of(path: Path, places: Sequence[Path]) -> Path:
    """What the paths of a list are relative to: where one of its first images lies."""
    with path.open(encoding="utf-8", errors="replace") as opened:
        lines = [line.strip() for line in islice(opened, _TRIED)]
    names = [match[1] for line in lines if (match := _LINE.fullmatch(line))]
    for place in dict.fromkeys(places):
        if any(os.path.isfile(os.path.join(place, name)) for name in names):
            return place
    return places[0]


def _from_zero(entries: list[Entry], classes: int) -> list[Entry]:
    """The entries with numbers from 0, where theirs are 1 to the number of classes."""
    numbers = {int(entry.label) for entry in entries}
    if not numbers or min(numbers) < 1 or max(numbers) != classes:
        return entries
    return [replace(entry, label=int(entry.label) - 1) for entry in entries]
