"""Names of classes that copies of a benchmark, or its domains, spell differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dgsearch.data.recognition import strip_name

__all__ = ["ClassNames", "match_classes"]


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
