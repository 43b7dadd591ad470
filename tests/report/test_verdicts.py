"""Verdicts on pages: beside p, in the answer, in the note on power, in `dgsearch plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgsearch.designs.points import PlannedTrial
from dgsearch.errors import StudyFileError
from dgsearch.planning.forecast import power_forecast
from dgsearch.report.building import build_page
from dgsearch.report.parts import Figure, Note, Section, Warn
from tests.fakes import ABLATION, FakeStudy, fake_spec, full_study


def _level(trial: PlannedTrial, random: np.random.Generator) -> float:
    """Plain attention costs ten points, L_adv nothing; both with a little noise."""
    plain = trial.configuration.values["attention"] == "plain"
    return 0.6 - 0.1 * plain + 0.01 * trial.seed + random.normal(0, 0.001)


def _study(folder: Path, **changes: Any) -> str:
    database = f"sqlite:///{folder / 'study.db'}"
    spec = fake_spec(design=ABLATION, baselines=[], seeds=list(range(8)), **changes)
    full_study(database, _level, spec)
    return database


def _sections(database: str, *studies: str) -> dict[str, Section]:
    page = build_page(database, list(studies))
    return {section.anchor: section for part in page.parts for section in part.sections}


def _verdicts(section: Section) -> dict[str, str]:
    (figure,) = (block for block in section.blocks if isinstance(block, Figure))
    place = list(figure.table.headings).index("verdict")
    rows = [[getattr(cell, "text", cell) for cell in row] for row in figure.table.rows]
    return {str(row[0]): str(row[place]) for row in rows}


def _texts(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Note | Warn))


def test_a_verdict_stands_beside_p(tmp_path: Path) -> None:
    sections = _sections(_study(tmp_path, report={"rope": 0.01}), "fake")
    assert _verdicts(sections["ablation"]) == {
        "full": "–",
        "without L_adv": "equivalent",
        "plain attention": "worse",
    }
    told = _texts(sections["ablation"])
    assert "the difference lies within ±1 points ([report] rope; Holm's correction too)" in told
    assert "one test would have called equal groups equivalent in 100%" in told
    answer = _texts(sections["answer"])
    assert (
        "Practically equal to it, within ±1 points after Holm's correction: without L_adv"
        in answer
    )


def test_without_a_rope_the_page_says_why_nothing_is_equivalent(tmp_path: Path) -> None:
    sections = _sections(_study(tmp_path), "fake")
    assert _verdicts(sections["ablation"])["without L_adv"] != "equivalent"
    assert "sets no region of practical equivalence" in _texts(sections["ablation"])


def test_the_rope_may_change_while_the_study_stays(tmp_path: Path) -> None:
    database = _study(tmp_path)
    spec = fake_spec(design=ABLATION, baselines=[], seeds=list(range(8)), report={"rope": 0.02})
    FakeStudy(database, spec)  # registered again, as `dgsearch run` does
    assert _verdicts(_sections(database, "fake")["ablation"])["without L_adv"] == "equivalent"


def test_plan_says_how_often_equal_groups_would_be_called_equivalent(tmp_path: Path) -> None:
    database = _study(tmp_path, report={"rope": 0.01})
    spec = fake_spec(design=ABLATION, baselines=[], seeds=[0, 1, 2], report={"rope": 0.01})
    text = "\n".join(power_forecast(database, spec, points=1.0, pilot=None, comparisons=1).lines)
    assert "called equivalent within ±1 points in 100% of such studies" in text


@pytest.mark.parametrize("rope", [0, -0.01, float("inf"), "1%"])
def test_a_rope_must_be_positive(rope: Any) -> None:
    with pytest.raises(StudyFileError, match=r"report\.rope"):
        fake_spec(report={"rope": rope})


def test_values_are_judged_against_the_best_value(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'study.db'}"
    levels = {0.0: 0.6, 0.5: 0.6005, 1.0: 0.5}
    design = {"kind": "one-at-a-time", "vary": {"lambda_adv": list(levels)}}
    spec = fake_spec(design=design, baselines=[], seeds=list(range(8)), report={"rope": 0.01})

    def level(trial: PlannedTrial, random: np.random.Generator) -> float:
        own = levels[trial.configuration.values["lambda_adv"]]
        return own + 0.01 * trial.seed + random.normal(0, 0.001)

    full_study(database, level, spec)
    sections = _sections(database, "fake")
    assert "the difference lies within ±1 points" in _texts(sections["sensitivity"])
    (figure,) = (b for b in sections["sensitivity-lambda_adv"].blocks if isinstance(b, Figure))
    rows = [[getattr(cell, "text", cell) for cell in row] for row in figure.table.rows]
    told = {row[0]: row[-1] for row in rows if row[1] == "mean of targets"}
    assert sorted(told.values()) == ["best", "equivalent", "worse"]
    assert told["1"] == "worse"
