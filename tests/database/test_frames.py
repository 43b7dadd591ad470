"""The one table of columns holds: names, dtypes, order, of full, empty and foreign frames."""

from __future__ import annotations

from pathlib import Path

import optuna
import pandas as pd
import pytest

import dgsearch
from dgsearch.database import queries
from dgsearch.database.export import write_frame
from dgsearch.database.frames import FRAMES, describe_frames, hyperparameter_columns
from tests.fakes import FakeStudy, fake_spec, full_study, planned

READERS = {
    "studies": queries.read_studies,
    "trials": queries.read_trials,
    "curves": queries.read_curves,
    "scores": queries.read_scores,
}
DOCUMENT = Path(dgsearch.__file__).parent / "database" / "FRAMES.md"


def _foreign(database: str) -> None:
    """A study of two objectives with every kind of hyperparameter, written by Optuna alone."""

    def values(trial: optuna.Trial) -> tuple[float, float]:
        trial.set_user_attr("note", "text")
        trial.set_user_attr("shape", [3, 4])
        trial.suggest_categorical("mixed", [1, "one", None])
        trial.suggest_categorical("flag", [True, False])
        return trial.suggest_float("lr", 1e-3, 1.0, log=True), trial.suggest_int("epochs", 1, 9)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(database)
    study = optuna.create_study(
        study_name="foreign", storage=storage, directions=["minimize", "maximize"]
    )
    study.optimize(values, n_trials=3)
    storage.engine.dispose()


def _family(column: str) -> str:
    """The column of the table that stands for a column of a frame."""
    if column in FRAMES["trials"].dtypes:
        return column
    for family in (
        "value/<objective>",
        "accuracy/<domain>",
        "metric/<metric>/<domain>",
        "attribute/<key>",
    ):
        if column.startswith(family.partition("<")[0]):
            return family
    return "<hyperparameter>"


def _check(name: str, frame: pd.DataFrame) -> None:
    """A frame has the columns, dtypes and order that the table promises."""
    promised = FRAMES[name]
    found = {column: str(frame[column].dtype) for column in frame.columns}
    fixed = {column: found[column] for column in promised.dtypes}
    assert fixed == promised.dtypes
    if name == "trials":
        families = [_family(column) for column in frame.columns]
        order = [column.name for column in promised.columns]
        assert families == sorted(families, key=order.index)
        dtypes = {column.name: column.dtype for column in promised.columns}
        assert all(found[c] in dtypes[_family(c)] for c in frame.columns)
    else:
        assert list(frame.columns) == [column.name for column in promised.columns]
    if name != "studies":
        by = [column for column in promised.order if column != "study"]
        for _, part in frame.groupby("study"):
            pd.testing.assert_frame_equal(part, part.sort_values(by, kind="stable"))


@pytest.mark.parametrize("name", READERS)
def test_a_full_study_has_the_columns_of_the_table(database: str, name: str) -> None:
    full_study(database)
    _check(name, READERS[name](database))


def test_further_metrics_have_columns_of_their_own(database: str) -> None:
    spec = fake_spec(metrics={"record": ["macro_f1"], "select": "nll"})
    FakeStudy(database, spec).complete(planned(), 0.5)
    frame = queries.read_trials(database)
    _check("trials", frame)
    # two targets, 0.1 above and below 0.5, and 3 less each
    assert frame.loc[0, ["metric/macro_f1/photo", "metric/nll/street"]].tolist() == [2.6, 2.4]
    only = queries.read_trials(database, columns=["metric/nll/photo"], states=["COMPLETE"])
    assert only["metric/nll/photo"].tolist() == [2.6]


@pytest.mark.parametrize("name", READERS)
def test_a_study_without_trials_has_them_too(database: str, name: str) -> None:
    FakeStudy(database)
    _check(name, READERS[name](database))


@pytest.mark.parametrize("name", READERS)
def test_so_has_a_study_that_dgsearch_did_not_write(database: str, name: str) -> None:
    _foreign(database)
    frame = READERS[name](database)
    _check(name, frame)
    if name == "trials":
        assert {"value/0", "value/1", "mixed", "param_epochs", "attribute/shape"} <= set(frame)
        assert hyperparameter_columns(frame) == ["mixed", "flag", "lr", "param_epochs"]
        own = ["seed", "config_id", "stop_reason", "wall_s", "rung"]
        assert frame[own].isna().all(axis=None)


@pytest.mark.parametrize("name", READERS)
def test_so_has_a_database_of_both(database: str, name: str) -> None:
    FakeStudy(database).complete(planned(lambda_adv=0.25), 0.5)
    _foreign(database)
    frame = READERS[name](database)
    _check(name, frame)
    if name == "trials":
        assert frame["study"].tolist() == ["fake", "foreign", "foreign", "foreign"]
        assert frame["lr"].notna().all()  # from the configuration, and from Optuna's table


def test_the_document_is_the_table(tmp_path: Path) -> None:
    written = write_frame(describe_frames(), tmp_path / "t.md").read_text(encoding="utf-8")
    assert written in DOCUMENT.read_text(encoding="utf-8")


def test_every_column_is_described() -> None:
    table = describe_frames()
    assert table["meaning"].str.len().min() > 5
    assert not table.duplicated(["frame", "column"]).any()
    accuracies = table["meaning"].str.startswith("accuracy on")
    assert (table.loc[accuracies, "unit"] == "0..1").all()
