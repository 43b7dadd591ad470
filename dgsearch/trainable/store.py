"""The artifact store: what stages made, under a hash of everything it depends on.

`stages/<key>/` holds `product.safetensors` and `record.json`; a folder appears by renaming
and is complete when it is there. The record names its key and its product's checksum, and has
a checksum of its own; the product names the key too. A damaged stage is named, dropped and made
again. One that this user may not read is neither damaged nor dropped.
`marks/` tells who trains or reads a stage at present.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dgsearch.errors import ArtifactError, ArtifactFolderError
from dgsearch.files import hidden_beside
from dgsearch.methods.base import Product
from dgsearch.trainable.leases import LEASES_FOLDER, Leases
from dgsearch.trainable.patience import patiently, refused
from dgsearch.trainable.tensor_files import read_tree, write_tree

_FORMAT = 2
_FIELDS = {"format", "key", "product", "record", "checksum"}


@dataclass(frozen=True)
class Record:
    """What stands in `record.json`.

    Attributes:
        key: Key of the stage.
        product: Checksum of the product; None in a record of dgsearch 0.1.
        content: What its trial wrote: stage, method, seconds, epochs, warnings.
    """

    key: str
    product: str | None
    content: Mapping[str, Any]


def write_record(file: Path, record: Record) -> None:
    """Write a record.

    Raises:
        OSError: If it cannot be written.
    """
    parts = {
        "format": _FORMAT,
        "key": record.key,
        "product": record.product,
        "record": dict(record.content),
    }
    text = json.dumps(parts | {"checksum": _checksum(parts)}, indent=1)
    file.write_text(text, encoding="utf-8")


def read_record(file: Path, key: str) -> Record:
    """Read the record of a stage.

    Args:
        file: The file.
        key: Key of the stage that it has to belong to.

    Raises:
        FileNotFoundError: If there is none.
        OSError: If it cannot be read.
        ArtifactError: If it is damaged or belongs to another stage; names the file.
    """
    try:
        parts = json.loads(file.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{file} is damaged: {error}") from error
    if _is_old(parts):
        return Record(key, None, parts)
    if not isinstance(parts, dict) or set(parts) != _FIELDS:
        raise ArtifactError(f"{file} is damaged: it is no record of a stage")
    stated = parts.pop("checksum")
    if stated != _checksum(parts) or parts["format"] != _FORMAT:
        raise ArtifactError(f"{file} is damaged: its checksum does not fit its content")
    if parts["key"] != key:
        raise ArtifactError(f"{file} is damaged: it belongs to {parts['key']!r}, not to {key!r}")
    return Record(key, parts["product"], parts["record"])


def _is_old(parts: Any) -> bool:
    """Whether it is a record of dgsearch 0.1 that names what is needed, in the right types."""
    if not isinstance(parts, dict) or not isinstance(parts.get("stage"), str):
        return False
    seconds, warnings = parts.get("seconds"), parts.get("warnings", [])
    timed = isinstance(seconds, int | float) and 0 <= seconds < math.inf
    return timed and isinstance(warnings, list) and all(isinstance(one, str) for one in warnings)


def _checksum(parts: Mapping[str, Any]) -> str:
    text = json.dumps(parts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


logger = logging.getLogger(__name__)

_PRODUCT, _RECORD = "product.safetensors", "record.json"
_HALF_WRITTEN_S = 60.0  # a nameless folder that nobody leases is left over after so long


@dataclass(frozen=True)
class Stored:
    """One stage in the store.

    Attributes:
        key: Its key.
        record: What its trial wrote about it: stage, method, seconds; {} where `problem` says why.
        bytes: Its size.
        used_at: When it was stored or last read, in seconds since 1970.
        problem: What is wrong with it; empty if nothing is known to be.
        readable: Whether this user may read it; if not, nothing is known of its content.
    """

    key: str
    record: Mapping[str, Any]
    bytes: int
    used_at: float
    problem: str = ""
    readable: bool = True


@dataclass(frozen=True)
class HalfWritten:
    """A folder that a process which died was writing or deleting.

    Attributes:
        name: Name of the folder.
        bytes: Its size.
        left_over: Whether nobody is at work on it.
    """

    name: str
    bytes: int
    left_over: bool


class Store:
    """Products of stages in a folder that several processes may use at once."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`; it is created when the first product is stored."""
        self.folder = folder
        self.leases = Leases(folder / LEASES_FOLDER)

    def load(self, key: str) -> tuple[Product, dict[str, Any]] | None:
        """The product and record under `key`, or None if there is none that is whole.

        Raises:
            ArtifactFolderError: If there is one that cannot be read, or a damaged one that
                cannot be taken out of the way.
        """
        place = self.folder / key
        try:
            product, record = self._read(key)
        except FileNotFoundError:
            if place.is_dir():
                self._give_up(place, f"{place} is damaged: a file of it is missing")
            return None
        except ArtifactError as error:
            self._give_up(place, str(error))
            return None
        except OSError as error:
            raise refused(error, place) from error
        with suppress(OSError):  # of another user, or on a disk that is read-only
            os.utime(place / _RECORD)
        return product, dict(record.content)

    def holds(self, key: str) -> bool:
        """Whether there is something under `key`, whole or not."""
        return (self.folder / key).is_dir()

    def save(self, key: str, product: Product, record: Mapping[str, Any]) -> None:
        """Keep a product; if another process kept it first, that one stays.

        Args:
            key: From `stage_key`.
            product: What the stage made.
            record: Plain data about it: stage, method, seconds, warnings.

        Raises:
            ArtifactFolderError: If the folder stays full or cannot be written.
        """
        patiently(lambda: self._write(key, product, record), self.folder)

    def listed(self) -> list[Stored]:
        """What is stored, the least recently used first; what is half deleted is left out."""
        return sorted(self._entries(), key=lambda entry: entry.used_at)

    def checked(self) -> list[Stored]:
        """The same with every product read and compared with its checksum."""
        return [self._check(entry) for entry in self.listed()]

    def half_written(self) -> list[HalfWritten]:
        """Folders that have no name yet, or none any more, the oldest first."""
        found = []
        for place in self._folders():
            if place.name.startswith("."):
                changed_at, size = _extent(place)
                found.append((changed_at, HalfWritten(place.name, size, self._is_left(place))))
        return [one for _, one in sorted(found, key=lambda pair: pair[0])]

    def sweep(self) -> list[HalfWritten]:
        """Delete the half-written folders that nobody is at work on; returns those deleted."""
        left = [one for one in self.half_written() if one.left_over]
        for one in left:
            shutil.rmtree(self.folder / one.name, ignore_errors=True)
        return [one for one in left if not (self.folder / one.name).exists()]

    def prune(self, *, keep_bytes: float) -> list[Stored]:
        """Delete the least recently used stages until the rest fits; never one in use.

        One that this user may not read or delete stays.

        Returns:
            What was deleted.
        """
        entries = self.listed()
        total = sum(entry.bytes for entry in entries)
        dropped: list[Stored] = []
        for entry in entries:
            if total <= keep_bytes:
                break
            if not entry.readable or self.leases.is_leased(entry.key):
                continue
            try:
                self._drop(self.folder / entry.key)
            except OSError as error:
                logger.warning("%s: not deleted: %s", self.folder / entry.key, error.strerror)
                continue
            dropped.append(entry)
            total -= entry.bytes
        return dropped

    def _read(self, key: str) -> tuple[Product, Record]:
        """The product and record; once more if a file was missing, as one may just be renamed."""
        place = self.folder / key
        for last in (False, True):
            try:
                record = read_record(place / _RECORD, key)
                product = read_tree(place / _PRODUCT, label=key, checksum=record.product)
                return product, record
            except FileNotFoundError:
                if last or not place.is_dir():
                    raise
        raise AssertionError

    def _write(self, key: str, product: Product, record: Mapping[str, Any]) -> None:
        temporary = hidden_beside(self.folder / key)
        try:
            checksum = write_tree(temporary / _PRODUCT, product, label=key)
            write_record(temporary / _RECORD, Record(key, checksum, record))
            try:
                temporary.rename(self.folder / key)
            except OSError:
                if not (self.folder / key).exists():
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _folders(self) -> Iterator[Path]:
        try:
            with os.scandir(self.folder) as entries:
                places = [Path(entry.path) for entry in entries if entry.is_dir()]
        except FileNotFoundError:
            return
        except OSError as error:
            raise refused(error, self.folder) from error
        yield from (place for place in places if place.name != LEASES_FOLDER)

    def _entries(self) -> Iterator[Stored]:
        for place in self._folders():
            if not place.name.startswith("."):
                changed_at, size = _extent(place)
                entry = Stored(place.name, {}, size, changed_at)
                try:
                    record = read_record(place / _RECORD, place.name)
                    yield replace(entry, record=record.content)
                except FileNotFoundError:
                    if place.is_dir():  # otherwise another process has just deleted it
                        yield replace(entry, problem="damaged: it has no record")
                except ArtifactError as error:
                    yield replace(entry, problem=str(error))
                except OSError as error:
                    yield replace(entry, problem=_unreadable(error), readable=False)

    def _check(self, entry: Stored) -> Stored:
        if entry.problem:
            return entry
        try:
            self._read(entry.key)
        except ArtifactError as error:
            return replace(entry, problem=str(error))
        except FileNotFoundError:
            return replace(entry, problem="damaged: its product is missing")
        except OSError as error:
            return replace(entry, problem=_unreadable(error), readable=False)
        return entry

    def _is_left(self, place: Path) -> bool:
        """Whether nobody is at work on a half-written folder, `.KEY.xxxxxxxx`."""
        changed_at, _ = _extent(place)
        key = place.name[1:].rpartition(".")[0]
        return self.leases.now() - changed_at > _HALF_WRITTEN_S and not self.leases.is_leased(key)

    def _give_up(self, place: Path, reason: str) -> None:
        """Drop a damaged stage and say so."""
        logger.warning("%s; it is dropped and trained again", reason)
        try:
            self._drop(place)
        except OSError as error:
            raise ArtifactFolderError(
                f"{reason}; it cannot be deleted: {error.strerror}; delete it, or ask its owner to"
            ) from error

    def _drop(self, place: Path) -> None:
        """Take a stage out of the way at once, then delete it."""
        aside = hidden_beside(place)
        try:
            place.rename(aside)
        except FileNotFoundError:
            return  # another process dropped it first
        shutil.rmtree(aside, ignore_errors=True)


def _unreadable(error: OSError) -> str:
    return f"not readable: {error.strerror or error}"


def _extent(place: Path) -> tuple[float, int]:
    """When a folder's record was last used, or any file changed if it has none; and its size."""
    used_at, changed_at, size = 0.0, 0.0, 0
    with suppress(OSError):  # deleted in this moment, or not this user's to look into
        changed_at = place.stat().st_mtime
        for part in place.iterdir():
            state = part.stat()
            size += state.st_size
            changed_at = max(changed_at, state.st_mtime)
            if part.name == _RECORD:
                used_at = state.st_mtime
    return used_at or changed_at, size
