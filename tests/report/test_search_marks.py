"""Known points and the study of `warm_start` are marked wherever trials and studies are listed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dgsearch.database.queries import read_studies, read_trials
from dgsearch.database.recorder import Ending
from dgsearch.database.rows import ENQUEUED
from dgsearch.report.building import build_page
from dgsearch.report.parts import Table
from dgsearch.report.status import standings, status_answer, status_table
from tests.fakes import DISTRIBUTIONS, FakeStudy, fake_spec, planned


def _study(database: str, **design: Any) -> FakeStudy:
    """A known point, a proposal of the sampler that was interrupted and tried again, a repeat."""
    vary = {"lambda_adv": {"low": 0.0, "high": 1.0}}
    made = {"kind": "search", "trials": 2, "vary": vary, "sampler": "gp", **design}
    study = FakeStudy(database, fake_spec(design=made, baselines=[]))
    known, other, repeat = planned(lambda_adv=0.1), planned(lambda_adv=0.2), planned(seed=1)
    notes: dict[str, Any] = {ENQUEUED: {"lambda_adv": 0.1}}
    names = {"lambda_adv": DISTRIBUTIONS["lambda_adv"]}
    recorder = study.recorder
    begun = recorder.propose(known, names, most=2, first_seed=0, notes=notes)
    lost = recorder.propose(other, names, most=2, first_seed=0)
    assert begun is not None
    assert lost is not None
    recorder.end(lost.trial_id, Ending("FAIL", "interrupted", error_type="Interrupted"))
    again = recorder.claim(other, names, attempt=2, continues=lost.number, proposed=True)
    assert again is not None
    for trial in (begun, again, study.begin(repeat)):
        study.report(trial.trial_id, 1, 0.5, [0.5, 0.5])
        recorder.end(trial.trial_id, Ending("COMPLETE", "finished", value=0.5, selected_epoch=1))
    return study


def test_frames_tell_known_points_from_the_samplers(database: str) -> None:
    _study(database, enqueue=[{"lambda_adv": 0.1}])
    marks = read_trials(database, "fake")["proposed_by"]
    assert marks.tolist() == ["enqueue", "sampler", "sampler", pd.NA]
    alone = read_trials(database, "fake", columns=["proposed_by"], states="COMPLETE")
    assert alone["proposed_by"].tolist() == ["enqueue", "sampler", pd.NA]


def test_a_proposal_that_is_tried_again_is_counted_once(database: str) -> None:
    study = _study(database)
    assert study.recorder.proposals(first_seed=0) == 2


def test_studies_say_what_informs_their_sampler(database: str) -> None:
    _study(database, warm_start="earlier")
    FakeStudy(database, fake_spec(name="plain"))
    assert read_studies(database)["warm_start"].tolist() == ["earlier", pd.NA]


def test_the_page_lists_who_proposed_a_trial(database: str) -> None:
    _study(database)
    (part,) = build_page(database, ["fake"]).parts
    (*_, table) = {section.anchor: section for section in part.sections}["trials"].blocks
    assert isinstance(table, Table)
    place = list(table.headings).index("proposed by")
    assert [row[place] for row in table.rows] == ["enqueue", "gp", "gp", "–"]


def test_status_counts_known_points_and_names_the_other_study(database: str) -> None:
    _study(database, enqueue=[{"lambda_adv": 0.1}], warm_start="earlier")
    FakeStudy(database, fake_spec(name="plain"))
    searched, plain = standings(database, None)
    assert (searched.enqueued, searched.warm_start) == (1, "earlier")
    assert (plain.enqueued, plain.warm_start) == (0, None)
    told = "fake: 1 trial of enqueued points, its sampler also learns from earlier"
    assert str(status_table(database, None).caption) == told
    assert status_answer(database, "fake")["studies"][0]["warm_start"] == "earlier"
