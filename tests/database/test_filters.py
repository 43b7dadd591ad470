"""Filters, chunks and incremental reading: the same rows as filtering afterwards in pandas."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from sqlalchemy import text, update

from dgsearch.database.queries import read_curves, read_scores, read_studies, read_trials
from dgsearch.database.recorder import Ending
from dgsearch.database.tables import TRIALS
from dgsearch.errors import DatabaseError
from tests.fakes import FakeStudy, fake_spec, full_study, planned

equal = pd.testing.assert_frame_equal


@pytest.fixture(scope="module")
def two_studies(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A full study, and one with a trial of each state; these tests only read them."""
    database = f"sqlite:///{tmp_path_factory.mktemp('two') / 'study.db'}"
    full_study(database)
    other = FakeStudy(database, fake_spec(name="other"))
    other.complete(planned(T=9, seed=7), 0.9)
    failed = other.begin(planned(T=8))
    other.recorder.end(failed.trial_id, Ending("FAIL", "failed", error_type="E", error="e"))
    halved = other.begin(planned(T=7))
    other.report(halved.trial_id, 1, 0.3, [0.2, 0.4])
    other.recorder.end(halved.trial_id, Ending("PRUNED", "halved", rung=1, selected_epoch=1))
    other.report(other.begin(planned(T=6)).trial_id, 1, 0.1, [0.1, 0.1])
    return database


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reset_index(drop=True)


def test_states_are_filtered(two_studies: str) -> None:
    every = read_trials(two_studies)
    found = read_trials(two_studies, states=["FAIL", "RUNNING"])
    equal(found, _plain(every[every["state"].isin(["FAIL", "RUNNING"])]))
    assert len(found) == 2


def test_seeds_are_filtered(two_studies: str) -> None:
    every = read_trials(two_studies)
    equal(read_trials(two_studies, seeds=[0, 7]), _plain(every[every["seed"].isin([0, 7])]))
    equal(read_trials(two_studies, seeds=7), _plain(every[every["seed"] == 7]))


def test_a_foreign_trial_has_no_seed(database: str) -> None:
    storage = FakeStudy(database).engine
    with storage.begin() as connection:
        connection.execute(text("INSERT INTO studies (study_id, study_name) VALUES (9, 'x')"))
        connection.execute(
            text("INSERT INTO trials (number, study_id, state) VALUES (0, 9, 'WAITING')")
        )
    assert len(read_trials(database, "x")) == 1
    assert len(read_trials(database, "x", seeds=0)) == 0


@pytest.mark.parametrize(
    "columns",
    [
        ["T", "study"],
        ["accuracy/photo", "value"],
        ["trial_number", "param_epochs", "lambda_adv"],
        ["wall_s", "variant", "finished_at"],
    ],
)
def test_columns_are_given_in_the_order_asked_for(two_studies: str, columns: list[str]) -> None:
    equal(read_trials(two_studies, columns=columns), read_trials(two_studies)[columns])


def test_a_column_stays_where_no_trial_matches(two_studies: str) -> None:
    frame = read_trials(two_studies, states="WAITING", columns=["T", "accuracy/photo"])
    assert frame.dtypes.astype(str).to_dict() == {"T": "Int64", "accuracy/photo": "float64"}
    assert len(frame) == 0


def test_an_unknown_column_is_named(two_studies: str) -> None:
    with pytest.raises(DatabaseError, match=r"no column 'lambda'; .*did you mean 'lambda_"):
        read_trials(two_studies, columns=["lambda"])
    with pytest.raises(DatabaseError, match="no column 'step'"):
        read_curves(two_studies, columns=["step"])


def test_domains_and_metrics_are_filtered(two_studies: str) -> None:
    every = read_scores(two_studies)
    photo = read_scores(two_studies, domains="photo", metrics="accuracy")
    expected = _plain(every[every["domain"] == "photo"])
    equal(photo, expected, check_categorical=False)
    assert photo["domain"].cat.categories.tolist() == ["photo"]
    trials = read_trials(two_studies, domains=["street"])
    assert [name for name in trials if name.startswith("accuracy/")] == ["accuracy/street"]
    for read in (read_scores, read_trials):
        with pytest.raises(DatabaseError, match=r"domains: 'foto' was not measured; .*'photo'"):
            read(two_studies, domains="foto")


@pytest.mark.parametrize("read", [read_curves, read_scores])
def test_epochs_are_filtered(two_studies: str, read: Callable[..., pd.DataFrame]) -> None:
    every = read(two_studies)
    equal(read(two_studies, epochs=2), _plain(every[every["epoch"] == 2]))
    equal(read(two_studies, epochs=[1, 3]), _plain(every[every["epoch"].isin([1, 3])]))
    equal(read(two_studies, epochs=range(2, 4)), _plain(every[every["epoch"] >= 2]))
    trials = read_trials(two_studies)[["study", "trial_number", "selected_epoch"]]
    joined = every.merge(trials, on=["study", "trial_number"])
    counted = (joined["epoch"] == joined["selected_epoch"]).fillna(False)
    equal(read(two_studies, epochs="selected"), _plain(every[counted.to_numpy(bool)]))
    with pytest.raises(DatabaseError, match="epochs = 'last': must be numbers, or 'selected'"):
        read(two_studies, epochs="last")


def test_a_wrong_state_chunksize_or_time_is_named(two_studies: str) -> None:
    with pytest.raises(DatabaseError, match=r"states: 'complete' is unknown; .*COMPLETE"):
        read_trials(two_studies, states="complete")
    with pytest.raises(DatabaseError, match="chunksize = 0: must be at least 1"):
        read_trials(two_studies, chunksize=0)
    with pytest.raises(DatabaseError, match="has no time zone"):
        read_trials(two_studies, since=datetime(2026, 1, 1))
    with pytest.raises(DatabaseError, match="'yesterday!' is no time"):
        read_trials(two_studies, since="yesterday!")


@pytest.mark.parametrize("chunksize", [1, 5, 21, 1000])
@pytest.mark.parametrize("read", [read_trials, read_curves, read_scores])
def test_chunks_put_together_are_the_frame(
    two_studies: str, read: Callable[..., pd.DataFrame], chunksize: int
) -> None:
    chunks = list(read(two_studies, chunksize=chunksize))
    equal(pd.concat(chunks, ignore_index=True), read(two_studies))
    assert [len(chunk) for chunk in chunks[:-1]] == [chunksize] * (len(chunks) - 1)
    assert 0 < len(chunks[-1]) <= chunksize


@pytest.mark.parametrize("read", [read_trials, read_curves, read_scores])
def test_nothing_is_one_empty_chunk(two_studies: str, read: Callable[..., pd.DataFrame]) -> None:
    (chunk,) = read(two_studies, seeds=99, chunksize=10)
    equal(chunk, read(two_studies, seeds=99), check_index_type=False)


def _move(study: FakeStudy, number: int, *, began: datetime, ended: datetime | None) -> None:
    with study.engine.begin() as connection:
        connection.execute(
            update(TRIALS)
            .where(TRIALS.c.study_id == study.study_id, TRIALS.c.number == number)
            .values(
                datetime_start=began.replace(tzinfo=None),
                datetime_complete=ended and ended.replace(tzinfo=None),
            )
        )


def test_since_gives_what_is_new_changed_or_goes_on(database: str) -> None:
    study = FakeStudy(database)
    moment = datetime(2026, 5, 1, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    for steps in (1, 2, 3):
        study.complete(planned(T=steps), 0.5)
    study.begin(planned(T=4))
    _move(study, 0, began=moment - 3 * hour, ended=moment - 2 * hour)  # old
    _move(study, 1, began=moment - 3 * hour, ended=moment + hour)  # ended since
    _move(study, 2, began=moment + hour, ended=moment + 2 * hour)  # new
    _move(study, 3, began=moment - 3 * hour, ended=None)  # goes on
    assert read_trials(database, since=moment)["trial_number"].tolist() == [1, 2, 3]
    assert read_trials(database, since="2026-05-01 12:00")["trial_number"].tolist() == [1, 2, 3]
    assert set(read_curves(database, since=moment)["trial_number"]) == {1, 2}
    assert set(read_scores(database, since=moment)["trial_number"]) == {1, 2}
    assert read_studies(database, since=moment)["study"].tolist() == ["fake"]
    later = read_trials(database, since=moment + 3 * hour)
    assert later["trial_number"].tolist() == [3]


def test_old_and_new_rows_make_the_whole_frame(database: str) -> None:
    study = FakeStudy(database)
    study.complete(planned(T=1), 0.5)
    running = study.begin(planned(T=2))
    before = read_trials(database)
    moment = datetime.now(UTC)
    study.recorder.end(running.trial_id, Ending("FAIL", "failed", error_type="E", error="e"))
    study.complete(planned(T=3), 0.7)
    new = read_trials(database, since=moment)
    key = ["study", "trial_number"]
    whole = pd.concat([before, new]).drop_duplicates(key, keep="last")
    equal(_plain(whole), read_trials(database))


def test_studies_can_be_cut_to_columns(two_studies: str) -> None:
    frame = read_studies(two_studies, ["other"], columns=["study", "pruned"])
    assert frame.to_dict("records") == [{"study": "other", "pruned": 1}]


@pytest.mark.postgres
def test_filters_and_chunks_are_the_same_on_postgresql(postgres: str) -> None:
    study = FakeStudy(postgres)
    for seed in range(4):
        study.complete(planned(T=9, seed=seed), 0.9)
    study.report(study.begin(planned(T=6)).trial_id, 1, 0.1, [0.1, math.inf])
    study.engine.dispose()
    trials = read_trials(postgres)
    done = read_trials(postgres, states="COMPLETE", seeds=[0, 3], since="2026-01-01")
    equal(done, _plain(trials[trials["trial_number"].isin([0, 3])]))
    assert len(read_trials(postgres, since="2999-01-01")) == 1  # it goes on
    for read in (read_trials, read_curves, read_scores):
        chunks = read(postgres, chunksize=2)
        equal(pd.concat(chunks, ignore_index=True), read(postgres))
    scores = read_scores(postgres, domains="street", epochs=range(1, 2))
    assert scores["value"].tolist() == pytest.approx([1.0, 1.0, 1.0, 1.0, math.inf])
    assert len(read_curves(postgres, epochs="selected")) == 4
    assert read_studies(postgres)["complete"].tolist() == [4]
