"""The artefact store: what stages made, under a hash of everything it depends on.

`stages/<key>/` holds `product.safetensors` and `record.json`; a folder appears by renaming
and is complete when it is there. A damaged product is named, dropped and made again.
"""

from __future__ import annotations

import json
import logging
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dgsearch.errors import ArtefactError
from dgsearch.methods.base import Product
from dgsearch.trainable.files import read_tree, write_tree

__all__ = ["Store"]

logger = logging.getLogger(__name__)


class Store:
    """Products of stages in a folder that several processes may use at once."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`; it is created when the first product is stored."""
        self.folder = folder

    def load(self, key: str) -> tuple[Product, dict[str, Any]] | None:
        """The product and record under `key`, or None if there is none that is whole."""
        place = self.folder / key
        try:
            product = read_tree(place / "product.safetensors")
            record = json.loads((place / "record.json").read_text(encoding="utf-8"))
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

    def _drop(self, place: Path) -> None:
        """Take a damaged product out of the way at once, then delete it."""
        aside = place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}")
        try:
            place.rename(aside)
        except FileNotFoundError:
            return  # another process dropped it first
        shutil.rmtree(aside, ignore_errors=True)
