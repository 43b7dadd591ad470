"""SQLite databases that tests need again and again: made once a process, then copied."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from dgsearch.database.connection import open_for_writing

if TYPE_CHECKING:
    from tests.fakes import FakeStudy

_FRESH_S = 20.0  # some tests ask how long ago a study ended
_BUILT: dict[str, tuple[bytes, FakeStudy, float]] = {}  # file, study, when


@cache
def _empty() -> bytes:
    """An SQLite database with all tables and no study, made once: creating tables takes long."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "study.db"
        open_for_writing(file).engine.dispose()
        return file.read_bytes()


def opened(database: str) -> Engine:
    """A database for writing; a copy of the empty one where an SQLite file is not there yet."""
    scheme, _, file = database.partition(":///")
    if scheme == "sqlite" and not Path(file).exists():
        Path(file).write_bytes(_empty())
    return open_for_writing(database).engine


def copied(database: str, what: str, build: Callable[[str], FakeStudy]) -> FakeStudy:
    """A fake study; what is built a second time in an SQLite file of its own is copied.

    Copies have the driver of the first one and its times, which are not long ago, and are opened
    when they are used.

    Args:
        database: URL.
        what: All that tells it from other studies.
        build: Writes it.
    """
    scheme, _, file = database.partition(":///")
    if scheme != "sqlite" or Path(file).exists():
        return build(database)
    content, first, built_at = _BUILT.get(what, (b"", None, 0.0))
    if first is not None and time.monotonic() - built_at < _FRESH_S:
        Path(file).write_bytes(content)
        return first.moved(database)
    study = build(database)
    study.engine.dispose()  # all that it has written is in the one file
    _BUILT[what] = (Path(file).read_bytes(), study.moved(database), time.monotonic())
    return study
