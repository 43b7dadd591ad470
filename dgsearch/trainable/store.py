"""The artefact store: what stages made, under a hash of everything it depends on.

`stages/<key>/` holds `product.safetensors` and `record.json`; a folder appears by renaming
and is complete when it is there. A damaged product is named, dropped and made again.
`marks/` tells who trains or reads a stage at present.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgsearch.errors import ArtefactError
from dgsearch.methods.base import Product
from dgsearch.trainable.files import read_tree, write_tree
from dgsearch.trainable.marks import Marks

__all__ = ["Store", "Stored"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """One stage in the store.

    Attributes:
        key: Its key.
        record: What its trial wrote about it: stage, method, seconds.
        bytes: Its size.
        used_at: When it was stored or last read, in seconds since 1970.
    """

    key: str
    record: Mapping[str, Any]
    bytes: int
    used_at: float


class Store:
    """Products of stages in a folder that several processes may use at once."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`; it is created when the first product is stored."""
        self.folder = folder
        self.marks = Marks(folder / "marks")

    def load(self, key: str) -> tuple[Product, dict[str, Any]] | None:
        """The product and record under `key`, or None if there is none that is whole."""
        place = self.folder / key
        try:
            product = read_tree(place / "product.safetensors")
            record = json.loads((place / "record.json").read_text(encoding="utf-8"))
            os.utime(place / "record.json")
        except FileNotFoundError:
            return None
        except (ArtefactError, json.JSONDecodeError) as error:
            logger.warning("%s; it is dropped and trained again", error)
            self._drop(place)
            return None
        return product, record

    def save(self, key: str, product: Product, record: Mapping[str, Any]) -> None:
        """Keep a product; if another process kept it first, that one stays.

        Args:
            key: From `stage_key`.
            product: What the stage made.
            record: Plain data about it: stage, method, seconds.
        """
        temporary = self.folder / f".{key}.{uuid.uuid4().hex[:8]}"
        write_tree(temporary / "product.safetensors", product)
        (temporary / "record.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
        try:
            temporary.rename(self.folder / key)
        except OSError:
            if not (self.folder / key).exists():
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def listed(self) -> list[Stored]:
        """What is stored, the least recently used first; what is half deleted is left out."""
        return sorted(self._entries(), key=lambda entry: entry.used_at)

    def damaged(self) -> list[str]:
        """The keys whose product does not fit its checksum; each is named in a warning."""
        return [entry.key for entry in self.listed() if self._is_damaged(entry.key)]

    def prune(self, *, keep_bytes: float) -> list[Stored]:
        """Delete the least recently used stages until the rest fits; never one in use.

        Returns:
            What was deleted.
        """
        entries = self.listed()
        total = sum(entry.bytes for entry in entries)
        dropped: list[Stored] = []
        for entry in entries:
            if total <= keep_bytes:
                break
            if not self.marks.is_marked(entry.key):
                self._drop(self.folder / entry.key)
                dropped.append(entry)
                total -= entry.bytes
        return dropped

    def _entries(self) -> Iterator[Stored]:
        for file in self.folder.glob("*/record.json"):
            place = file.parent
            if place.name.startswith("."):
                continue
            try:
                size = sum(part.stat().st_size for part in place.iterdir())
                record = json.loads(file.read_text(encoding="utf-8"))
                yield Stored(place.name, record, size, file.stat().st_mtime)
            except FileNotFoundError:  # another process has just deleted it
                continue
            except json.JSONDecodeError:
                yield Stored(place.name, {}, size, file.stat().st_mtime)

    def _is_damaged(self, key: str) -> bool:
        try:
            read_tree(self.folder / key / "product.safetensors")
            json.loads((self.folder / key / "record.json").read_text(encoding="utf-8"))
        except (ArtefactError, FileNotFoundError, json.JSONDecodeError) as error:
            logger.warning("%s: %s", self.folder / key, error)
            return True
        return False

    def _drop(self, place: Path) -> None:
        """Take a damaged product out of the way at once, then delete it."""
        aside = place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}")
        try:
            place.rename(aside)
        except FileNotFoundError:
            return  # another process dropped it first
        shutil.rmtree(aside, ignore_errors=True)
