"""What lies in a folder: domains, parts of a division, classes, or images.

Trees of images are packed in many ways: `<domain>/<class>`, `<domain>/images/<class>`,
`<domain>/train/<class>` (Dassl.pytorch), `images/<domain>/<class>`, `<domain>/<domain>/<class>`.
Folders that hold no image anywhere below them are no data.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dgsearch.errors import DataError

ENDINGS = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"),
    ".gif",
)
_TEST = frozenset({"test", "testing"})
_WHOLE = frozenset({"full", "all"})
_DEEPEST = 8  # folders below which no image is looked for
_PARTS = _TEST | _WHOLE | {"train", "training", "val", "valid", "validation", "crossval"}


@dataclass(frozen=True)
class ClassFolders:
    """Where the class folders of a domain lie.

    Attributes:
        places: Each folder that holds class folders, and whether it is an official test part.
        remarks: What is unusual about the tree, a sentence each.
    """

    places: tuple[tuple[Path, bool], ...]
    remarks: tuple[str, ...] = ()


def strip_name(name: str) -> str:
    """A name without what copies of a benchmark spell differently: case, spaces, _ and -."""
    return "".join(letter for letter in name.casefold() if letter not in " _-")


def is_visible(name: str) -> bool:
    """Whether a file or folder belongs to the data, not to an operating system or an editor."""
    return not name.startswith((".", "__MACOSX"))


def find_base(root: Path) -> Path:
    """The folder that holds the domains: the root, or a single folder of folders below it.

    Args:
        root: An existing folder.
    """
    inner = image_folders(root)
    if len(inner) != 1 or _levels(inner[0]) < 2 or _are_parts(image_folders(inner[0])):
        return root
    return find_base(inner[0])


def find_domain_folders(base: Path) -> tuple[str, ...]:
    """Names of the folders of `base` that are domains, sorted; none where it holds no images.

    Raises:
        DataError: If the first level holds images, classes or parts of a division; says which.
    """
    inner = image_folders(base)
    names = tuple(folder.name for folder in inner)
    if not names:
        return ()
    if _are_parts(inner):
        raise DataError(
            f"folder: {base} begins with {_listed(names)}, which are parts of a division, not "
            "domains; put the domain first, <domain>/train/<class>/<image>, or rename the "
            "folders if each of them is a domain of its own"
        )
    if all(_levels(folder) == 0 for folder in inner):
        raise DataError(
            f"folder: {base} holds images in {_listed(names)} and no folders below: these look "
            "like the classes of one domain; expected <domain>/<class>/<image>, so put them "
            "into a folder with the name of their domain"
        )
    return names


def passed_over(base: Path, domains: Sequence[str]) -> Iterator[str]:
    """A sentence for the folders beside the domains that are none.

    Args:
        base: The folder that holds the domains.
        domains: Names of the folders that are domains.
    """
    if not base.is_dir():
        return
    others = sorted(
        item.name for item in _scan(base) if item.is_dir() and item.name not in domains
    )
    if others:
        yield f"{_listed(others)}: no domain, because no image is in it"


def find_class_folders(domain: Path) -> ClassFolders:
    """Where the classes of a domain lie, whichever way its tree is packed.

    Args:
        domain: The folder of the domain.

    Raises:
        DataError: If there are parts of a division without class folders in them.
    """
    inner = image_folders(domain)
    if len(inner) == 1 and _levels(inner[0]) > 0 and _wraps(domain, inner[0]):
        found = find_class_folders(inner[0])
        remark = f"the classes of {domain.name} are read from {domain.name}/{inner[0].name}"
        return ClassFolders(found.places, (remark, *found.remarks))
    if _are_parts(inner):
        return _divided(domain, inner)
    return ClassFolders(((domain, False),), tuple(_remarks(domain, inner)))


def _divided(domain: Path, parts: Sequence[Path]) -> ClassFolders:
    """The class folders of `<domain>/train`, `<domain>/val` and `<domain>/test`."""
    flat = [part.name for part in parts if _levels(part) == 0]
    if flat:
        raise DataError(
            f"{domain}: {_listed(flat)} is a part of a division and holds images without class "
            f"folders; expected {domain.name}/{flat[0]}/<class>/<image>, or a list of labels"
        )
    used = [part for part in parts if part.name.casefold() not in _WHOLE] or list(parts)
    tests = [part for part in used if part.name.casefold() in _TEST]
    held_out = tests if len(tests) < len(used) else []
    joined = [part.name for part in used if part not in held_out]
    remark = f"{_listed(joined)} of {domain.name}: parts of the domain, not classes; joined"
    if held_out:
        names = _listed([part.name for part in held_out])
        remark += f"; {names} is its test part, which is never trained on"
    return ClassFolders(tuple((part, part in held_out) for part in used), (remark,))


def _remarks(domain: Path, inner: Sequence[Path]) -> Iterator[str]:
    """What is odd about a domain of plain class folders."""
    if any(_is_image(item) for item in _scan(domain)):
        yield f"{domain.name} holds images outside any class folder; they are passed over"
    empty = [item.name for item in _scan(domain) if item.is_dir() and Path(item) not in inner]
    if empty:
        yield f"{_listed(sorted(empty))} of {domain.name}: no image in this folder"
    nested = [folder.name for folder in inner if _levels(folder) > 0]
    if nested:
        yield (
            f"{_listed(nested)} of {domain.name}: images lie in folders below the class folder; "
            f"each belongs to the class of its first folder"
        )


def _wraps(outer: Path, inner: Path) -> bool:
    """Whether the only folder in a domain holds its classes and is no class itself."""
    if strip_name(inner.name) in (strip_name(outer.name), "images"):
        return True
    return len(image_folders(inner)) > 1


def _are_parts(folders: Sequence[Path]) -> bool:
    """Whether folders are the parts of a division by their names."""
    return bool(folders) and all(folder.name.casefold() in _PARTS for folder in folders)


def image_folders(folder: Path) -> list[Path]:
    """Folders in a folder that hold an image somewhere, by name."""
    inner = sorted(item.path for item in _scan(folder) if item.is_dir())
    return [Path(path) for path in inner if _levels(Path(path)) >= 0]


def _levels(folder: Path) -> int:
    """How many folders lie between a folder and its nearest image; -1 without any."""
    level, deep = [str(folder)], 0
    while level and deep <= _DEEPEST:
        below: list[str] = []
        for path in level:
            for item in _scan(Path(path)):
                if _is_image(item):
                    return deep
                if item.is_dir():
                    below.append(item.path)
        level, deep = below, deep + 1
    return -1


def _scan(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        yield from (item for item in found if is_visible(item.name))


def _is_image(item: os.DirEntry[str]) -> bool:
    return item.name.lower().endswith(ENDINGS) and item.is_file()


def _listed(names: Sequence[str], shown: int = 4) -> str:
    """`train/, val/ and 3 more`."""
    text = ", ".join(f"{name}/" for name in names[:shown])
    return text if len(names) <= shown else f"{text} and {len(names) - shown} more"
