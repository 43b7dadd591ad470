from __future__ import annotations

import base64

import numpy as np

from dgsearch.database.predictions import packed
from dgsearch.database.recorder import Ending, Epoch
from dgsearch.report.parts import Cell, Table
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, FakeStudy, fake_spec
from tests.report.page_sections import PageSections, page_sections


def _sections(database: str, validated_on: str) -> PageSections:
    """λ_adv = 0 is right on the first two of three images and better, 1 on the last one."""
    data = {"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo"]}
    design = {"kind": "grid", "vary": {"lambda_adv": [0.0, 1.0]}}
    study = FakeStudy(database, fake_spec(seeds=[0, 1], data=data, design=design, baselines=[]))
    for trial in plan_trials(study.spec, SPACES):
        better = trial.configuration.values["lambda_adv"] == 0
        right = np.array([better, better, not better])
        begun = study.begin(trial)
        value = float(right.mean())
        scores = [
            ("validation", validated_on, "accuracy", value),
            ("test", "photo", "accuracy", 0.6 if better else 0.3),
        ]
        bits = base64.b64encode(packed(right)).decode()
        measured = Epoch(1, value, scores, [("validation", validated_on, 3, bits)])
        study.recorder.report(begun.trial_id, [measured], {})
        study.recorder.end(
            begun.trial_id, Ending("COMPLETE", "finished", value=value, selected_epoch=1)
        )
    return page_sections(database, "fake")


def test_a_distillation_has_regret_by_the_number_of_validation_images(database: str) -> None:
    section = _sections(database, "photo")["validation-size"]
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    (row,) = [
        [cell.text if isinstance(cell, Cell) else cell for cell in row] for row in table.rows
    ]
    # of all three images λ_adv = 0 is chosen; half of all answers are right, .5 / sqrt(3) off
    assert row == ["3", "2", "0.0", "0.0 to 0.0", "0.0", "28.9"]


def test_a_study_that_validates_on_its_source_has_no_such_section(database: str) -> None:
    assert "validation-size" not in _sections(database, "scan")
