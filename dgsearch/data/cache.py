"""Decode once: the images of a domain as memory-mapped bytes, with a fingerprint.

The first use of a domain decodes its images and keeps them, resized, under
`$DGSEARCH_CACHE/decoded/`; later uses map that file, which all processes of a machine share. An
entry is made anew whenever a file of the domain changes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray

from dgsearch.data.benchmark import Domain
from dgsearch.data.image_decoding import Contents, Decoded, Listing, decode_all
from dgsearch.environment import cache_folder
from dgsearch.errors import DataError
from dgsearch.files import atomic_folder

VERSION = 1  # raise it whenever a decoded pixel changes
_SHOWN = 5  # unreadable images that a warning names

logger = logging.getLogger(__name__)


def decoded_domain(listing: Listing, size: int) -> Domain:
    """The domain from the cache, decoded now if it is not there or damaged.

    Images that cannot be read are left out, and named in a warning.

    Args:
        listing: What belongs to the domain.
        size: H = W in pixels.

    Returns:
        A domain whose images are mapped from a file.

    Raises:
        DataError: If there is no image, none that can be read, or no room for the cache.
    """
    shelf = cache_folder() / "decoded" / listing.benchmark / f"{listing.domain}-{size}px"
    entry = shelf / _key(listing.identity, size)
    found = _open(entry)
    if found is None:
        with _only_one(shelf):
            found = _open(entry)  # another process may have made it meanwhile
            if found is None:
                _make(listing, size, entry)
                _drop_outdated(entry)
                found = _open(entry)
    if found is None:
        raise DataError(f"{entry} vanished right after it was written")
    return found


def _key(identity: str, size: int) -> str:
    """Name of the entry, 16 hexadecimal digits."""
    text = f"{VERSION} {size} {identity}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@contextmanager
def _only_one(shelf: Path) -> Iterator[None]:
    """One process at a time; the others wait and then find the entry."""
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        lock = FileLock(shelf / ".lock")
        lock.acquire()
    except OSError as error:
        raise DataError(
            f"decoded images cannot be kept in {shelf}: {error}; set DGSEARCH_CACHE to a folder "
            "that can be written"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _open(entry: Path) -> Domain | None:
    """The entry as a domain; None if there is none, or it is damaged."""
    if not (entry / "record.json").exists():
        return None
    try:
        record = json.loads((entry / "record.json").read_text(encoding="utf-8"))
        images = np.load(entry / "images.npy", mmap_mode="c")  # (N, H, W, 3)
        held_out = torch.from_numpy(np.load(entry / "held_out.npy"))
        return Domain(
            torch.from_numpy(images).permute(0, 3, 1, 2),
            torch.from_numpy(np.load(entry / "labels.npy")),
            known_fingerprint=record["fingerprint"],
            held_out=held_out if bool(held_out.any()) else None,
            unreadable=record["unreadable"],
        )
    except (OSError, ValueError, KeyError, EOFError, DataError) as error:
        logger.warning("%s is damaged (%s); it is decoded again", entry, error)
        shutil.rmtree(entry)
        return None


def _make(listing: Listing, size: int, entry: Path) -> None:
    """Decode everything into a new entry, which appears whole or not at all."""
    contents = listing.contents()
    if not len(contents):
        raise DataError(f"{listing.benchmark}: domain {listing.domain!r} has no image")
    shape = (len(contents), size, size, 3)
    _check_room(entry.parent, int(np.prod(shape)), listing)
    with atomic_folder(entry) as temporary:
        images = np.lib.format.open_memmap(
            temporary / "whole.npy", mode="w+", dtype=np.uint8, shape=shape
        )
        title = f"decoding {listing.benchmark} {listing.domain}"
        decoded = decode_all(contents, images, title=title)
        _tell(listing, contents, decoded)
        _write(temporary, images, contents, decoded, root=listing.root)


def _write(
    folder: Path, images: np.memmap, contents: Contents, decoded: Decoded, *, root: Path
) -> None:
    """The files of an entry, without the rows that could not be read."""
    kept = decoded.kept
    labels = contents.labels[kept]
    held_out = np.zeros(len(kept), bool) if contents.held_out is None else contents.held_out[kept]
    images.flush()
    if len(kept) == len(images):
        (folder / "whole.npy").rename(folder / "images.npy")
    else:
        _copy_rows(images, kept, folder / "images.npy")
        (folder / "whole.npy").unlink()
    np.save(folder / "labels.npy", labels)
    np.save(folder / "held_out.npy", held_out)
    record = {
        "root": str(root),
        "images": len(kept),
        "fingerprint": _fingerprint(decoded.digests[kept], labels),
        "unreadable": {contents.names[row]: why for row, why in decoded.unreadable.items()},
    }
    (folder / "record.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def _copy_rows(images: np.memmap, rows: NDArray[np.int64], file: Path) -> None:
    shape = (len(rows), *images.shape[1:])
    copy = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
    for place, row in enumerate(rows):
        copy[place] = images[row]
    copy.flush()


def _fingerprint(digests: NDArray[np.uint8], labels: NDArray[np.int64]) -> str:
    """Hash over the images in their order and their labels, 16 hexadecimal digits."""
    whole = hashlib.blake2b(digests.tobytes(), digest_size=8)
    whole.update(labels.tobytes())
    return whole.hexdigest()


def _drop_outdated(entry: Path) -> None:
    """Remove what was decoded from the same folder before its files changed."""
    root = json.loads((entry / "record.json").read_text(encoding="utf-8"))["root"]
    for other in entry.parent.glob("*/record.json"):
        if other.parent != entry and json.loads(other.read_text("utf-8"))["root"] == root:
            shutil.rmtree(other.parent)


def _check_room(folder: Path, needed: int, listing: Listing) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{listing.benchmark}: decoding {listing.domain!r} needs {needed / 1e9:.1f} GB in "
            f"{folder}, which has {free / 1e9:.1f} GB; free some, choose a smaller image_size, or "
            "set DGSEARCH_CACHE to a folder with more room"
        )


def _tell(listing: Listing, contents: Contents, decoded: Decoded) -> None:
    """Warn of what is left out; an error if that is everything."""
    if not decoded.unreadable:
        return
    shown = [
        f"{contents.names[row]} ({why})" for row, why in list(decoded.unreadable.items())[:_SHOWN]
    ]
    if not len(decoded.kept):
        raise DataError(
            f"{listing.benchmark}: none of the {len(contents)} images of {listing.domain!r} can "
            f"be read: {', '.join(shown)}"
        )
    rest = len(decoded.unreadable) - len(shown)
    logger.warning(
        "%s: %d of %d images of %s cannot be read and are left out: %s%s",
        listing.benchmark,
        len(decoded.unreadable),
        len(contents),
        listing.domain,
        ", ".join(shown),
        f", and {rest} more; `dgsearch data` names all" if rest > 0 else "",
    )
