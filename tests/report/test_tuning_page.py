"""What pages say of tuning curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dgsearch.report.building import build_page
from dgsearch.report.parts import Figure, Note, Section, Table
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, FakeStudy, fake_spec, planned
from tests.report.page_sections import page_sections

LR = {"low": 1e-4, "high": 1e-1}
FAMILY = {"kind": "family", "configurations": 4, "vary": {"lr": LR}, "methods": {"mpbm": {}}}


def _family(database: str, name: str) -> None:
    """erm reaches .3, .4, .5, .6 with its four configurations, mpbm a tenth more."""
    study = FakeStudy(
        database, fake_spec(name=name, method="erm", design=FAMILY, baselines=[], seeds=[0, 1])
    )
    seen: dict[str, list[str]] = {}
    for trial in plan_trials(study.spec, SPACES):
        method, own = trial.configuration.method, trial.configuration.config_id
        if own not in seen.setdefault(method, []):
            seen[method].append(own)
        study.complete(trial, 0.3 + 0.1 * (method == "mpbm") + 0.1 * seen[method].index(own))


def _section(database: str, study: str) -> Section | None:
    return page_sections(database, study).get("tuning")


def _rows(table: Table) -> list[list[str]]:
    return [[getattr(cell, "text", cell) for cell in row] for row in table.rows]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('tuning') / 'study.db'}"
    _family(url, "one")
    _family(url, "two")
    return url


def test_each_method_of_a_family_has_a_curve(database: str) -> None:
    section = _section(database, "one")
    assert section is not None
    (figure,) = (block for block in section.blocks if isinstance(block, Figure))
    rows = _rows(figure.table)
    assert [row[:2] for row in rows] == [
        [m, str(k)] for m in ("erm", "mpbm") for k in (1, 2, 3, 4)
    ]
    assert [row[3] for row in rows[:4]] == ["40.0", "50.0", "60.0", "60.0"]
    assert rows[1][5] == "53.3"  # (40 + 2 x 50 + 3 x 60) / 6
    assert rows[3][4].endswith(" to 100.0")  # so few trials do not tell
    # .6 is the best of erm: three quarters of its own lie below, half of mpbm's
    (until,) = (block for block in section.blocks if isinstance(block, Table))
    assert [row[:3] for row in _rows(until)] == [["erm", "4", "3"], ["mpbm", "4", "1"]]
    assert "at least the best of erm, 60.0 % validation accuracy" in until.caption


def test_studies_of_the_same_data_are_drawn_together(database: str) -> None:
    page = build_page(database, ["one", "two"])
    assert page.together is not None
    (figure,) = (
        block
        for block in page.together.blocks
        if isinstance(block, Figure) and block.name == "tuning"
    )
    assert {row[0] for row in _rows(figure.table)} == {
        f"{study}: {method}" for study in ("one", "two") for method in ("erm", "mpbm")
    }


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_search_that_learns_has_no_band(tmp_path: Path, sampler: str) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    vary: dict[str, Any] = {"T": [1, 2, 3, 4], "lambda_adv": [0.0, 1.0]}
    design = {"kind": "search", "trials": 4, "vary": vary, "sampler": sampler}
    study = FakeStudy(url, fake_spec(design=design, baselines=[]))
    for number, level in enumerate((0.4, 0.6, 0.5, 0.7)):
        study.complete(planned(T=1 + number), level)
    section = _section(url, "fake")
    assert section is not None
    (figure,) = (block for block in section.blocks if isinstance(block, Figure))
    (note,) = (block for block in section.blocks if isinstance(block, Note))
    bands = {row[4] for row in _rows(figure.table)}
    if sampler == "tpe":
        assert "the curve has no band" in note.text
        assert bands == {"–"}
        assert [row[3] for row in _rows(figure.table)] == ["40.0", "60.0", "60.0", "70.0"]
    else:
        assert "–" not in bands
