"""Per-image correctness: a bit an image, at the epoch that counts, read back as a frame."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from dgsearch.database.predictions import packed, read_predictions, unpacked
from dgsearch.database.recorder import Epoch
from dgsearch.database.tables import OWN_PREDICTIONS
from dgsearch.errors import DatabaseError
from tests.fakes import FakeStudy, planned


@given(st.lists(st.booleans(), max_size=100))
def test_packing_loses_nothing_and_takes_a_byte_for_eight_images(correct: list[bool]) -> None:
    bits = packed(correct)
    assert unpacked(bits, len(correct)).tolist() == correct
    assert len(bits) == -(-len(correct) // 8)


def test_bits_that_are_not_those_of_the_images_are_refused() -> None:
    with pytest.raises(DatabaseError, match="1 bytes stored for 9 images, which take 2"):
        unpacked(packed([True] * 8), 9)


def _row(split: str, domain: str, correct: list[bool]) -> tuple[str, str, int, str]:
    return split, domain, len(correct), base64.b64encode(packed(correct)).decode()


def test_the_later_epoch_that_counts_replaces_the_earlier_one(database: str) -> None:
    study = FakeStudy(database)
    trial = study.begin(planned()).trial_id
    first = [_row("validation", "scan", [True, False]), _row("test", "photo", [True] * 9)]
    study.recorder.report(trial, [Epoch(1, 0.5, [], first), Epoch(2, 0.4, [])], {})
    then = [_row("validation", "scan", [False, True]), _row("test", "photo", [False] * 9)]
    study.recorder.report(trial, [Epoch(3, 0.6, [], then)], {})
    frame = read_predictions(database, "fake")
    assert frame["epoch"].unique().tolist() == [3]
    own = frame[frame["split"] == "validation"]
    assert own[["domain", "image", "correct"]].to_numpy().tolist() == [
        ["scan", 0, False],
        ["scan", 1, True],
    ]
    with study.engine.connect() as connection:
        size = connection.scalar(select(func.sum(func.length(OWN_PREDICTIONS.c.correct))))
    assert size == 3  # 2 images in one byte, 9 in two


def test_filters_choose_trials_splits_and_domains(database: str) -> None:
    study = FakeStudy(database)
    study.complete(planned(), 0.5)
    study.complete(planned(seed=1), 0.25)
    one = read_predictions(database, seeds=1, splits="validation", domains="scan")
    assert one["trial_number"].unique().tolist() == [1]
    assert one["correct"].mean() == 0.25
    assert read_predictions(database, splits="test").empty
    with pytest.raises(
        DatabaseError, match="splits: 'train' is unknown; allowed: validation, test"
    ):
        read_predictions(database, splits="train")


def test_a_study_without_any_gives_an_empty_frame_of_the_same_types(database: str) -> None:
    empty = read_predictions(FakeStudy(database).engine)
    assert empty.empty
    assert empty.dtypes["correct"] == np.dtype(bool)
    assert empty.dtypes["image"] == np.dtype(np.int64)
