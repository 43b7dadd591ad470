"""The page of open questions in Chromium: drawn, quiet, accessible, and as wide as a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from dgsearch.analysis.questions import QUESTIONS
from dgsearch.report import write_questions
from tests.browsers import Browser
from tests.questions import DESIGNS, question_study
from tests.report.test_browser import (  # the tests run here on this page
    browser,
    folder,
    printed,
    pytestmark,
    test_a_link_to_a_figure_shows_it,
    test_a_page_prints_with_every_figure,
    test_a_phone_shows_the_page_without_scrolling_sideways,
    test_axe_finds_no_serious_violation,
    test_dark_mode_changes_page_and_figures,
    test_every_button_and_link_is_reached_with_the_keyboard,
    test_the_console_is_quiet_and_no_request_leaves_the_file,
    test_the_contents_lead_to_the_sections,
)

__all__ = [
    "browser",
    "folder",
    "printed",
    "pytestmark",
    "test_a_link_to_a_figure_shows_it",
    "test_a_page_prints_with_every_figure",
    "test_a_phone_shows_the_page_without_scrolling_sideways",
    "test_axe_finds_no_serious_violation",
    "test_dark_mode_changes_page_and_figures",
    "test_every_button_and_link_is_reached_with_the_keyboard",
    "test_the_console_is_quiet_and_no_request_leaves_the_file",
    "test_the_contents_lead_to_the_sections",
]

MISSING = "augkd-q5-teachers"


@pytest.fixture(scope="module")
def page(folder: Path) -> Path:
    """All questions answered but two: one study is unfinished, one is missing."""
    database = f"sqlite:///{folder / 'study.db'}"
    for name in DESIGNS:
        if name != MISSING:
            question_study(database, name, keep=3 if name == "augkd-q6-modules" else None)
    return write_questions(database, folder / "questions.html")


def test_every_answer_has_a_drawn_figure_with_its_table(browser: Browser) -> None:
    figures = browser.execute_script(
        "return [...document.querySelectorAll('.plot')].map((plot) => [plot.dataset.name,"
        "Boolean(plot.querySelector('.point, .points path, .js-line, .heatmaplayer image')),"
        "Boolean(plot.closest('figure').querySelector('tbody tr'))])"
    )
    assert len(figures) == len(QUESTIONS) - 2 + 1  # question 9 of MPBM has two
    assert [name for name, drawn, listed in figures if not (drawn and listed)] == []


def test_what_is_missing_says_how_to_run_it(browser: Browser) -> None:
    warnings = [item.text for item in browser.find_elements(By.CLASS_NAME, "warning")]
    assert any("Run it with: dgsearch run studies/augkd_q5_teachers.toml" in w for w in warnings)
    assert any("Resume it with: dgsearch run studies/augkd_q6_modules.toml" in w for w in warnings)
    title = browser.find_element(By.ID, "s1-overview-h").text
    assert title == "15 of 17 questions are answered"
