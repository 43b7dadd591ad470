"""The sections of a page are those that the study's design names, in its order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from dgsearch.database.tables import OWN_STUDIES
from dgsearch.designs import OneAtATime
from dgsearch.designs.registry import installed_designs, stored_design
from dgsearch.report.parts import Section, Warn
from dgsearch.report.sections import registry
from tests.fakes import ABLATION, ADAPTIVE, GRID, FakeStudy, full_study, rich_study
from tests.report.page_sections import PageSections, page_sections

RANGE = {"low": 1, "high": 9}
DESIGNS: list[dict[str, Any]] = [
    {"kind": "one-at-a-time", "vary": {"T": [1]}},
    GRID,
    ABLATION,
    ADAPTIVE,
    {"kind": "sobol", "samples": 8, "vary": {"T": RANGE, "N_b": RANGE}},
    {"kind": "search", "trials": 3, "vary": {"T": RANGE}},
    {"kind": "family", "configurations": 1, "methods": {"erm": {}}},
    {"kind": "shapley", "switches": {"a": {"T": 0}, "b": {"N_b": 1}}},
    {"kind": "a-a"},
]


def _page(database: str, study: str) -> PageSections:
    return page_sections(database, study)


def _give_design(engine: Engine, **changes: Any) -> None:
    """Change `[design]` of the one stored study, as another package would have written it."""
    with engine.begin() as connection:
        stored = json.loads(str(connection.scalar(select(OWN_STUDIES.c.spec_json))))
        stored["design"] = {**stored["design"], **changes}
        connection.execute(update(OWN_STUDIES).values(spec_json=json.dumps(stored)))


def test_every_section_that_a_design_names_is_there() -> None:
    assert {design["kind"] for design in DESIGNS} == installed_designs().keys()
    for design in DESIGNS:
        assert set(stored_design(design).sections) <= registry._OWN.keys()


@pytest.mark.parametrize(
    ("design", "expected"),
    [
        (ABLATION, ["domains", "rules", "ablation"]),
        (
            GRID,
            ["domains", "rules", "configurations", "path", "sensitivity", "sensitivity-lambda_adv",
             "sensitivity-T", "sensitivity-lr", "pairs", "importance", "dependence"],
        ),
    ],
)  # fmt: skip
def test_the_sections_have_the_order_of_the_design(
    database: str, design: dict[str, Any], expected: list[str]
) -> None:
    rich_study(database, design=design)
    anchors = list(_page(database, "rich"))
    assert anchors[1 : len(expected) + 1] == expected


def test_a_study_whose_design_is_not_installed_has_a_page(database: str) -> None:
    study = full_study(database)
    _give_design(study.engine, kind="spiral", turns=3)
    page = _page(database, "fake")
    assert {"answer", "domains", "configurations", "sensitivity-T", "trials"} <= page.keys()


def test_a_section_that_nobody_offers_is_named(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OneAtATime, "sections", ("domains", "spiral"))
    full_study(database)
    (block,) = _page(database, "fake")["spiral"].blocks
    assert isinstance(block, Warn)
    assert "no installed package offers in the entry-point group dgsearch.sections" in block.text


def test_a_section_of_another_package_stands_where_the_design_has_it(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [Section("spiral", "Spiral", [])]
    monkeypatch.setattr(OneAtATime, "sections", ("spiral", "domains"))
    monkeypatch.setattr(registry, "_plugins", lambda: {"spiral": lambda _: made})
    full_study(database)
    assert list(_page(database, "fake"))[1:3] == ["spiral", "domains"]


def test_a_study_without_trials_has_a_page(database: str) -> None:
    FakeStudy(database)
    assert "domains" not in _page(database, "fake")
