"""Which images each trial classified correctly: one bit an image of its validation and tests.

The bits are those of the epoch that counts, in the order of the split, eight images a byte.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, bindparam, delete, insert, inspect, select

from dgsearch.database.broken_rows import naming_broken_rows
from dgsearch.database.filters import Names, Numbers, Since, TrialFilter, listed
from dgsearch.database.frames import FRAMES
from dgsearch.database.snapshot import Database, Snapshot, Studies, snapshot
from dgsearch.database.tables import OWN_PREDICTIONS, STUDIES, TRIALS
from dgsearch.errors import DatabaseError, one_of

_SPLITS = ("validation", "test")
_FORGET = delete(OWN_PREDICTIONS).where(OWN_PREDICTIONS.c.trial_id == bindparam("of_trial"))


def packed(correct: Sequence[bool] | np.ndarray[Any, Any]) -> bytes:
    """One bit an image, the first image in the highest bit; the last byte is filled with zeros."""
    return np.packbits(np.asarray(correct, dtype=bool)).tobytes()


def unpacked(bits: bytes, images: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """What `packed` packed, (images,).

    Raises:
        DatabaseError: If there are fewer bits than images, or more bytes than they take.
    """
    if len(bits) != -(-images // 8):
        raise DatabaseError(
            f"per-image correctness: {len(bits)} bytes stored for {images} images, which take "
            f"{-(-images // 8)}; the row is damaged"
        )
    return np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=images).astype(bool)


def prediction_rows(trial_id: int, epochs: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of `dgsearch_predictions` of the last of some epochs that has any.

    Args:
        trial_id: The trial's row.
        epochs: With the fields `epoch` and `correct`: split, domain, images and bits in base64.
    """
    known = [epoch for epoch in epochs if epoch.correct]
    return [
        {
            "trial_id": trial_id,
            "split": split,
            "domain": domain,
            "epoch": known[-1].epoch,
            "images": images,
            "correct": base64.b64decode(bits),
        }
        for split, domain, images, bits in (known[-1].correct if known else ())
    ]


def replace_predictions(
    connection: Connection, trial_id: int, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Store the rows of a trial instead of those of an earlier epoch."""
    if rows:
        connection.execute(_FORGET, {"of_trial": trial_id})
        connection.execute(insert(OWN_PREDICTIONS), list(rows))


def read_predictions(  # noqa: PLR0913 - the filters of the other readers
    database: Database = None,
    study: Studies = None,
    *,
    states: Names = None,
    seeds: Numbers = None,
    since: Since = None,
    splits: Names = None,
    domains: Names = None,
) -> pd.DataFrame:
    """Whether each image was classified correctly, at the epoch that counts.

    Images are numbered in the order of the split; which image of the domain that is, the file
    `splits/<data_fingerprint>.safetensors` among the artifacts says. Trials that have not
    reached the epoch that counts, and those of dgsearch before 0.3, have none.

    Args:
        database: URL, path of an SQLite file or SQLAlchemy engine.
        study: One name, several, or None for all.
        states: Only of trials in these states.
        seeds: Only of trials of these seeds.
        since: Only of trials that began or ended since then, and of those that have not ended.
        splits: "validation", "test" or both; None: both.
        domains: Only on these.

    Returns:
        One row an image, ordered by study, trial number, split and domain: study, trial_number,
        epoch, split, domain, image (from 0), correct.

    Raises:
        DatabaseError: If the database cannot be read, or has no such study, state or split.
    """
    wanted, named = listed(splits), listed(domains)
    for split in wanted or ():
        if split not in _SPLITS:
            raise DatabaseError(f"splits: {split!r} is unknown; {one_of(split, _SPLITS)}")
    with snapshot(database) as opened:
        names = opened.studies(study)
        conditions = TrialFilter(states, seeds, since).conditions(opened, names)
        rows = list(_rows(opened, conditions))
    kept = [
        row
        for row in rows
        if (wanted is None or row.split in wanted) and (named is None or row.domain in named)
    ]
    with naming_broken_rows(opened.connection.engine):
        return _frame(kept, names)


def read_tested(
    engine: Engine, study: str, numbers: tuple[int, ...] | None = None, *, split: str = "test"
) -> dict[tuple[int, str], tuple[int, bytes]]:
    """Images and bits of each test, by trial number and domain, to be `unpacked` where needed.

    Args:
        engine: Of the database; one without the table has none.
        study: Its name.
        numbers: Of the trials; None: all.
        split: "test" or "validation".
    """
    with engine.connect() as connection:
        if not inspect(connection).has_table(OWN_PREDICTIONS.name):
            return {}
        stored = OWN_PREDICTIONS.c
        query = (
            select(TRIALS.c.number, stored.domain, stored.images, stored.correct)
            .join(TRIALS, TRIALS.c.trial_id == stored.trial_id)
            .join(STUDIES, STUDIES.c.study_id == TRIALS.c.study_id)
            .where(STUDIES.c.study_name == study, stored.split == split)
        )
        if numbers is not None:
            query = query.where(TRIALS.c.number.in_(numbers))
        return {
            (int(row.number), str(row.domain)): (int(row.images), bytes(row.correct))
            for row in connection.execute(query)
        }


def _rows(database: Snapshot, conditions: Sequence[Any]) -> Iterator[Any]:
    """The stored rows, in the order of the frame; none in a database without the table."""
    if not inspect(database.connection).has_table(OWN_PREDICTIONS.name):
        return
    stored = OWN_PREDICTIONS.c
    query = (
        select(
            TRIALS.c.study_id,
            TRIALS.c.number,
            stored.epoch,
            stored.split,
            stored.domain,
            stored.images,
            stored.correct,
        )
        .join(TRIALS, TRIALS.c.trial_id == stored.trial_id)
        .where(*conditions)
        .order_by(TRIALS.c.study_id, TRIALS.c.number, stored.split, stored.domain)
    )
    yield from database.connection.execute(query)


def _frame(rows: Sequence[Any], names: dict[int, str]) -> pd.DataFrame:
    counts = np.array([row.images for row in rows], dtype=np.int64)
    bits = [unpacked(bytes(row.correct), int(row.images)) for row in rows]

    def repeated(values: Sequence[Any], dtype: Any) -> Any:
        return np.repeat(np.array(values, dtype=dtype), counts)

    order = [np.arange(count, dtype=np.int64) for count in counts]
    frame = pd.DataFrame(
        {
            "study": pd.array(repeated([names[row.study_id] for row in rows], object), "string"),
            "trial_number": repeated([row.number for row in rows], np.int64),
            "epoch": repeated([row.epoch for row in rows], np.int64),
            "split": pd.Categorical(repeated([row.split for row in rows], object)),
            "domain": pd.Categorical(repeated([row.domain for row in rows], object)),
            "image": np.concatenate([np.empty(0, np.int64), *order]),
            "correct": np.concatenate([np.empty(0, bool), *bits]),
        }
    )
    return frame[[column.name for column in FRAMES["predictions"].columns]]
