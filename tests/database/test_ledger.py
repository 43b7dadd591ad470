from __future__ import annotations

import math
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dgsearch.database.changing import StudyEditor
from dgsearch.database.connection import open_for_reading, open_for_writing
from dgsearch.database.ledger import (
    OVERTAKEN,
    Asked,
    Entry,
    begin_proposal,
    champion_entry,
    decide_proposal,
    read_ledger,
)
from dgsearch.designs.judging import DROPPED, KEPT, OPEN, WAITING, Noise, Verdict, part_of
from dgsearch.errors import DatabaseError
from tests.fakes import FakeStudy, fake_spec

NOISE = (0.0002, 7)
OLD = Path(__file__).parent / "old"


def _asked(proposal: str, champion: str = "first") -> Asked:
    changes = {"T": proposal}
    return Asked(champion, proposal, changes, {**changes, "lr": 1e-3}, "targets", (0, 1, 2, 3, 4))


def _verdict(decision: str, variance: float = 0.0002) -> Verdict:
    return Verdict(decision, 4, 4, 0.02, 0.01, 0.03, 0.0001, variance)


def _begin(study: FakeStudy, proposal: str, champion: str = "first") -> Entry:
    asked = _asked(proposal, champion)
    begun = begin_proposal(study.engine, study.study_id, asked, champion_noise=NOISE, again=True)
    assert begun is not None
    return begun


def _decide(study: FakeStudy, entry: Entry, decision: str) -> Entry:
    return decide_proposal(study.engine, study.study_id, entry.position, _verdict(decision))


def test_what_was_begun_is_read_again_as_it_was(database: str) -> None:
    study = FakeStudy(database)
    begun = _begin(study, "a")
    assert (begun.position, begun.part) == (1, part_of(1, 0))
    assert begun.noise == Noise(0.0002, 7, 7)
    (read,) = read_ledger(study.engine, "fake")
    assert (read.asked, read.part, read.noise, read.decision) == (
        begun.asked, begun.part, begun.noise, None,
    )  # fmt: skip
    assert read.verdict.decision == WAITING
    assert math.isnan(read.verdict.difference)


def test_a_proposal_that_was_begun_is_answered_and_spends_nothing(database: str) -> None:
    study = FakeStudy(database)
    first = _begin(study, "a")
    _decide(study, first, DROPPED)
    again = _begin(study, "a")
    assert (again.position, again.part, again.decision) == (1, first.part, DROPPED)
    assert again.verdict == _verdict(DROPPED)
    assert _begin(study, "a", champion="b").position == 2  # another question


def test_what_is_begun_counts_as_spent_until_it_is_kept(database: str) -> None:
    study = FakeStudy(database)
    first = _begin(study, "a")
    second = _begin(study, "b")
    assert second.part == pytest.approx(part_of(2, first.part))
    _decide(study, first, KEPT)
    assert _begin(study, "c", champion="a").part == pytest.approx(part_of(3, second.part))


def test_the_noise_of_decided_proposals_is_pooled_for_later_ones(database: str) -> None:
    study = FakeStudy(database)
    decide_proposal(study.engine, study.study_id, _begin(study, "a").position,
                    _verdict(DROPPED, variance=0.0004))  # fmt: skip
    assert _begin(study, "b").noise.variance == pytest.approx((7 * 0.0002 + 3 * 0.0004) / 10)


def test_the_champion_is_what_was_kept_last(database: str) -> None:
    study = FakeStudy(database)
    assert champion_entry(read_ledger(study.engine, "fake")) is None
    assert _decide(study, _begin(study, "a"), KEPT).kept_as == 1
    assert _decide(study, _begin(study, "b", champion="a"), KEPT).kept_as == 2
    champion = champion_entry(read_ledger(study.engine, "fake"))
    assert champion is not None
    assert champion.asked.proposal == "b"


def test_one_that_beats_a_former_champion_is_not_made_champion(database: str) -> None:
    study = FakeStudy(database)
    first, second = _begin(study, "a"), _begin(study, "b")  # two judges at once
    _decide(study, first, KEPT)
    assert _decide(study, second, KEPT).decision == OVERTAKEN
    champion = champion_entry(read_ledger(study.engine, "fake"))
    assert champion is not None
    assert champion.asked.proposal == "a"


def test_what_is_final_stays_and_what_is_open_may_be_decided_with_more_seeds(
    database: str,
) -> None:
    study = FakeStudy(database)
    first, second = _begin(study, "a"), _begin(study, "b")
    _decide(study, first, DROPPED)
    assert _decide(study, first, KEPT).decision == DROPPED
    assert _decide(study, second, OPEN).decision == OPEN
    assert _decide(study, second, KEPT).decision == KEPT


def test_judges_at_once_never_get_the_same_part_twice(database: str) -> None:
    study = FakeStudy(database)
    names = [f"p{number % 6}" for number in range(12)]  # each is asked for by two

    def begin(name: str) -> Entry:
        engine = open_for_writing(database).engine
        try:
            return begin_proposal(engine, study.study_id, _asked(name), champion_noise=NOISE)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        begun = list(pool.map(begin, names))
    assert {entry.position for entry in begun} == {1, 2, 3, 4, 5, 6}
    spent = math.fsum(entry.part for entry in read_ledger(study.engine, "fake"))
    assert spent == pytest.approx(0.05 * 6 / 56)  # of six that were begun: 6 / (50 + 6)


def test_a_renamed_study_keeps_its_series_and_a_deleted_one_does_not(database: str) -> None:
    study = FakeStudy(database)
    _begin(study, "a")
    editor = StudyEditor(database, "fake")
    editor.rename("other")
    editor.close()
    assert len(read_ledger(study.engine, "other")) == 1
    assert read_ledger(study.engine, "fake") == []
    editor = StudyEditor(database, "other")
    editor.delete()
    editor.close()
    again = FakeStudy(database, fake_spec(name="other"))
    assert read_ledger(again.engine, "other") == []
    with pytest.raises(DatabaseError, match="was deleted"):
        begin_proposal(study.engine, 99, _asked("b"), champion_noise=NOISE)


def test_a_database_of_schema_4_is_read_without_a_series_and_migrated(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    connection = sqlite3.connect(file)
    connection.executescript((OLD / "dgsearch_schema_4.sql").read_text(encoding="utf-8"))
    (name,) = connection.execute("SELECT study_name FROM studies LIMIT 1").fetchone()
    connection.close()
    engine = open_for_reading(file)
    assert read_ledger(engine, name) == []
    engine.dispose()
    engine = open_for_writing(file).engine
    assert file.with_name("old.db.schema-4.backup").exists()
    assert read_ledger(engine, name) == []
    (study_id,) = engine.connect().exec_driver_sql("SELECT study_id FROM studies").first() or ()
    assert begin_proposal(engine, study_id, _asked("a"), champion_noise=NOISE).position == 1
    engine.dispose()
