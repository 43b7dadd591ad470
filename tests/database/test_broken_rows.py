"""Rows that something broke: named with table, key, column and what is allowed there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from dgsearch.cli import app
from dgsearch.database.broken_rows import naming_broken_rows
from dgsearch.database.conditions import store_provenance
from dgsearch.database.connection import open_for_reading, open_for_writing
from dgsearch.database.queries import read_curves, read_scores, read_trials
from dgsearch.errors import DatabaseError
from dgsearch.report import write_report
from dgsearch.report.status import status_table
from tests.fakes import FakeStudy, fake_spec, planned, some_samples


def _break(database: str, statement: str, **values: object) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


def _status(database: str, _: Path) -> object:
    return status_table(database, None)


def _trials(database: str, _: Path) -> object:
    return read_trials(database)


def _report(database: str, folder: Path) -> object:
    return write_report(database, ["fake"], folder / "page.html")


Reading = Callable[[str, Path], object]

# where, which row by its whole key, and who reads it
JSON: list[tuple[str, str, Reading]] = [
    ("trial_user_attributes.value_json", "trial_user_attribute_id = 3", _trials),
    ("dgsearch_studies.spec_json", "study_id = 1", _status),
    ("dgsearch_studies.facts_json", "study_id = 1", _report),
    ("dgsearch_configurations.values_json", "study_id = 1 and config_id = 'c'", _trials),
    ("dgsearch_trial_facts.stages_json", "trial_id = 2", _report),
    ("dgsearch_samples.content_json", "trial_id = 2 and name = 'images'", _report),
    ("dgsearch_provenances.content_json", "provenance_id = 'p'", _report),
]


def _study(database: str) -> None:
    """Two trials of "fake" with a row in every table."""
    study = FakeStudy(database)
    store_provenance(study.engine, {"threads": 1})
    for trial in (planned(T=1), planned(T=10)):
        started = study.complete(trial, 0.5)
        study.recorder.keep_samples(started.trial_id, some_samples())
    study.engine.dispose()
    own = "(SELECT config_id FROM dgsearch_trial_facts WHERE trial_id = 2)"
    _break(database, f"UPDATE dgsearch_configurations SET config_id = 'c' WHERE config_id = {own}")
    _break(database, "UPDATE dgsearch_trial_facts SET config_id = 'c' WHERE trial_id = 2")
    _break(database, "UPDATE dgsearch_trial_facts SET provenance_id = 'p'")
    _break(database, "UPDATE dgsearch_provenances SET provenance_id = 'p'")
    _break(
        database, "UPDATE trial_user_attributes SET key = 'mine' WHERE trial_user_attribute_id = 3"
    )


@pytest.mark.parametrize(("place", "where", "read"), JSON)
def test_broken_json_is_named(
    place: str, where: str, read: Reading, database: str, tmp_path: Path
) -> None:
    _study(database)
    read(database, tmp_path)
    table, _, column = place.partition(".")
    for broken in ('{"half', "", "[1]"):
        if broken == "[1]" and place.startswith(("trial_user", "dgsearch_samples")):
            continue  # any JSON is an attribute; a sample without its parts is not shown
        _break(database, f"UPDATE {table} SET {column} = :broken WHERE {where}", broken=broken)
        if broken == "" and table in ("dgsearch_samples", "dgsearch_provenances"):
            continue  # reads as no content
        with pytest.raises(DatabaseError) as caught:
            read(database, tmp_path)
        first, named = str(caught.value).splitlines()
        assert "study.db: 1 value cannot be read; restore a backup, or write" in first
        assert f"{place} where {where}" in named
        assert f" = {broken!r}; allowed: " in named


@pytest.mark.parametrize(
    ("broken", "here"),
    [
        ('{"a": 1}', "no lambda_adv, no T"),
        ("{}", "no lambda_adv, no T"),
        ('{"lambda_adv": [1], "T": 5}', "lambda_adv not in [0, 10]"),
        ('{"lambda_adv": "high", "T": true}', "lambda_adv not in [0, 10], T not in [0, 100]"),
    ],
)
def test_values_that_are_not_those_of_the_method_are_named(
    broken: str, here: str, database: str, tmp_path: Path
) -> None:
    _study(database)
    _break(
        database,
        "UPDATE dgsearch_configurations SET values_json = :broken WHERE config_id = 'c'",
        broken=broken,
    )
    with pytest.raises(DatabaseError) as caught:
        _report(database, tmp_path)
    assert str(caught.value).splitlines()[1] == (
        "  dgsearch_configurations.values_json where study_id = 1 and config_id = 'c' "
        f"(study 'fake') = {broken!r}; allowed: a value for each hyperparameter of mpbm "
        "(lambda_adv, lambda_mix, T, N_b, attention, adversarial_alignment, ...); "
        f"here: {here}"
    )


@pytest.mark.postgres
def test_broken_json_of_a_server_is_named(postgres: str, tmp_path: Path) -> None:
    _study(postgres)
    _break(postgres, "UPDATE dgsearch_studies SET facts_json = '[1]'")
    with pytest.raises(DatabaseError, match=r"\(study 'fake'\) = '\[1\]'; allowed: a JSON obj"):
        _status(postgres, tmp_path)


@pytest.mark.parametrize(
    ("read", "column", "broken"),
    [
        (_trials, "datetime_start", "yesterday"),
        (_report, "datetime_complete", "2026-13-01 00:00:00"),
        (_status, "datetime_start", "2026-02-30 00:00:00"),
    ],
)
def test_a_broken_time_is_named(
    read: Reading, column: str, broken: str, database: str, tmp_path: Path
) -> None:
    _study(database)
    _break(database, f"UPDATE trials SET {column} = :broken WHERE trial_id = 2", broken=broken)
    with pytest.raises(DatabaseError) as caught:
        read(database, tmp_path)
    assert str(caught.value).splitlines()[1] == (
        f"  trials.{column} where trial_id = 2 (trial 1 of study 'fake') = {broken!r}; "
        "allowed: a time such as 2026-01-31 12:00:00.000000, or NULL"
    )


def test_a_number_that_is_a_text_is_named(database: str) -> None:
    _study(database)
    _break(
        database,
        "UPDATE trial_intermediate_values SET intermediate_value = 'high' "
        "WHERE trial_intermediate_value_id = 2",
    )
    with pytest.raises(DatabaseError, match=r"intermediate_value_id = 2 and trial_id = 1 \(trial"):
        read_curves(database)


def test_a_text_that_is_no_utf_8_is_named(database: str) -> None:
    _study(database)
    _break(
        database,
        "UPDATE trial_user_attributes SET key = 'own', value_json = CAST(X'22FF22' AS TEXT) "
        "WHERE trial_user_attribute_id = 2",
    )
    with pytest.raises(DatabaseError, match=r"trial_user_attribute_id = 2 .* = .*udcff"):
        read_trials(database)


def test_a_broken_distribution_of_a_foreign_study_is_named(database: str) -> None:
    study = optuna.create_study(study_name="foreign", storage=database)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    _break(database, "UPDATE trial_params SET distribution_json = '{}' WHERE param_id = 2")
    with pytest.raises(DatabaseError, match=r"trial 1 of study 'foreign'\) = '\{\}'"):
        read_trials(database)


def test_many_broken_rows_are_counted_and_the_first_named(database: str) -> None:
    _study(database)
    _break(database, "UPDATE dgsearch_score_values SET value = 'x'")
    with pytest.raises(DatabaseError) as caught:
        read_scores(database)
    lines = str(caught.value).splitlines()
    assert "18 values cannot be read" in lines[0]  # two trials, three epochs, three series
    assert [len(lines), lines[-1]] == [12, "  and 8 more"]


def test_an_error_of_another_kind_comes_through_as_it_is(database: str) -> None:
    _study(database)
    with pytest.raises(KeyError, match="mine"), naming_broken_rows(open_for_reading(database)):
        raise KeyError("mine")


@pytest.mark.parametrize("command", [["status"], ["report", "fake"], ["export", "fake"]])
def test_commands_end_with_two_and_no_traceback(
    command: list[str], database: str, tmp_path: Path
) -> None:
    FakeStudy(database).complete(planned(), 0.5)
    _break(database, "UPDATE dgsearch_configurations SET values_json = '{'")
    _break(database, "UPDATE dgsearch_studies SET spec_json = '{'")
    output = ["-o", str(tmp_path / "x.csv")] if command[0] == "export" else []
    result = CliRunner().invoke(app, [*command, *output, "--database", database])
    assert isinstance(result.exception, DatabaseError)
    assert "dgsearch_studies.spec_json where study_id = 1" in str(result.exception)


def test_a_study_whose_file_is_broken_is_named_when_it_goes_on(database: str) -> None:
    study = FakeStudy(database, fake_spec(name="one"))
    study.engine.dispose()
    _break(database, "DROP TRIGGER dgsearch_trials_deleted")  # the sweep reads every study
    _break(database, "UPDATE dgsearch_studies SET spec_json = :text", text=json.dumps([1]))
    with pytest.raises(DatabaseError, match=r"spec_json where study_id = 1 \(study 'one'\)"):
        open_for_writing(database)
