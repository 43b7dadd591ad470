"""The shipped studies of the open questions: all there, with all that the answers name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dgsearch.analysis.questions import QUESTIONS, study_file
from dgsearch.runner.commands import load_study
from tests.questions import DESIGNS

ROOT = Path(__file__).parents[2]


def test_every_study_of_a_question_is_shipped_asks_at_least_five_seeds_and_is_made() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = re.search(r"^QUESTIONS := ((?:.*\\\n)*.*)$", makefile, flags=re.M)
    assert listed is not None
    made = listed[1].replace("\\\n", " ").split()
    files = dict.fromkeys(study_file(name) for each in QUESTIONS for name in each.studies)
    assert [f"studies/{name}.toml" for name in made] == list(files)
    for file in files:
        spec = load_study(ROOT / file)
        assert spec.seeds[:5] == (0, 1, 2, 3, 4)
        assert spec.data.benchmark == "digits-mini"


@pytest.mark.parametrize("study", ["mpbm-q6-synthetic", "augkd-q1-data-free"])
def test_the_studies_whose_samples_are_read_store_them(study: str) -> None:
    assert load_study(ROOT / study_file(study)).hyperparameters["sample"] == "on"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.key)
def test_the_rows_that_an_answer_names_are_in_its_study_file(question) -> None:  # type: ignore[no-untyped-def]
    """The fakes of these tests have no variant or value name that the shipped file lacks."""
    for name in question.studies:
        design = load_study(ROOT / study_file(name)).design.model_dump()
        part = "variants" if "variants" in DESIGNS[name] else "vary"
        assert set(DESIGNS[name][part]) <= set(design[part])
