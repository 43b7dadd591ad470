"""The lines of a journal as columns: blocks of bytes that are searched whole, no object a line.

Optuna writes each kind of operation with the same keys in the same order, so that a field is
found in all lines of a block by a few operations on arrays. A line that looks otherwise is
parsed alone, as JSON; what it says is `Operations.others`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dgsearch.database.formats.journal_blocks import (
    Block,
    Fields,
    Flags,
    Floats,
    Ints,
    read_blocks,
)

logger = logging.getLogger(__name__)

_BEGIN = b'{"op_code":'
_WORKER = b',"worker_id":"'
_RUNNING, _ENDED = 0, (1, 2, 3)  # states
_ALONE = -1  # kind of a line that is parsed by itself
_REPORT = 7
_AT_ONCE = (_ALONE, 4, 5, 6, 8)
_KINDS = np.full(256, _ALONE)  # by the digit that stands for it
for _kind in (2, 4, 5, 6, 7, 8, 9):  # 2, 9: attributes of a study and of samplers, not read
    _KINDS[ord("0") + _kind] = _kind


class Texts:
    """Distinct texts of JSON, each with its number."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._raw: dict[bytes, int] = {}
        self._plain: dict[str, int] = {}

    def code(self, text: str) -> int:
        """The number of a text."""
        number = self._plain.setdefault(text, len(self.found))
        if number == len(self.found):
            self.found.append(text)
        return number

    def codes(self, raw: pa.Array) -> Ints:
        """The number of each text, given between its quotes; -1 for what is no text."""
        encoded = raw.dictionary_encode()
        numbers = np.array([self._code(item) for item in encoded.dictionary.to_pylist()], np.int64)
        found: Ints = numbers[encoded.indices.to_numpy()]
        return found

    def _code(self, raw: bytes) -> int:
        if raw not in self._raw:
            try:
                self._raw[raw] = self.code(json.loads(b'"' + raw + b'"'))
            except ValueError:
                self._raw[raw] = -1
        return self._raw[raw]


@dataclass
class Operations:
    """The operations of a journal by kind; each column of a kind has one item a line.

    Attributes:
        creations: line, study, started (microseconds of UTC since 1970).
        params: line, trial, name and distribution (numbers of texts), value.
        states: line, trial, state, first and count (of its `values`), moment (as `started`).
        reports: line, trial, step, value; of `read_reports`.
        attributes: line, trial, place (in `objects`).
        values: The objective values of all `states`.
        names: Names of hyperparameters.
        distributions: Their distributions.
        objects: What attributes were set, as parsed.
        others: Number and content of each line of another form, in order.
        size: Bytes of the complete lines.
    """

    creations: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    params: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    states: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    reports: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    attributes: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    values: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    names: Texts = field(default_factory=Texts)
    distributions: Texts = field(default_factory=Texts)
    objects: list[dict[str, Any]] = field(default_factory=list)
    others: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    size: int = 0


def read_operations(file: Path) -> Operations:
    """The operations of a journal; a last line that is not complete is not there yet.

    Raises:
        OSError: If the file cannot be read.
    """
    reader = _Reader(file)
    for block in read_blocks(file):
        reader.read(block, _AT_ONCE)
    return reader.operations()


def read_reports(file: Path, size: int) -> Operations:
    """The reports of a journal, and nothing else; no frame of trials needs them.

    Args:
        file: The journal.
        size: `Operations.size`: what was appended since is not read.

    Raises:
        OSError: If the file cannot be read.
    """
    reader = _Reader(file)
    for block in read_blocks(file, size):
        reader.read(block, [_REPORT])
    return reader.operations()


class _Columns:
    """Columns that grow from block to block."""

    def __init__(self, **kinds: npt.DTypeLike) -> None:
        self._parts = {name: [np.empty(0, kind)] for name, kind in kinds.items()}

    def add(self, chosen: Flags, **columns: npt.NDArray[Any]) -> None:
        """Add the rows chosen."""
        for name, values in columns.items():
            kind = self._parts[name][0].dtype
            self._parts[name].append(values[chosen].astype(kind, copy=False))

    def whole(self) -> dict[str, npt.NDArray[Any]]:
        """The columns; nothing is kept."""
        return {name: np.concatenate(self._parts.pop(name)) for name in list(self._parts)}


class _Reader:
    """Reads block after block."""

    def __init__(self, file: Path) -> None:
        self._file = file
        trial = {"line": np.int64, "trial": np.int64}
        self._creations = _Columns(line=np.int64, study=np.int64, started=np.int64)
        self._params = _Columns(**trial, name=np.int32, distribution=np.int32, value=np.float64)
        self._states = _Columns(
            **trial, state=np.int8, first=np.int64, count=np.int64, moment=np.int64
        )
        self._reports = _Columns(**trial, step=np.int64, value=np.float64)
        self._attributes = _Columns(**trial, place=np.int64)
        self._values: list[Floats] = []
        self._size = 0  # of all values
        self._found = Operations()

    def operations(self) -> Operations:
        """Everything that was read; the reader is then empty."""
        found = self._found
        found.creations, found.params = self._creations.whole(), self._params.whole()
        found.states, found.reports = self._states.whole(), self._reports.whole()
        found.attributes = self._attributes.whole()
        found.values = np.concatenate([np.empty(0), *self._values])
        return found

    def read(self, block: Block, wanted: Sequence[int]) -> None:
        """Add the operations of some kinds of a block."""
        kinds = _kinds(block)
        self._found.size += int(block.ends[-1]) + 1
        readers = {
            4: self._read_creations,
            5: self._read_params,
            6: self._read_states,
            7: self._read_reports,
            8: self._read_attributes,
        }
        others = [np.flatnonzero(kinds == _ALONE)] if _ALONE in wanted else []
        for kind in wanted:
            lines = np.flatnonzero(kinds == kind)
            if kind != _ALONE and len(lines):
                fine = readers[kind](block, lines)
                others.append(lines[~fine])
        if not others:
            return
        for line in np.sort(np.concatenate(others)).tolist():
            self._parse(block, line)

    def _parse(self, block: Block, line: int) -> None:
        """Read a line of another form."""
        raw = block.data[block.starts[line] : block.ends[line]].tobytes()
        number = block.first + line
        try:
            operation = json.loads(raw)
        except ValueError:
            operation = None
        if isinstance(operation, dict):
            self._found.others.append((number, operation))
        elif raw.strip():
            logger.warning("%s: line %d is no operation and is left out", self._file, number)

    def _read_creations(self, block: Block, lines: Ints) -> Flags:
        fields = Fields(block, lines)
        _skip_worker(block, fields, b',"study_id":')
        study = fields.whole_number()
        fields.skip(b',"datetime_start":"')
        started = fields.moment()
        self._creations.add(fields.fine, line=block.first + lines, study=study, started=started)
        return fields.fine

    def _read_params(self, block: Block, lines: Ints) -> Flags:
        fields, trial = _of_trial(block, lines)
        fields.skip(b',"param_name":"')
        name = fields.until(b'","param_value_internal":')
        value = fields.number(b',"distribution":"')
        distribution = fields.rest(b'"}')
        fine = np.flatnonzero(fields.fine)
        codes = np.full((2, len(lines)), -1)
        for at, (texts, (start, end)) in enumerate(
            ((self._found.names, name), (self._found.distributions, distribution))
        ):
            codes[at, fine] = texts.codes(block.texts(start[fine], end[fine]))
        fields.fine &= (codes >= 0).all(axis=0)
        self._params.add(
            fields.fine,
            line=block.first + lines,
            trial=trial,
            name=codes[0],
            distribution=codes[1],
            value=value,
        )
        return fields.fine

    def _read_reports(self, block: Block, lines: Ints) -> Flags:
        fields, trial = _of_trial(block, lines)
        fields.skip(b',"step":')
        step = fields.whole_number()
        fields.skip(b',"intermediate_value":')
        value = fields.number(b"}")
        fields.fine &= fields.at == fields.ends
        self._reports.add(
            fields.fine, line=block.first + lines, trial=trial, step=step, value=value
        )
        return fields.fine

    def _read_attributes(self, block: Block, lines: Ints) -> Flags:
        fields, trial = _of_trial(block, lines)
        fields.skip(b',"user_attr":')
        start, end = fields.rest(b"}")
        fine = np.flatnonzero(fields.fine)
        encoded = block.texts(start[fine], end[fine]).dictionary_encode()
        objects = _objects(encoded.dictionary.to_pylist())
        place = np.zeros(len(lines), np.int64)
        codes = encoded.indices.to_numpy()
        place[fine] = len(self._found.objects) + codes
        known = np.array([isinstance(item, dict) for item in objects], np.bool_)
        fields.fine[fine] = known[codes]
        self._found.objects += [item if isinstance(item, dict) else {} for item in objects]
        self._attributes.add(fields.fine, line=block.first + lines, trial=trial, place=place)
        return fields.fine

    def _read_states(self, block: Block, lines: Ints) -> Flags:
        fields, trial = _of_trial(block, lines)
        fields.skip(b',"state":')
        state = fields.whole_number()
        fields.skip(b',"values":')
        start, end = fields.until(b',"datetime_')
        begun = state == _RUNNING
        fields.fine &= begun | ((state >= _ENDED[0]) & (state <= _ENDED[-1]))
        for chosen, text in ((begun, b'start":"'), (~begun, b'complete":"')):
            fields.fine[chosen] &= block.has(fields.at[chosen], text)
            fields.at[chosen] += len(text)
        moment = fields.moment()
        values, count = fields.lists(start, end)
        first = self._size + np.cumsum(count) - count
        self._values.append(values)
        self._size += len(values)
        self._states.add(
            fields.fine,
            line=block.first + lines,
            trial=trial,
            state=state,
            first=first,
            count=count,
            moment=moment,
        )
        return fields.fine


def _kinds(block: Block) -> Ints:
    """The kind of each line's operation; -1 for what must be parsed alone."""
    code = block.starts + len(_BEGIN)
    known = block.has(block.starts, _BEGIN)
    known &= block.data[code + 1] == ord(",")
    known &= block.data[np.maximum(block.ends - 1, 0)] == ord("}")
    return np.where(known, _KINDS[block.data[code]], _ALONE)


def _of_trial(block: Block, lines: Ints) -> tuple[Fields, Ints]:
    """Lines up to the trial that they name, and its number."""
    fields = Fields(block, lines)
    _skip_worker(block, fields, b',"trial_id":')
    return fields, fields.whole_number()


def _skip_worker(block: Block, fields: Fields, mark: bytes) -> None:
    """Pass over the kind of the operation, the name of its writer and the key that follows.

    Most lines have the same writer as the first, whose name is not looked for again.
    """
    kind = len(_BEGIN) + 1
    line = block.data[fields.at[0] + kind : fields.ends[0]].tobytes()
    known = line[: line.find(mark) + len(mark)] or mark
    start = fields.at
    fields.skip(known, after=kind)
    if fields.fine.all():
        return
    at, fine = fields.at, fields.fine
    fields.at, fields.fine = start, ~fine
    fields.skip(_WORKER, after=kind)
    fields.until(b'"')
    fields.skip(mark)
    fields.at, fields.fine = np.where(fine, at, fields.at), fine | fields.fine


def _objects(raw: list[bytes]) -> list[Any]:
    """What texts of JSON say; None for one that is none."""
    try:
        found: list[Any] = json.loads(b"[" + b",".join(raw) + b"]")
    except ValueError:
        found = []
    return found if len(found) == len(raw) else [_object(item) for item in raw]


def _object(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
