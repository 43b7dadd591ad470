"""A database file that is deleted or replaced while it is written, a study deleted likewise."""

from __future__ import annotations

import shutil
from pathlib import Path

import optuna
import pytest

from dgsearch.database.queries import read_trials
from dgsearch.errors import DatabaseError
from tests.fakes import FakeStudy, fake_spec, planned


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def anywhere(request: pytest.FixtureRequest) -> str:
    """URL of an empty database of either kind."""
    names = {"sqlite": "database", "postgres": "postgres"}
    url: str = request.getfixturevalue(names[request.param])
    return url


def _delete(folder: Path) -> None:
    for file in folder.glob("study.db*"):
        file.unlink()


def test_a_deleted_file_is_noticed_and_what_was_recorded_is_saved(
    database: str, tmp_path: Path
) -> None:
    study = FakeStudy(database)
    study.complete(planned(), 0.5)
    _delete(tmp_path)
    with pytest.raises(DatabaseError, match=r"its file was deleted while the study ran") as caught:
        study.begin(planned(T=3))
    saved = tmp_path / "study.db.saved"
    assert f"what was recorded is saved as {saved}. Move it to study.db" in str(caught.value)
    assert read_trials(saved)["state"].tolist() == ["COMPLETE"]
    with pytest.raises(DatabaseError, match="its file was deleted"):
        study.driver.sign_out()
    assert not (tmp_path / "study.db.saved1").exists()


def test_a_replaced_file_is_noticed_and_left_alone(database: str, tmp_path: Path) -> None:
    study = FakeStudy(database)
    study.complete(planned(), 0.5)
    other = tmp_path / "other.db"
    FakeStudy(f"sqlite:///{other}", fake_spec(name="other")).engine.dispose()
    shutil.move(other, tmp_path / "study.db")
    with pytest.raises(DatabaseError, match="its file was replaced while the study ran"):
        study.begin(planned(T=3))
    assert len(read_trials(tmp_path / "study.db.saved", "fake")) == 1


def test_a_folder_that_went_with_its_file_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    study = FakeStudy(f"sqlite:///{folder / 'study.db'}")
    shutil.rmtree(folder)
    with pytest.raises(DatabaseError, match="deleted while the study ran; restore it"):
        study.begin(planned())


def test_a_file_reached_by_a_link_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    study = FakeStudy(f"sqlite:///{tmp_path / 'link.db'}")
    study.complete(planned(), 0.5)
    assert len(study.frame()) == 1


def _delete_study(database: str) -> None:
    storage = optuna.storages.RDBStorage(database)
    optuna.delete_study(study_name="fake", storage=storage)
    storage.engine.dispose()


def test_no_trial_begins_in_a_study_that_was_deleted(anywhere: str) -> None:
    study = FakeStudy(anywhere)
    _delete_study(anywhere)
    with pytest.raises(DatabaseError, match="the study was deleted or renamed while it ran"):
        study.begin(planned())
    study.engine.dispose()


def test_a_study_that_was_given_the_row_of_a_deleted_one_is_another(anywhere: str) -> None:
    study = FakeStudy(anywhere)
    study.driver.check_study()
    _delete_study(anywhere)
    other = FakeStudy(anywhere)
    with pytest.raises(DatabaseError, match="the study was deleted or renamed while it ran"):
        study.driver.check_study()
    study.engine.dispose()
    other.engine.dispose()
