"""Benchmarks whose domains are folders of images: the general one, and how it finds its files.

`<root>/<domain>/<class>/<image>`, with the folder names under which each benchmark is
distributed, and with its list files where it has them.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dgsearch.data.benchmark import DataPlace, Domain
from dgsearch.data.cache import decoded_domain
from dgsearch.data.image_decoding import Listing
from dgsearch.data.image_files import Entry, entries_in_folders, file_listing
from dgsearch.data.lists import join_lists, listed_labels
from dgsearch.data.recognition import (
    ClassFolders,
    find_class_folders,
    image_folders,
    passed_over,
    strip_name,
)
from dgsearch.errors import DataError, one_of


@dataclass(frozen=True)
class ClassNames:
    """The classes of a benchmark and how each spelling is read.

    Attributes:
        labels: Names of the classes, in the order of their numbers.
        numbers: Number of each spelling that was found, and of each label.
        remarks: Which names of each domain were matched, a sentence each.
    """

    labels: tuple[str, ...]
    numbers: Mapping[str, int]
    remarks: Mapping[str, tuple[str, ...]]


def match_classes(found: Mapping[str, Sequence[str]], known: Sequence[str] = ()) -> ClassNames:
    """The classes of all domains; names that differ by case, spaces, _ or - are one class.

    Two folders of one domain are never the same class, however alike their names are.

    Args:
        found: Names of the class folders of each domain.
        known: Names of the first classes, in order, where lists or the benchmark say them.
    """
    spellings = Counter(name for names in found.values() for name in dict.fromkeys(names))
    apart = _kept_apart([*found.values(), known])
    read_as: dict[str, str] = {}
    label_of = {name if strip_name(name) in apart else strip_name(name): name for name in known}
    for name, _ in sorted(spellings.items(), key=lambda item: -item[1]):
        key = name if strip_name(name) in apart else strip_name(name)
        if key not in label_of and name.isdecimal() and int(name) < len(known):
            label_of[key] = known[int(name)]  # folders that are named by the number of the class
        read_as[name] = label_of.setdefault(key, name)
    further = sorted(set(label_of.values()) - set(known))
    labels = (*known, *further)
    places = {label: number for number, label in enumerate(labels)}
    numbers = places | {name: places[label] for name, label in read_as.items()}
    remarks = {domain: _remarks(domain, names, read_as) for domain, names in found.items()}
    return ClassNames(labels, numbers, remarks)


def _kept_apart(groups: Sequence[Sequence[str]]) -> set[str]:
    """Stripped names that stand for several classes in one place."""
    return {
        stripped
        for names in groups
        for stripped, count in Counter(strip_name(name) for name in set(names)).items()
        if count > 1
    }


def _remarks(domain: str, names: Sequence[str], read_as: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        f"class {name!r} of {domain} is read as {read_as[name]!r}"
        for name in names
        if read_as[name] != name
    )


logger = logging.getLogger(__name__)


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
        wrong_lines: Ends of paths that lists name by mistake; they are left out.
        from_one: Whether copies of the lists number the classes from 1.
        first_number: Of the first class in the lists, where `labels` is empty.
        needs_lists: Whether the folders alone are another benchmark.
        entries: The images of each domain, where a table has said them already.
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
    wrong_lines: tuple[str, ...] = ()
    from_one: bool = False
    first_number: int = 0
    needs_lists: bool = False
    entries: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)


def default_root(benchmark: str) -> Path:
    """Folder of a benchmark where none is named: `$DGSEARCH_DATA/<name>`, or `data/<name>`."""
    return Path(os.environ.get("DGSEARCH_DATA", "data")).expanduser() / benchmark


class TreeBenchmark:
    """A benchmark in a folder.

    Attributes:
        root: The folder.
        image_size: H = W in pixels to which images are resized.
    """

    def __init__(self, layout: Layout, place: DataPlace, *, base: Path | None = None) -> None:
        """Look for it at a place; nothing is read before it is needed.

        Args:
            layout: How it is distributed.
            place: Where it lies.
            base: The folder that holds the domains, where it is known already.
        """
        self._layout = layout
        self._found_base = base
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

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes: those of all domains that are there.

        Where lists number the classes they have that order; further ones follow, sorted.
        """
        return self._layout.labels or self._classes.labels

    @cached_property
    def _classes(self) -> ClassNames:
        """The classes and how each name of a folder is read."""
        there = [domain for domain in self.domains if self.missing(domain) is None]
        if not there and not self._layout.labels:
            raise DataError(self._says(f"no domain is in {self.root}"))
        listed = [domain for domain in there if self._lists(domain)]
        found = {domain: self._class_folders(domain) for domain in there if domain not in listed}
        known = self._layout.labels or listed_labels(
            self.name, {domain: self._entries(domain) for domain in listed}
        )
        return match_classes(found, known)

    def _class_folders(self, domain: str) -> tuple[str, ...]:
        """Names of the class folders of a domain that hold an image."""
        if domain in self._layout.entries:
            return tuple(dict.fromkeys(str(each.label) for each in self._layout.entries[domain]))
        names = [
            folder.name
            for place, _ in self._folders(domain).places
            for folder in image_folders(place)
        ]
        return tuple(dict.fromkeys(names))

    def remarks(self) -> Iterator[str]:
        """What is unusual about the data and how it was read, a sentence each."""
        if self._base != self.root:
            yield f"the domains are read from {self._base}"
        if not self._layout.lists:
            yield from passed_over(self._base, self.domains)
        for domain in self.domains:
            if self.missing(domain) is None:
                yield from self._domain_remarks(domain)

    def _domain_remarks(self, domain: str) -> Iterator[str]:
        lists = self._lists(domain)
        if lists:
            yield f"{domain}: read by {', '.join(path.name for path, _ in lists)}"
            return
        yield from self._unused_lists(domain)
        yield from self._classes.remarks.get(domain, ())
        yield from self._folders(domain).remarks

    def load(self, domain: str, *, seed: int = 0) -> Domain:
        """The images of one domain, decoded at the first use."""
        if domain not in self._loaded:
            if self.domains and domain not in self.domains:
                allowed = one_of(domain, self.domains)
                raise DataError(f"{domain!r} is no domain of {self.name}; {allowed}")
            missing = self.missing(domain)
            if missing is not None:
                raise DataError(self._says(missing))
            for remark in (*self._classes.remarks.get(domain, ()), *self._unused_lists(domain)):
                logger.warning("%s: %s", self.name, remark)
            self._loaded[domain] = decoded_domain(self._listing(domain), self.image_size)
        return self._loaded[domain]

    def expected(self) -> Iterator[str]:
        """Lines that say which files belong where."""
        yield f"expected in {self.root} (data.root, --root, or $DGSEARCH_DATA/{self.name}):"
        yield from (f"  {line}" for line in self._layout.expected)

    def missing(self, domain: str) -> str | None:
        """What is missing of a domain; None if its files are there."""
        if domain in self._layout.entries or self._lists(domain):
            return None
        if self._layout.needs_lists:
            wanted = ", ".join(item.file[0] for item in self._layout.lists[domain])
            return f"domain {domain!r} is missing: {wanted} in {self.root}"
        if self._place(domain) is not None:
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
        if self._found_base is not None:
            return self._found_base
        for name in self._layout.inside:
            base = self.root / name
            folders = [folder for names in self._layout.folders.values() for folder in names]
            if any((base / folder).is_dir() for folder in folders):
                return base
        return self.root

    def _listing(self, domain: str) -> Listing:
        entries = self._entries(domain)
        numbers, count = self._classes.numbers, len(self.labels)

        def number_of(label: str | int) -> int:
            number = label if isinstance(label, int) else numbers.get(label, count)
            if number < count:
                return number
            raise DataError(
                f"{self.name}: {domain!r} has a class {label!r}; there are {count} classes "
                f"({', '.join(self.labels[:5])}, ...), numbered from 0: download the data again"
            )

        return file_listing(self.name, domain, self._base, entries, number_of)

    def _entries(self, domain: str) -> Sequence[Entry]:
        if domain in self._layout.entries:
            return self._layout.entries[domain]
        lists = self._lists(domain)
        if not lists:
            return [
                entry
                for place, held_out in self._folders(domain).places
                for entry in entries_in_folders(place, held_out=held_out)
            ]
        places = (self._base, self._base / "images", self.root)
        return join_lists(
            [
                (path, found.held_out, (self._base / found.folder, *places))
                for path, found in lists
            ],
            wrong=self._layout.wrong_lines,
            classes=len(self._layout.labels) if self._layout.from_one else 0,
            first=self._layout.first_number,
        )

    def _folders(self, domain: str) -> ClassFolders:
        """Where the classes of a domain lie that is there."""
        place = self._place(domain)
        return ClassFolders(()) if place is None else find_class_folders(place)

    def _lists(self, domain: str) -> list[tuple[Path, ListFile]]:
        """The list files of a domain with their paths; empty unless all are there."""
        wanted = self._layout.lists.get(domain, ())
        found = [(path, item) for item in wanted if (path := self._list_path(item)) is not None]
        return found if len(found) == len(wanted) else []

    def _list_path(self, item: ListFile) -> Path | None:
        """Where a list file lies, if it is there."""
        bases = dict.fromkeys((self._base, self.root))
        paths = [base / name for base in bases for name in item.file]
        return next((path for path in paths if path.is_file()), None)

    def _unused_lists(self, domain: str) -> Iterator[str]:
        """Lists of a domain that are there while another one is missing."""
        wanted = self._layout.lists.get(domain, ())
        there = [path.name for item in wanted if (path := self._list_path(item)) is not None]
        lost = [item.file[0] for item in wanted if self._list_path(item) is None]
        if there and lost:
            yield (
                f"{domain}: {', '.join(there)} is not used, because {', '.join(lost)} is missing; "
                "all images of the folder are for training and for testing"
            )

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
