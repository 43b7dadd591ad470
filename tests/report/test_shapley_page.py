"""What the page says of a study of coalitions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dgsearch.designs.points import PlannedTrial
from dgsearch.report import write_report
from dgsearch.report.building import build_page
from dgsearch.report.parts import Figure, Note, Section, Table, Warn
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, FakeStudy, fake_spec, full_study
from tests.report.page_sections import PageSections, page_sections

DESIGN = {
    "kind": "shapley",
    "switches": {
        "L_adv": {"adversarial_alignment": "off"},
        "SGLD": {"T": 0},
        "attention": {"attention": "plain"},
    },
}


def _level(trial: PlannedTrial, random: np.random.Generator) -> float:
    """L_adv adds 5 points and one a seed; SGLD and attention add 4 together, nothing alone."""
    values = trial.configuration.values
    l_adv = values["adversarial_alignment"] == "on"
    both = values["T"] == 5 and values["attention"] == "feature"
    return 0.5 + 0.1 * trial.seed + (0.05 + 0.01 * trial.seed) * l_adv + 0.04 * both


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> PageSections:
    database = f"sqlite:///{tmp_path_factory.mktemp('shapley') / 'study.db'}"
    full_study(database, _level, fake_spec(design=DESIGN, baselines=[]))
    return page_sections(database, "fake")


def _rows(section: Section) -> list[list[list[str]]]:
    tables = [block.table for block in section.blocks if isinstance(block, Figure)]
    return [
        [[getattr(cell, "text", cell) for cell in row] for row in table.rows] for table in tables
    ]


def _texts(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Note | Warn))


def test_the_table_has_each_value_with_its_interval_and_their_sum(
    page: PageSections,
) -> None:
    """L_adv: 5, 6, 7 points, +-2.48; SGLD and attention share the 4 that they add together."""
    values, pairs = _rows(page["shapley"])
    assert values[0] == [
        "L_adv",
        "3",
        "+6.0",
        "+3.5 to +8.5",
        "0.25",
        "0.75",
        "open",
        "0.25",
        "+6.0",
        "+6.0",
    ]
    assert [row[:4] for row in values[1:3]] == [
        ["SGLD", "3", "+2.0", "+2.0 to +2.0"],
        ["attention", "3", "+2.0", "+2.0 to +2.0"],
    ]
    assert values[1][-2:] == ["+0.0", "+4.0"]  # alone, last
    # full less none: 9, 10, 11 points, +-2.48
    assert values[-1][:5] == ["full less none", "3", "+10.0", "+7.5 to +12.5", "0.25"]
    assert pairs[0][-1] == "open"
    assert pairs[0][:4] == ["SGLD", "attention", "3", "+4.0"]
    assert "8 coalitions of 3 switches was trained at every seed" in _texts(page["shapley"])


def test_the_answer_tells_the_values_and_what_the_seeds_can_show(
    page: PageSections,
) -> None:
    answer = _texts(page["answer"])
    assert "The full method reaches 70.0 %" in answer  # .5 + .1 + .05 + .01 + .04
    assert (
        "All switches together change the mean accuracy over photo and street by +10.0 "
        "points (95% interval +7.5 to +12.5)." in answer
    )
    assert "L_adv +6.0 (+3.5 to +8.5), SGLD +2.0" in answer
    assert "With 3 seeds and 3 switches no corrected p can lie below 0.75." in answer


def test_seeds_that_lack_a_coalition_are_left_out_and_said(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'study.db'}"
    study = FakeStudy(database, fake_spec(design=DESIGN, baselines=[]))
    random = np.random.default_rng(0)
    for trial in plan_trials(study.spec, SPACES):
        if trial.seed != 2 or trial.configuration.variant != "only SGLD":
            study.complete(trial, _level(trial, random))
    (part,) = build_page(database, ["fake"]).parts
    (section,) = [item for item in part.sections if item.anchor == "shapley"]
    assert "1 seed left out: not every coalition has finished there" in _texts(section)
    assert _rows(section)[0][0][1:3] == ["2", "+5.5"]


def test_a_study_that_has_only_begun_says_what_it_lacks(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'study.db'}"
    study = FakeStudy(database, fake_spec(design=DESIGN, baselines=[]))
    for trial in plan_trials(study.spec, SPACES)[:6]:  # full and none at each seed
        study.complete(trial, 0.5)
    (part,) = build_page(database, ["fake"]).parts
    (section,) = [item for item in part.sections if item.anchor == "shapley"]
    assert "need every coalition at one seed: 8 of them. No seed has more than 2" in _texts(
        section
    )
    assert write_report(database, ["fake"], tmp_path / "page.html").exists()
    assert not any(isinstance(block, Table) for block in section.blocks)


def _gate(trial: PlannedTrial, random: np.random.Generator) -> float:
    """SGLD and attention change 3 and 0.02 points, but only where L_adv is on, which adds 5."""
    values = trial.configuration.values
    l_adv = values["adversarial_alignment"] == "on"
    side = (-1) ** trial.seed
    others = 0.03 * (values["T"] == 5)
    others += (0.0002 + 0.0004 * side) * (values["attention"] == "feature")
    noise = 0.001 * side * (1 + values["T"])
    return 0.5 + 0.1 * trial.seed + l_adv * (0.05 + others + noise)


def test_a_switch_that_decides_whether_others_matter_is_named_and_values_have_verdicts(
    database: str,
) -> None:
    spec = fake_spec(design=DESIGN, baselines=[], seeds=list(range(8)), report={"rope": 0.005})
    full_study(database, _gate, spec)
    (part,) = build_page(database, ["fake"]).parts
    found = {section.anchor: section for section in part.sections}
    told = "Without L_adv no other switch changes anything: all coalitions without it have"
    assert told in _texts(found["shapley"])
    assert told in _texts(found["answer"])
    values, pairs = _rows(found["shapley"])
    verdicts = {row[0]: (row[2], row[6]) for row in values[:-1]}
    # a Shapley value of 0.01 points is told from none with two digits
    assert verdicts["attention"] == ("+0.01", "equivalent")
    assert verdicts["L_adv"][1] == "better"  # p is 2 / 2^8, three times that after Holm
    assert {row[0] + row[1]: row[-1] for row in pairs}["L_advSGLD"] == "above 0"
