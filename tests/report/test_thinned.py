"""Pages of searches of very many trials: what is of all of them, and what of a part."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import update

from dgsearch.database import thinning
from dgsearch.database.connection import open_for_reading, open_for_writing
from dgsearch.database.queries import read_trials
from dgsearch.database.tables import OWN_TRIALS
from dgsearch.database.thinning import Thinned, thinned_search
from dgsearch.report.parts import Note, Table, Warn
from dgsearch.report.sections.answer import answer_section
from dgsearch.report.sections.records import trials_section
from dgsearch.report.study_data import StudyData, read_study_data
from dgsearch.report.view import StudyView, study_view
from tests.bulk import bulk_search

TRIALS, PART, BEST = 300, 50, 20
CONFIRMED = 7  # number of a proposal that is made to have a second seed


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A search of 300 trials, of which one confirms another."""
    place = f"sqlite:///{Path(tmp_path_factory.mktemp('bulk')) / 'study.db'}"
    bulk_search(place, trials=TRIALS)
    engine = open_for_writing(place).engine
    with engine.begin() as connection:
        config_id = connection.scalar(
            OWN_TRIALS.select()
            .with_only_columns(OWN_TRIALS.c.config_id)
            .where(OWN_TRIALS.c.trial_id == CONFIRMED + 1)
        )
        connection.execute(
            update(OWN_TRIALS)
            .where(OWN_TRIALS.c.trial_id == TRIALS)
            .values(seed=1, config_id=config_id)
        )
    engine.dispose()
    return place


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search of 300 trials is a large one."""
    for name, number in (("LARGE", TRIALS - 1), ("PART", PART), ("BEST", BEST)):
        monkeypatch.setattr(thinning, name, number)


def _view(database: str) -> StudyView:
    return study_view(read_study_data(open_for_reading(database), "bulk"), {})


def _thinned(database: str) -> Thinned:
    found = thinned_search(open_for_reading(database), "bulk", first_seed=0)
    assert found is not None
    return found


def test_a_study_up_to_the_limit_is_read_whole(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thinning, "LARGE", TRIALS)
    assert thinned_search(open_for_reading(database), "bulk", first_seed=0) is None


@pytest.mark.usefixtures("small")
def test_the_part_is_every_sixth_trial_the_confirmed_proposal_and_the_best(database: str) -> None:
    trials = read_trials(database)
    best = int(trials.loc[trials["value"].idxmax(), "trial_number"])
    wanted = {*range(0, TRIALS, TRIALS // PART), CONFIRMED, TRIALS - 1, best}
    assert _thinned(database).numbers == tuple(sorted(wanted))


@pytest.mark.usefixtures("small")
def test_what_is_counted_is_counted_over_all_trials(database: str) -> None:
    trials, found = read_trials(database), _thinned(database)
    assert found.trials == TRIALS
    assert found.set_aside == 0
    assert dict(found.states) == trials["state"].value_counts().loc[lambda n: n > 0].to_dict()
    assert found.wall_s == pytest.approx(trials["wall_s"].sum())
    assert found.saved_s == pytest.approx(trials["saved_s"].sum())
    done = trials[trials["state"] == "COMPLETE"]
    assert found.configurations == done["config_id"].nunique()
    ranked = done.sort_values("value", ascending=False)
    assert list(found.best) == list(ranked["trial_number"].head(BEST))


@pytest.mark.usefixtures("small")
def test_an_interrupted_trial_is_counted_and_not_read(database: str) -> None:
    engine = open_for_writing(database).engine
    lost = update(OWN_TRIALS).where(OWN_TRIALS.c.trial_id == 1)
    with engine.begin() as connection:
        connection.execute(lost.values(stop_reason="interrupted"))
        again = update(OWN_TRIALS).where(OWN_TRIALS.c.trial_id == 2).values(attempt=2)
        connection.execute(again)
    try:
        found = _thinned(database)
        assert 0 not in found.numbers
        assert found.trials == TRIALS
        assert found.lost == 1
    finally:
        with engine.begin() as connection:
            connection.execute(lost.values(stop_reason="finished"))
            connection.execute(again.values(attempt=1))
        engine.dispose()


def _whole(database: str, monkeypatch: pytest.MonkeyPatch) -> StudyView:
    with monkeypatch.context() as patch:
        patch.setattr(thinning, "LARGE", TRIALS)
        return _view(database)


@pytest.mark.usefixtures("small")
def test_the_page_of_a_part_says_so_and_chooses_what_the_whole_page_chooses(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, part = _whole(database, monkeypatch), _view(database)
    assert part.chosen == whole.chosen
    (warning,) = [
        block.text
        for block in answer_section(part).blocks
        if isinstance(block, Warn) and "This search has" in block.text
    ]
    assert f"This search has {TRIALS} trials." in warning
    assert f"the {BEST} best trials" in warning
    assert f"computed from {len(part.trials)} trials: every 6th" in warning
    assert not any(
        "This search has" in block.text
        for block in answer_section(whole).blocks
        if isinstance(block, Warn)
    )


@pytest.mark.usefixtures("small")
def test_sentences_and_key_facts_of_a_part_count_all_trials(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = [answer_section(view) for view in (_whole(database, monkeypatch), _view(database))]
    first, second = (
        next(block for block in section.blocks if isinstance(block, Table)) for section in sections
    )
    assert list(first.rows) == list(second.rows)
    notes = [
        next(block.text for block in section.blocks if isinstance(block, Note))
        for section in sections
    ]
    assert notes[0].partition(" reaches ")[0] == notes[1].partition(" reaches ")[0]
    assert "configurations, the one chosen by validation is" in notes[1]


@pytest.mark.usefixtures("small")
def test_the_best_of_all_trials_are_listed(database: str) -> None:
    view, found = _view(database), _thinned(database)
    section = trials_section(view)
    note = next(block.text for block in section.blocks if isinstance(block, Note))
    assert note.startswith(f"The {BEST} trials of the best value, of {TRIALS}.")
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert len(table.rows) == BEST
    shown = sorted(view.data.best["trial_number"])
    assert shown == sorted(found.best)


@pytest.mark.usefixtures("small")
def test_frames_of_a_part_hold_the_rows_of_the_whole_ones(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, whole = _view(database).data, _whole(database, monkeypatch).data
    for field in dataclasses.fields(StudyData):
        if field.name not in ("trials", "curves", "scores"):
            continue
        some, every = getattr(part, field.name), getattr(whole, field.name)
        every = every[every["trial_number"].isin(part.thinned.numbers if part.thinned else ())]
        pd.testing.assert_frame_equal(
            some.reset_index(drop=True), every.reset_index(drop=True)[list(some)]
        )
