"""Blocks of the bytes of a file, whose lines are searched all at once, no object a line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
_Bytes: TypeAlias = npt.NDArray[np.uint8]

logger = logging.getLogger(__name__)

_BLOCK = 1 << 22  # bytes; few enough to stay in the cache, enough to make calls worth while
_MARGIN = 1 << 10  # bytes after a block that may be looked at
_WINDOW = 32  # bytes in which the next mark is looked for
_DIGITS = 18  # of a whole number that fits 64 bits
_MOMENT = len("2026-01-01T00:00:00.000000")
_UTC = b'+00:00"}'


@dataclass(frozen=True)
class Block:
    """Complete lines of a file.

    Attributes:
        data: Their bytes, and `_MARGIN` or more bytes that do not count.
        starts: Position of the first byte of each line.
        ends: Position of its newline.
        first: Number of the first line, from 1.
    """

    data: _Bytes
    starts: Ints
    ends: Ints
    first: int

    def window(self, at: Ints, size: int) -> _Bytes:
        """So many bytes from each position, one row each."""
        kind = np.dtype(f"V{size}")  # copied whole, not byte by byte
        views = np.ndarray((len(self.data) - size + 1,), kind, self.data.data, strides=(1,))
        rows: _Bytes = views[at].view(np.uint8).reshape(-1, size)
        return rows

    def has(self, at: Ints, text: bytes) -> Flags:
        """Whether a text stands at each position."""
        size = -(-len(text) // 8) * 8
        near = self.window(at, size).view(np.uint64)  # compared as numbers of eight bytes
        wanted, mask = (
            np.frombuffer(found.ljust(size, b"\0"), np.uint64)
            for found in (text, b"\xff" * len(text))
        )
        equal: Flags = (near[:, 0] & mask[0]) == wanted[0]
        for place in range(1, len(wanted)):
            equal &= (near[:, place] & mask[place]) == wanted[place]
        return equal

    def texts(self, starts: Ints, ends: Ints) -> pa.Array:
        """Copies of the bytes between positions, which must be in order."""
        bounds = np.empty(2 * len(starts), np.int32)
        bounds[0::2], bounds[1::2] = starts, ends
        buffers = [None, pa.py_buffer(bounds), pa.py_buffer(self.data)]
        # Every second item of this array is what lies between two texts.
        both = pa.Array.from_buffers(pa.binary(), max(2 * len(starts) - 1, 0), buffers)
        return both.take(pa.array(np.arange(0, len(both), 2)))


def read_blocks(file: Path, size: int | None = None) -> Iterator[Block]:
    """The complete lines of a file; the memory of a block is used again for the next.

    Args:
        file: That is read.
        size: So many bytes of it; None: all.
    """
    data = np.zeros(_BLOCK + _MARGIN, np.uint8)
    kept, number, left = 0, 1, size
    with file.open("rb", buffering=0) as stream:
        while read := stream.readinto(data[kept:-_MARGIN].data[:left]):
            left = None if left is None else left - read
            size = kept + read
            ends = _newlines(data, kept, size)
            whole = int(ends[-1]) + 1 if len(ends) else 0
            if len(ends):
                starts = np.concatenate([[0], ends[:-1] + 1])
                yield Block(data, starts, ends, number)
            number += len(ends)
            kept = size - whole
            data[:kept] = data[whole:size].copy()
            if kept == len(data) - _MARGIN:  # a line as long as the block
                data = np.concatenate([data[:kept], np.zeros(2 * kept + _MARGIN, np.uint8)])
    if kept:
        logger.warning(
            "%s: line %d is not complete and is left out; its writer was interrupted or "
            "is at work",
            file,
            number,
        )


def _newlines(data: _Bytes, kept: int, size: int) -> Ints:
    """Positions of the newlines, of which the bytes kept from the block before have none."""
    first = kept // 8 * 8
    found = data[first : -(-size // 8) * 8] == ord("\n")
    found[size - first :] = False
    # Most groups of eight bytes have none, and are passed over as one number each.
    groups = np.flatnonzero(found.view(np.uint64) != 0)
    rows, places = np.nonzero(found.reshape(-1, 8)[groups])
    return first + groups[rows] * 8 + places


class Fields:
    """The same place in several lines of a block, which moves from field to field.

    Attributes:
        at: Position in each line.
        fine: Whether the line has had the expected form so far; else its position means nothing.
    """

    def __init__(self, block: Block, lines: Ints) -> None:
        self._block = block
        self.ends = block.ends[lines]
        self.at = block.starts[lines]
        self.fine = np.ones(len(lines), np.bool_)

    def skip(self, text: bytes, after: int = 0) -> None:
        """Pass over a text that must come next, after so many bytes."""
        at = np.minimum(self.at + after, self.ends)
        self.fine &= self._block.has(at, text)
        self.at = at + len(text)

    def until(self, mark: bytes) -> tuple[Ints, Ints]:
        """Where the next field begins and ends: a mark must follow, which is passed over."""
        start, at = self.at, np.minimum(self.at, self.ends)
        end = at.copy()
        left = np.flatnonzero(self.fine)
        while len(left):
            here = at[left]
            hits = self._block.window(here, _WINDOW) == mark[0]
            place = hits.argmax(axis=1)
            found = hits.ravel()[np.arange(0, hits.size, _WINDOW) + place]
            here += np.where(found, place, _WINDOW)
            inside = here < self.ends[left]
            here[~inside] = 0
            done = found & inside & self._block.has(here, mark)
            end[left] = here
            at[left] = here + found
            self.fine[left[~inside]] = False
            left = left[inside & ~done]
        self.at = end + len(mark)
        return start, end

    def whole_number(self) -> Ints:
        """The digits that come next, as a number."""
        at = np.minimum(self.at, self.ends)
        number = np.zeros(len(at), np.int64)
        more = self.fine.copy()
        for place in range(_DIGITS + 1):
            digit = self._block.data[at] - ord("0")  # what is no digit is above 9
            more &= digit <= 9
            if place == 0:
                self.fine &= more
            if not more.any():
                break
            number = np.where(more, number * 10 + digit, number)
            at = at + more
        self.fine &= ~more
        self.at = at
        return number

    def number(self, mark: bytes) -> Floats:
        """The number that comes next and is followed by a mark."""
        start, end = self.until(mark)
        head = self._block.data[np.minimum(start, self.ends)]
        self.fine &= (
            (head - ord("0") <= 9) | (head == ord("-")) | (head == ord("N")) | (head == ord("I"))
        )
        numbers = np.full(len(start), np.nan)
        fine = np.flatnonzero(self.fine)
        numbers[fine], self.fine[fine] = _parsed(self._block.texts(start[fine], end[fine]))
        return numbers

    def moment(self) -> Ints:
        """The time that comes next, in UTC, and the end of the line after it."""
        start = self.at
        self.skip(_UTC, after=_MOMENT)
        self.fine &= self.at == self.ends
        fine = np.flatnonzero(self.fine)
        moments = np.zeros(len(start), np.int64)
        texts = self._block.texts(start[fine], start[fine] + _MOMENT)
        try:
            times = texts.cast(pa.string()).cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            self.fine[:] = False
        else:
            moments[fine] = times.cast(pa.int64()).to_numpy()
        return moments

    def rest(self, mark: bytes) -> tuple[Ints, Ints]:
        """Where the rest of the line begins and ends, before a mark at its end."""
        start, end = self.at, self.ends - len(mark)
        self.fine &= start <= end
        self.fine &= self._block.has(np.maximum(end, 0), mark)
        return start, end

    def lists(self, start: Ints, end: Ints) -> tuple[Floats, Ints]:
        """The numbers of lists between these positions, one after the other, and their counts.

        None, which is written `null`, has no numbers.
        """
        safe = np.minimum(start, self.ends)
        none = self._block.has(safe, b"null") & (end - start == 4)
        last = self._block.data[np.maximum(np.minimum(end, self.ends) - 1, 0)]
        listed = (self._block.data[safe] == ord("[")) & (last == ord("]")) & (end - start > 2)
        self.fine &= none | listed
        at = np.flatnonzero(self.fine & listed)
        pieces = pc.split_pattern(
            self._block.texts(start[at] + 1, end[at] - 1).cast(pa.string()), ","
        )
        count = np.zeros(len(start), np.int64)
        count[at] = pieces.value_lengths().to_numpy()
        numbers, sound = _parsed(pieces.flatten())
        if not sound.all():
            self.fine[:] = False
        return numbers, count


def _parsed(texts: pa.Array) -> tuple[Floats, Flags]:
    """Numbers of JSON, NaN and Infinity as Python writes them, and which texts are numbers."""
    try:
        numbers = texts.cast(pa.string()).cast(pa.float64()).to_numpy()
        return numbers, np.ones(len(numbers), np.bool_)
    except pa.ArrowInvalid:
        pairs = [_number(text) for text in texts.to_pylist()]
        numbers = np.array([number for number, _ in pairs])
        return numbers, np.array([fine for _, fine in pairs])


def _number(text: bytes) -> tuple[float, bool]:
    try:
        return float(json.loads(text)), True
    except (ValueError, TypeError):
        return np.nan, False
