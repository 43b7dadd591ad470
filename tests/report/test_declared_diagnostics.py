"""Numbers that a plug-in's method declares have label, axis, bounds and checks like ours."""

from __future__ import annotations

from typing import Any

import pytest

from dgsearch.database.studies import register_study
from dgsearch.diagnostics import Along, Diagnostic, FailureCheck
from dgsearch.diagnostics.known import known_diagnostics, known_expectations
from dgsearch.methods.registry import diagnostic_facts, expectation_facts, installed_methods
from dgsearch.report.parts import Figure, Note, Section, Table, Warn
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, FakeStudy, fake_facts
from tests.report.page_sections import PageSections, page_sections

BLUR = Diagnostic(
    name="blur",
    label="blur of the images",
    unit="pixels",
    higher_is_better=False,
    low=0,
    checks=(
        FailureCheck(
            name="all is blurred", sentence="Nothing is sharp.", number="blur", bound=3.0
        ),
    ),
)
RADIUS = Diagnostic(
    name="sharp_at_",
    label="sharpness",
    along=Along(
        symbol="r", axis="r: radius", caption="Sharpness.", figure="sharpness", short="sharpness"
    ),
)


@pytest.fixture
def page(database: str) -> PageSections:
    study = FakeStudy(database)
    declared = {item.name: item.model_dump(mode="json") for item in (BLUR, RADIUS)}
    register_study(study.engine, study.spec, {**fake_facts(study.spec), "diagnostics": declared})
    for number, trial in enumerate(plan_trials(study.spec, SPACES)):
        blur = -1.0 if number == 0 else 4.0 + 0.1 * number
        study.complete(trial, 0.5, {"blur": blur, "sharp_at_1.0": 0.9, "sharp_at_2.0": 0.4})
    return page_sections(database, "fake")


def _tables(section: Section) -> dict[str, Table]:
    found: dict[str, Table] = {}
    for block in section.blocks:
        if isinstance(block, Figure):
            found[block.name] = block.table
        elif isinstance(block, Table):
            found[block.name] = block
    return found


def test_its_check_is_looked_for(page: PageSections) -> None:
    warned = [block.text for block in page["signatures"].blocks if isinstance(block, Warn)]
    assert any(text.startswith("Nothing is sharp. (blur above 3:") for text in warned)
    notes = [block.text for block in page["signatures"].blocks if isinstance(block, Note)]
    assert any("1 of 2 failure checks passed" in text for text in notes)  # the spread over seeds


def test_a_value_outside_its_bounds_is_named(page: PageSections) -> None:
    warned = [block.text for block in page["signatures"].blocks if isinstance(block, Warn)]
    assert warned[0].startswith(
        "blur of the images, pixels (lower is better): 1 trial reported a value outside its "
        "bounds, the worst -1."
    )


def test_it_has_its_label_and_its_axis(page: PageSections) -> None:
    tables = _tables(page["diagnostics"])
    first = {str(row[0]) for row in tables["diagnostics-1"].rows}
    assert first == {"blur of the images, pixels (lower is better)"}
    assert tables["sharpness"].headings == ("group", "r", "trials", "sharpness")
    at = {getattr(row[1], "number", None) for row in tables["sharpness"].rows}
    assert at == {1.0, 2.0}


def test_what_cannot_be_read_is_left_out() -> None:
    known = known_diagnostics({"blur": {"name": "blur", "label": "b", "colour": "red"}})
    assert known.label("blur") == "blur"
    assert known.label("teacher_accuracy_mixed_0.4") == (
        "teacher accuracy on mixed images, f = 0.4"
    )


@pytest.mark.parametrize("name", sorted(installed_methods()))
def test_what_methods_declare_comes_back_from_plain_data(name: str) -> None:
    method: Any = installed_methods()[name]
    recorded = diagnostic_facts([name])
    known = known_diagnostics(recorded)
    for item in method.diagnostics:
        assert known.find(item.name) == item
    expected = tuple(getattr(method, "expectations", ()))
    assert tuple(known_expectations(expectation_facts([name]), name)) == expected


def test_every_check_says_what_it_means_in_a_sentence() -> None:
    names = [check.name for _, check in known_diagnostics({}).checks()]
    assert len(names) == len(set(names)) == 12
    assert all(check.sentence.endswith(".") for _, check in known_diagnostics({}).checks())


def test_titles_of_panels_are_not_cut() -> None:
    found = diagnostic_facts(installed_methods())
    titles = [f"{each['label']}, {each.get('unit', '')}".rstrip(", ") for each in found.values()]
    assert len(titles) > 20
    assert [title for title in titles if len(title) > 48] == []
