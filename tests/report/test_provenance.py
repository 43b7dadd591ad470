"""What the page and `status` say of trials that ran under other conditions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from dgsearch.database.conditions import provenance_content, store_provenance
from dgsearch.database.recorder import StudyRecorder
from dgsearch.database.studies import register_study
from dgsearch.report.page import write_report
from dgsearch.report.status import status_table
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, FakeStudy, fake_facts, fake_spec, full_study, planned


def _page(database: str, folder: Path) -> str:
    page = folder / "page.html"
    write_report(database, ["fake"], page)
    return page.read_text(encoding="utf-8")


@pytest.mark.filterwarnings("error::FutureWarning")  # of the lowest pandas, too
def test_the_page_warns_where_trials_ran_under_different_conditions(
    database: str, tmp_path: Path
) -> None:
    study = FakeStudy(database)
    for number, trial in enumerate(plan_trials(study.spec, SPACES)):
        content = provenance_content(fake_facts(study.spec), threads=1 + (number > 9))
        study.recorder = StudyRecorder(
            study.engine,
            study.study_id,
            study.driver.driver_id,
            provenance_id=store_provenance(study.engine, content),
        )
        study.complete(trial, 0.5 + 0.01 * number)
    text = _page(database, tmp_path)
    assert "Trials of this study ran under different conditions: threads." in text


def test_trials_set_aside_are_said_and_counted_apart(database: str, tmp_path: Path) -> None:
    study = full_study(database, spec=fake_spec(baselines=[]))
    facts = fake_facts(study.spec) | {"stages": {"mpbm": {"alternate": 1}}}
    register_study(study.engine, study.spec, facts)
    facts = json.loads(json.dumps(facts)) | {"stages": {"mpbm": {"alternate": 2}}}
    register_study(study.engine, study.spec, facts)
    for trial in plan_trials(study.spec, SPACES):
        study.complete(trial, 0.5 + 0.001 * trial.seed)
    text = _page(database, tmp_path)
    assert "15 trials of an earlier version of a method" in text
    console = Console(width=200, record=True)
    console.print(status_table(database, "fake"))
    assert "15/15 (+15 of an earlier version)" in console.export_text()


def test_trials_that_recorded_no_conditions_are_said(database: str, tmp_path: Path) -> None:
    study = full_study(database)  # as dgsearch 0.1.0 left it
    facts = fake_facts(study.spec)
    content = provenance_content(facts, threads=1, switches={"speed": {"tf32": "on"}})
    stored, driver = store_provenance(study.engine, content), study.driver.driver_id
    study.recorder = StudyRecorder(study.engine, study.study_id, driver, provenance_id=stored)
    study.complete(planned(T=7), 0.5)
    text = _page(database, tmp_path)
    assert "18 trials of dgsearch 0.1.0 did not record versions" in text
    assert "ran under different conditions" not in text
