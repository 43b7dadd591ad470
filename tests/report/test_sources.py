"""The section on seeds and test images."""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd
import pytest

from dgsearch.analysis.rules import split_oracle
from dgsearch.analysis.selection import MEAN
from dgsearch.database.predictions import packed
from dgsearch.database.recorder import Ending, Epoch
from dgsearch.report.parts import Cell, Note, Section, Table
from dgsearch.study.plan import plan_trials
from tests import fakes
from tests.fakes import SPACES, FakeStudy, fake_spec
from tests.report.page_sections import PageSections, page_sections

IMAGES = 40


def _study(database: str, *, redraw: bool = False) -> None:
    """λ_adv = 1 gets five more of forty images right than 0 does, at every seed."""
    data = {"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo", "street"]}
    design = {"kind": "one-at-a-time", "vary": {"lambda_adv": [0.0, 1.0]}}
    spec = fake_spec(
        name="bits", seeds=[0, 1, 2, 3], data=data | {"redraw": redraw}, baselines=["erm"],
        design=design,
    )  # fmt: skip
    study = FakeStudy(database, spec)
    for trial in plan_trials(study.spec, SPACES):
        method = trial.configuration.method
        right = 20 + trial.seed + (5 if method == "erm" else 0)
        bits = base64.b64encode(packed(np.arange(IMAGES) < right)).decode()
        begun = study.begin(trial)
        tests = [("test", name, "accuracy", right / IMAGES) for name in ("photo", "street")]
        stored = [("test", name, IMAGES, bits) for name in ("photo", "street")]
        scores = [("validation", "scan", "accuracy", 0.5), *tests]
        study.recorder.report(begun.trial_id, [Epoch(1, 0.5, scores, stored)], {})
        ending = Ending("COMPLETE", "finished", value=0.5, selected_epoch=1)
        study.recorder.end(begun.trial_id, ending)


def _sections(database: str) -> PageSections:
    return page_sections(database, "bits")


def _tables(section: Section) -> dict[str, list[dict[str, str]]]:
    return {
        block.name: [
            dict(
                zip(
                    block.headings,
                    [cell.text if isinstance(cell, Cell) else cell for cell in row],
                    strict=True,
                )
            )
            for row in block.rows
        ]
        for block in section.blocks
        if isinstance(block, Table)
    }


def test_tables_say_which_doubt_they_show(database: str) -> None:
    _study(database)
    tables = _tables(_sections(database)["sources"])
    first = tables["sources"][0]
    assert (first["seeds"], first["images"], first["mean of targets"]) == ("4", "80", "53.8")
    # accuracies 50, 52.5, 55 and 57.5: deviation 3.227, t of three degrees 3.182
    assert first["over other seeds"] == "48.6 to 58.9"
    low, high = (float(end) for end in first["over both"].split(" to "))
    assert low < 48.6 < 58.9 < high
    (difference,) = tables["source-differences"]
    assert difference["difference"] == "+12.5"
    assert difference["over other seeds"] == "+12.5 to +12.5"
    # ten images that only one of the two gets right: 2 / 2^10 at each seed
    assert difference["McNemar p of each seed"] == "0.002, 0.002, 0.002, 0.002"


def test_images_that_each_seed_draws_again_are_not_crossed_with_seeds(database: str) -> None:
    _study(database, redraw=True)
    (note,) = _sections(database)["sources"].blocks
    assert isinstance(note, Note)
    assert "Each seed tests on images of its own" in note.text


def test_images_of_a_target_that_is_divided_by_seed_are_not_crossed_either(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = fakes.fake_facts
    images = {"target/train": 5, "target/test/photo": IMAGES}
    monkeypatch.setattr(fakes, "fake_facts", lambda spec: facts(spec) | {"images": images})
    _study(database)
    assert len(_sections(database)["sources"].blocks) == 1


def test_a_study_without_stored_images_has_no_such_section(database: str) -> None:
    study = FakeStudy(database, fake_spec(name="bits"))
    for trial in plan_trials(study.spec, SPACES):
        study.complete(trial, 0.5)
    assert "sources" not in _sections(database)


@pytest.mark.parametrize("missing", [0, 3])
def test_trials_without_their_images_are_left_out(database: str, missing: int) -> None:
    _study(database)
    from sqlalchemy import text

    from dgsearch.database.connection import open_for_writing

    engine = open_for_writing(database).engine
    with engine.begin() as connection:
        connection.execute(
            text("DELETE FROM dgsearch_predictions WHERE trial_id IN "
                 "(SELECT trial_id FROM trials WHERE number = :number)"), {"number": missing},
        )  # fmt: skip
    counts = [row["seeds"] for row in _tables(_sections(database)["sources"])["sources"]]
    assert "3" in counts


def test_the_oracle_of_domainbed_chooses_by_every_fifth_image_and_reports_the_others() -> None:
    # Twenty images: a is right on images 0 to 9, b on the four that choose and on two others.
    first = np.arange(20) < 10
    second = np.isin(np.arange(20), [0, 5, 10, 15, 1, 2])
    trials = pd.DataFrame({
        "study": "s", "state": "COMPLETE", "row": "mpbm", "config_id": ["a", "b"],
        "seed": [0, 0], "trial_number": [0, 1],
    })  # fmt: skip
    tested = {
        (0, "photo"): (20, packed(first)),
        (1, "photo"): (20, packed(second)),
    }
    (chosen,) = split_oracle(trials, tested, ["photo"]).to_dict("records")
    assert chosen["config_id"] == "b"  # 4 of 4 against 2 of 4
    assert chosen["photo"] == chosen[MEAN] == pytest.approx(2 / 16)


def test_the_page_has_the_oracle_of_domainbed_where_images_are_stored(database: str) -> None:
    _study(database)
    rules = _sections(database)["rules"]
    named = [row["rule"] for row in _tables(rules)["rules"]]
    assert named[3].startswith("ORACLE of DomainBed")
    note, *_ = [block for block in rules.blocks if isinstance(block, Note)]
    assert "every fifth test image chooses" in note.text
