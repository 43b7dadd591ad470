"""Benchmarks whose domains are folders of images: the general one, and how it finds its files.

`<root>/<domain>/<class>/<image>`, with the folder names under which each benchmark is
distributed, and with its list files where it has them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dgsearch.data.benchmark import DataPlace, Domain
from dgsearch.data.cache import decoded_domain
from dgsearch.data.decoding import Listing
from dgsearch.data.files import (
    Entry,
    class_folders,
    entries_in_folders,
    entries_in_list,
    file_listing,
)
from dgsearch.errors import DataError, one_of

__all__ = ["Layout", "ListFile", "TreeBenchmark", "default_root"]


@dataclass(frozen=True)
class ListFile:
    """A list of images with the number of the class of each.

    Attributes:
        file: Its path below the root; several where distributions differ.
        folder: What its paths are relative to, below the root.
        held_out: Whether it is the test part of an official division.
    """

    file: tuple[str, ...]
    folder: str = ""
    held_out: bool = False


@dataclass(frozen=True)
class Layout:
    """How a benchmark is distributed.

    Attributes:
        name: As study files write it.
        summary: One line for `dgsearch data`.
        image_size: Default side of the images in pixels.
        inside: Folders below the root in which the domains may lie, as archives unpack.
        folders: Where each domain may lie in one of these, the usual place first.
        expected: What belongs where, a line each.
        published: How many images each domain has by its publication.
        lists: List files of each domain; used where all of a domain's are there.
        labels: Names of the classes; empty: the folders say.
    """

    name: str
    summary: str
    image_size: int
    folders: Mapping[str, tuple[str, ...]]
    expected: tuple[str, ...]
    published: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    lists: Mapping[str, tuple[ListFile, ...]] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    inside: tuple[str, ...] = ("",)


def default_root(benchmark: str) -> Path:
    """Folder of a benchmark where none is named: `$DGSEARCH_DATA/<name>`, or `data/<name>`."""
    return Path(os.environ.get("DGSEARCH_DATA", "data")).expanduser() / benchmark


class TreeBenchmark:
    """A benchmark in a folder.

    Attributes:
        root: The folder.
        image_size: H = W in pixels to which images are resized.
    """

    def __init__(self, layout: Layout, place: DataPlace) -> None:
        """Look for it at a place; nothing is read before it is needed."""
        self._layout = layout
        self._download = place.download
        self._loaded: dict[str, Domain] = {}
        self.root = place.root or default_root(layout.name)
        self.image_size = place.image_size or layout.image_size
        self.name = layout.name
        self.summary = layout.summary
        self.published = layout.published

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the domains."""
        return tuple(self._layout.folders)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes: those of all domains that are there.

        Where lists number the classes they have that order; further ones follow, sorted.
        """
        if self._layout.labels:
            return self._layout.labels
        there = [domain for domain in self.domains if self.missing(domain) is None]
        if not there:
            raise DataError(self._says(f"no domain is in {self.root}"))
        listed = self._listed_labels([domain for domain in there if self._lists(domain)])
        places = [self._place(domain) for domain in there if not self._lists(domain)]
        folders = {name for place in places if place for name in class_folders(place)}
        return (*listed, *sorted(folders - set(listed)))

    def load(self, domain: str, *, seed: int = 0) -> Domain:
        """The images of one domain, decoded at the first use."""
        if domain not in self._loaded:
            if self.domains and domain not in self.domains:
                allowed = one_of(domain, self.domains)
                raise DataError(f"{domain!r} is no domain of {self.name}; {allowed}")
            missing = self.missing(domain)
            if missing is not None:
                raise DataError(self._says(missing))
            self._loaded[domain] = decoded_domain(self._listing(domain), self.image_size)
        return self._loaded[domain]

    def expected(self) -> Iterator[str]:
        """Lines that say which files belong where."""
        yield f"expected in {self.root} (data.root, --root, or $DGSEARCH_DATA/{self.name}):"
        yield from (f"  {line}" for line in self._layout.expected)

    def missing(self, domain: str) -> str | None:
        """What is missing of a domain; None if its files are there."""
        if self._lists(domain) or self._place(domain) is not None:
            return None
        usual = self._layout.folders.get(domain, (domain,))[0]
        return f"domain {domain!r} is missing: {self.root / usual} is no folder"

    def division(self, domain: str) -> str:
        """Where a domain's images and their division come from, as text."""
        lists = self._lists(domain)
        return ", ".join(path.name for path, _ in lists) if lists else str(self._place(domain))

    @cached_property
    def _base(self) -> Path:
        """The folder that holds the domains."""
        for name in self._layout.inside:
            base = self.root / name
            folders = [folder for names in self._layout.folders.values() for folder in names]
            if any((base / folder).is_dir() for folder in folders):
                return base
        return self.root

    def _listing(self, domain: str) -> Listing:
        numbers = {name: number for number, name in enumerate(self.labels)}

        def number_of(label: str | int) -> int:
            number = label if isinstance(label, int) else numbers.get(label, len(numbers))
            if number < len(numbers):
                return number
            raise DataError(
                f"{self.name}: {domain!r} has a class {label!r}; there are {len(numbers)} classes "
                f"({', '.join(self.labels[:5])}, ...), numbered from 0: fetch the data anew"
            )

        return file_listing(self.name, domain, self._base, self._entries(domain), number_of)

    def _entries(self, domain: str) -> list[Entry]:
        lists = self._lists(domain)
        place = self._place(domain)
        if not lists and place:
            return entries_in_folders(place)
        return [
            entry
            for path, found in lists
            for entry in entries_in_list(path, self._base / found.folder, held_out=found.held_out)
        ]

    def _lists(self, domain: str) -> list[tuple[Path, ListFile]]:
        """The list files of a domain with their paths; empty unless all are there."""
        found: list[tuple[Path, ListFile]] = []
        for item in self._layout.lists.get(domain, ()):
            paths = [self._base / name for name in item.file]
            there = next((path for path in paths if path.is_file()), None)
            if there is None:
                return []
            found.append((there, item))
        return found

    def _listed_labels(self, domains: Sequence[str]) -> tuple[str, ...]:
        """Names of the classes by the folders that the lists name, in the order of the numbers."""
        names: dict[int, str] = {}
        for domain in domains:
            for entry in self._entries(domain):
                name = os.path.basename(os.path.dirname(entry.file))
                first = names.setdefault(int(entry.label), name)
                if first != name:
                    raise DataError(
                        f"{self.name}: the lists give number {entry.label} to {first!r} and, in "
                        f"{domain!r}, to {name!r}; fetch them anew from one place"
                    )
        numbers = range(max(names) + 1) if names else ()
        return tuple(names.get(number, f"class {number}") for number in numbers)

    def _place(self, domain: str) -> Path | None:
        """Folder of a domain, if it is there."""
        places = [self._base / name for name in self._layout.folders.get(domain, ())]
        return next((place for place in places if place.is_dir()), None)

    def _says(self, problem: str) -> str:
        """The problem with what is expected, and that nothing is downloaded."""
        lines = [f"{self.name}: {problem}", *self.expected()]
        if self._download:
            lines.append("download = true fetches only mnist, svhn and usps of digits")
        return "\n".join(lines)
