"""The page in a real browser: drawn, quiet, offline, readable on a phone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from dgsearch.report import write_report
from tests.fakes import full_study

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        shutil.which("chromedriver") is None or shutil.which("chromium") is None,
        reason="chromium and chromium-driver are not installed",
    ),
]

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    full_study(f"sqlite:///{folder / 'study.db'}")
    return write_report(folder / "study.db", ["fake"], folder / "report.html")


def _wait_until_drawn(driver: webdriver.Chrome) -> None:
    WebDriverWait(driver, 20).until(
        lambda found: all(
            plot.find_elements(By.CSS_SELECTOR, "svg.main-svg")
            for plot in found.find_elements(By.CLASS_NAME, "plot")
        )
    )


@pytest.fixture(scope="module")
def browser(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = Options()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.get(page.as_uri())
    _wait_until_drawn(driver)
    yield driver
    driver.quit()


def test_every_figure_is_drawn(browser: webdriver.Chrome) -> None:
    plots = browser.find_elements(By.CLASS_NAME, "plot")
    assert len(plots) == 2
    for plot in plots:
        assert plot.find_elements(By.CSS_SELECTOR, ".scatterlayer .point")
        assert plot.get_attribute("aria-label")


def test_a_page_is_titled_by_its_study(browser: webdriver.Chrome) -> None:
    assert browser.title == "fake · dgsearch"


def test_the_console_is_quiet_and_no_request_leaves_the_file(browser: webdriver.Chrome) -> None:
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
        and event["params"]["documentURL"].startswith("file:")  # not of the browser's own pages
    ]
    assert asked
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_contents_lead_to_the_sections(browser: webdriver.Chrome) -> None:
    links = browser.find_elements(By.CSS_SELECTOR, "nav a")
    assert len(links) >= 6
    for link in links:
        anchor = (link.get_attribute("href") or "").partition("#")[2]
        assert browser.find_elements(By.ID, anchor), anchor


def test_dark_mode_changes_page_and_figures(browser: webdriver.Chrome) -> None:
    def ground() -> str:
        return browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")

    def ink() -> str:
        title = browser.find_element(By.CSS_SELECTOR, ".plot .xtitle")
        return title.value_of_css_property("fill")

    light = (ground(), ink())
    browser.find_element(By.ID, "theme").click()
    dark = (ground(), ink())
    browser.find_element(By.ID, "theme").click()
    assert dark[0] != light[0]
    assert dark[1] != light[1]
    assert (ground(), ink()) == light


def test_a_phone_shows_the_page_without_scrolling_sideways(browser: webdriver.Chrome) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 800, "deviceScaleFactor": 2, "mobile": True},
    )
    try:
        browser.refresh()
        _wait_until_drawn(browser)
        width = browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= 360
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
