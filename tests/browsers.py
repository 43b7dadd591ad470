"""A headless Chromium with a profile of its own, for tests and benchmarks of pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

__all__ = ["MARKS", "Browser", "chromium"]

MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(
        shutil.which("chromedriver") is None or shutil.which("chromium") is None,
        reason="chromium and chromium-driver are not installed",
    ),
]
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Browser(webdriver.Chrome):
    """Chromium, where an address is open once every script of the page has run.

    On a busy machine Chromium's driver may come back between two scripts of a page that follows
    an empty one.
    """

    def get(self, url: str) -> None:
        """Open an address, whole."""
        super().get(url)
        whole = "return document.readyState === 'complete' && location.protocol === arguments[0]"
        protocol = url.partition(":")[0] + ":"
        wait = WebDriverWait(self, 600, poll_frequency=0.05)
        wait.until(lambda page: page.execute_script(whole, protocol))


@contextmanager
def chromium(profile: Path, **logs: str) -> Iterator[Browser]:
    """A browser that has just started and ends with the context; `logs` are kept by its driver."""
    options = Options()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", logs)
    driver = Browser(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(600)  # nothing fails because the machine is busy
    try:
        yield driver
    finally:
        driver.quit()
