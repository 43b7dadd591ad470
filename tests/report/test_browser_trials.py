"""A trial beside the page, in Chromium: from the table, from a figure, two side by side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from dgsearch.report import write_report
from tests.browsers import MARKS, Browser, chromium
from tests.fakes import ABLATION, rich_study
from tests.report.test_browser import HOSTILE

pytestmark = MARKS

_MARK = """
const plot = document.querySelector(arguments[0] + " .plot");
const at = plot.data.findIndex((trace) => trace.meta);
plot.emit("plotly_click", { points: [{
  data: plot.data[at], x: plot.data[at].x[0], y: plot.data[at].y[0],
  customdata: plot._fullData[at].customdata[0],
}] });
return plot.data[at].y[0];
"""

_MEAN = """
const plot = document.querySelector(arguments[0] + " .plot");
const trace = plot.data.find((each) => each.meta?.means);
plot.emit("plotly_click", { points: [{
  data: trace, x: trace.x[0], y: trace.y[0], customdata: [], pointNumber: 0,
}] });
return trace.y[0];
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("trials")
    rich_study(f"sqlite:///{folder / 'study.db'}", name=HOSTILE, design=ABLATION, seeds=[0, 1, 2])
    return write_report(folder / "study.db", [HOSTILE], folder / "page.html").as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, page: str) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        found.get(page)
        yield found


@pytest.fixture
def driver(browser: Browser) -> Browser:
    """The page, with no trial beside it."""
    browser.execute_script("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))")
    WebDriverWait(browser, 60).until(lambda found: _panel(found) == "")
    return browser


def _panel(driver: Browser) -> str:
    """What is shown beside the page; a hidden panel keeps its text."""
    shown = "return document.querySelector('aside.trial:not([hidden])')?.innerText ?? ''"
    return str(driver.execute_script(shown))


def _wait(driver: Browser, text: str) -> None:
    WebDriverWait(driver, 60).until(lambda found: text in _panel(found))


def test_a_trial_is_shown_and_set_beside_another(driver: Browser, page: str) -> None:
    driver.execute_script("document.querySelector('a[data-trial=\"4\"]').click()")
    _wait(driver, "Trial 4")
    assert driver.current_url.endswith("#s1-trial-4")
    assert "The same configuration: seed 0, seed 2." in _panel(driver)
    driver.execute_script("document.querySelector('aside.trial button').click()")
    _wait(driver, "Choose the trial to set beside trial 4.")
    driver.execute_script("document.querySelector('a[data-trial=\"1\"]').click()")
    _wait(driver, "Trials 4 and 1")
    assert driver.current_url.endswith("#s1-trial-4-1")
    assert "Equal: state, seed" in _panel(driver)
    driver.execute_script("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))")
    assert not driver.find_element(By.CSS_SELECTOR, "aside.trial").is_displayed()


def test_a_mark_of_a_figure_leads_to_its_trial(driver: Browser) -> None:
    WebDriverWait(driver, 60).until(
        lambda found: found.execute_script(
            "return Boolean(document.querySelector('#s1-ablation .plot').data)"
        )
    )
    label = driver.execute_script(_MARK, "#s1-ablation")
    _wait(driver, "Trial ")
    shown = driver.execute_script(
        "return [...document.querySelectorAll('aside.trial tr')].map((row) => row.innerText)"
    )
    assert f"name of the configuration\t{label}" in shown


def test_the_mark_of_a_mean_leads_to_its_trials(driver: Browser) -> None:
    WebDriverWait(driver, 60).until(
        lambda found: found.execute_script(
            "return Boolean(document.querySelector('#s1-ablation .plot').data)"
        )
    )
    label = driver.execute_script(_MEAN, "#s1-ablation")
    _wait(driver, "The 3 trials of this mean")
    assert "trial 9 (seed 0), trial 10 (seed 1), trial 11 (seed 2)." in _panel(driver)
    assert label == "plain attention"  # its trials are the last three of twelve
    driver.execute_script("document.querySelector('aside.trial a[data-trial=\"10\"]').click()")
    _wait(driver, "Trial 10")
    assert driver.current_url.endswith("#s1-trial-10")


def test_a_trial_that_is_not_listed_says_so_and_nothing_is_obeyed(
    browser: Browser, page: str
) -> None:
    browser.get("about:blank")
    browser.get(f"{page}#s1-trial-4711")
    _wait(browser, "Trial 4711 is not listed on this page.")
    inside = "return document.querySelectorAll('aside.trial b, aside.trial img').length"
    assert browser.execute_script(inside) == 0
