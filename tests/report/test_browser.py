"""The page in a real browser: drawn, quiet, offline, accessible, readable on a phone and on paper.

The page holds three studies: a grid with a hostile name, an ablation, one that Optuna alone wrote.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import optuna
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from dgsearch.cli import app
from dgsearch.report import write_report
from tests.browsers import MARKS, Browser, chromium
from tests.fakes import ABLATION, GRID, rich_study

pytestmark = MARKS
HOSTILE = "<img src=x onerror=alert(1)> & 'grid'"
STUDIES = (HOSTILE, "ablation", "foreign")
# Of each table that is wider than its box, scrolled to its end: where its first column is.
FIRST_COLUMNS = """
return [...document.querySelectorAll(".scroll")]
  .filter((box) => box.offsetParent && box.scrollWidth > box.clientWidth + 20)
  .map((box) => {
    box.scrollLeft = box.scrollWidth;
    const cell = box.querySelector("tbody tr > :first-child").getBoundingClientRect();
    const frame = box.getBoundingClientRect();
    return [cell.left - frame.left, cell.width / frame.width];
  });
"""
# Words of table headings that begin on one line and end on the next.
BROKEN_WORDS = """
const broken = (text, word) => {
  const range = document.createRange();
  range.setStart(text, word.index);
  range.setEnd(text, word.index + word[0].length);
  return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1;
};
return [...document.querySelectorAll("thead th")]
  .filter((cell) => cell.checkVisibility())
  .flatMap((cell) => [...cell.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE))
  .flatMap((text) => [...text.data.matchAll(/\\p{L}+/gu)].filter((word) => broken(text, word)))
  .map(([word]) => word);
"""
# Calls axe while of each table the rows with the same elements as an earlier one are away, and
# the inside of the drawings, which no rule looks at. The tables keep their size, so that what
# scrolls still does.
RUN_AXE = """
const [options, done] = arguments;
const shape = (item) => [item.tagName, item.childElementCount, item.innerText.trim() !== "",
  ...[...item.attributes].map(({name, value}) => /class|style/.test(name) ? name + value : name)];
const kind = (row) => JSON.stringify([row, ...row.querySelectorAll("*")].map(shape));
const restore = [];
for (const table of document.querySelectorAll("main table")) {
  const seen = new Set(), rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  const alike = rows.filter((row) => seen.size === seen.add(kind(row)).size);
  const style = table.getAttribute("style");
  const {width, height} = table.getBoundingClientRect();
  Object.assign(table.style, {width: `${width}px`, height: `${height}px`});
  for (const row of alike) {
    const place = document.createComment("");
    row.replaceWith(place);
    restore.push(() => place.replaceWith(row));
  }
  restore.push(() => style ? table.setAttribute("style", style) : table.removeAttribute("style"));
}
for (const drawing of document.querySelectorAll(".main-svg")) {
  const inside = [...drawing.childNodes];
  drawing.replaceChildren();
  restore.push(() => drawing.replaceChildren(...inside));
}
const finish = (found) => { restore.forEach((undo) => undo()); done(found); };
axe.run({exclude: [[".main-svg"]]}, {resultTypes: ["violations"], ...options})
  .then((found) => finish(found.violations));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def page(folder: Path) -> Path:
    database = f"sqlite:///{folder / 'study.db'}"
    rich_study(database, name=HOSTILE, design=GRID, seeds=[0, 1])
    rich_study(database, name="ablation", design=ABLATION, seeds=list(range(6)))
    sampler = optuna.samplers.RandomSampler(seed=0)
    foreign = optuna.create_study(study_name="foreign", storage=database, sampler=sampler)

    def value(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        return x * x + 0.1 * (trial.suggest_categorical("<b>y</b>", ["<i>a</i>", "b"]) == "b")

    foreign.optimize(value, n_trials=24)
    return write_report(folder / "study.db", STUDIES, folder / "report.html")


def _wait_until_drawn(driver: Browser) -> None:
    WebDriverWait(driver, 60).until(
        lambda found: found.execute_script(
            "return [...document.querySelectorAll('.plot')]"
            ".every((plot) => plot.querySelector('svg.main-svg'))"
        )
    )


@pytest.fixture(scope="module")
def browser(
    page: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("profile")
    with chromium(profile, browser="ALL", performance="ALL") as driver:
        driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior",
            {"behavior": "allow", "downloadPath": str(folder / "downloads")},
        )
        driver.get(page.as_uri())
        _wait_until_drawn(driver)
        yield driver


def test_every_figure_is_drawn_and_described(browser: Browser) -> None:
    plots = browser.find_elements(By.CLASS_NAME, "plot")
    assert len(plots) > 30
    empty = browser.execute_script(
        "return [...document.querySelectorAll('.plot')].filter((plot) => !plot.querySelector("
        "'.point, .points path, .js-line, .heatmaplayer image, .bars path')"
        ").map((plot) => plot.dataset.name)"
    )
    assert empty == []
    for plot in plots:
        assert plot.get_attribute("aria-label")
    tables = browser.execute_script(
        "return [...document.querySelectorAll('.plot')].filter("
        "(plot) => plot.closest('figure').querySelector('tbody tr')).length"
    )
    assert tables == len(plots)


def test_nothing_from_the_database_runs_or_becomes_markup(browser: Browser) -> None:
    assert HOSTILE in [h1.text for h1 in browser.find_elements(By.TAG_NAME, "h1")]
    assert browser.find_elements(By.CSS_SELECTOR, "img[src='x']") == []
    inside = "return document.querySelectorAll('.plot a, main b, main i, .plot img[src=x]').length"
    assert browser.execute_script(inside) == 0
    ticks = browser.execute_script(
        "return [...document.querySelectorAll('.plot text')].map((text) => text.textContent)"
    )
    assert "<i>a</i>" in ticks


def test_the_console_is_quiet_and_no_request_leaves_the_file(browser: Browser) -> None:
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


def test_the_contents_lead_to_the_sections(browser: Browser) -> None:
    anchors = browser.execute_script(
        "return [...document.querySelectorAll('nav a, .tools a')].map((link) => link.hash)"
    )
    assert len(anchors) > 30
    missing = browser.execute_script(
        "return arguments[0].filter((hash) => !document.getElementById(hash.slice(1)))", anchors
    )
    assert missing == []


def test_a_link_to_a_figure_shows_it(browser: Browser, page: Path) -> None:
    figure = browser.find_elements(By.CSS_SELECTOR, "figure[id]")[-1]
    anchor = figure.get_attribute("id")
    browser.get(f"{page.as_uri()}#{anchor}")
    WebDriverWait(browser, 60).until(
        lambda driver: driver.execute_script(
            "const box = document.getElementById(arguments[0]).getBoundingClientRect();"
            "return box.top < innerHeight && box.bottom > 0",
            anchor,
        )
    )
    _wait_until_drawn(browser)


def test_dark_mode_changes_page_and_figures(browser: Browser) -> None:
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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(browser: Browser, theme: str) -> None:
    """Of the dark page the colours alone are looked at: the rest is that of the light one."""
    axe = files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
    only_colours = {"runOnly": ["color-contrast", "link-in-text-block"]}
    set_theme = "document.documentElement.dataset.theme = arguments[0]"
    browser.execute_script(f"{set_theme}; if (!window.axe) {{ {axe} }}", theme)
    browser.set_script_timeout(120)
    found = browser.execute_async_script(RUN_AXE, {} if theme == "light" else only_colours)
    browser.execute_script(set_theme, "light")
    grave = [
        (item["id"], item["nodes"][0]["html"][:200])
        for item in found
        if item["impact"] in ("serious", "critical")
    ]
    assert grave == []


def _download(browser: Browser, folder: Path, button: WebElement, suffix: str) -> bytes:
    browser.execute_script("arguments[0].click()", button)
    until = time.monotonic() + 120
    while time.monotonic() < until:
        found = list((folder / "downloads").glob(f"*.{suffix}"))
        content = found[0].read_bytes() if found else b""
        if content:  # Chromium creates the file before it writes it
            found[0].unlink()
            return content
        time.sleep(0.1)
    raise AssertionError(f"no {suffix} was downloaded")


@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("csv", b"study,group,n,mean,")]
)
def test_a_figure_is_downloaded_in_every_format(
    browser: Browser, folder: Path, suffix: str, start: bytes
) -> None:
    button = browser.find_element(By.CSS_SELECTOR, f"figure button[data-do='{suffix}']")
    assert _download(browser, folder, button, suffix).startswith(start)


def test_a_table_is_downloaded_with_its_numbers_and_no_formula(
    browser: Browser, folder: Path
) -> None:
    browser.execute_script(
        "const cell = document.querySelector('[id$=\"-trials\"] tbody td:nth-child(2)');"
        "cell.textContent = '=1+1'; delete cell.dataset.v;"
    )
    button = browser.find_element(By.CSS_SELECTOR, "[id$='-trials'] button[data-do='csv']")
    rows = list(csv.reader(io.StringIO(_download(browser, folder, button, "csv").decode())))
    assert rows[0][:3] == ["trial", "method", "state"]
    assert rows[1][1] == "'=1+1"
    assert float(rows[1][rows[0].index("photo")]) > 1  # per cent, with all its digits


def test_every_button_and_link_is_reached_with_the_keyboard(browser: Browser) -> None:
    unreachable = browser.execute_script(
        "return [...document.querySelectorAll('button, a, summary, .scroll, pre')]"
        ".filter((item) => item.tabIndex < 0).length"
    )
    assert unreachable == 0


@pytest.fixture(scope="module")
def printed(browser: Browser) -> tuple[str, list[float]]:
    """PDF in base64; and, on paper: left of the second panels, height of the tallest figure."""
    browser.execute_script(
        """
        addEventListener("beforeprint", () => {
          const plots = [...document.querySelectorAll(".plot")];
          const beside = plots.map((plot) => plot.layout.xaxis2?.domain[0] ?? 1);
          const heights = plots.map((plot) => plot.layout.height);
          window.onPaper = [Math.min(...beside), Math.max(...heights), plots.length];
        }, {once: true});
        """
    )
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
    return pdf["data"], browser.execute_script("return window.onPaper")


def test_panels_stay_beside_each_other_on_paper_and_no_figure_is_taller_than_a_sheet(
    printed: tuple[str, list[float]],
) -> None:
    told = printed[1]
    assert told[0] > 0.4
    assert told[1] <= 860
    assert told[2] > 3


def test_a_page_prints_with_every_figure(
    browser: Browser, printed: tuple[str, list[float]]
) -> None:
    assert printed[0].startswith("JVBERi")  # %PDF in base64
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_phone_shows_the_page_without_scrolling_sideways(browser: Browser) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 800, "deviceScaleFactor": 2, "mobile": True},
    )
    try:
        browser.refresh()
        _wait_until_drawn(browser)
        width = browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= 360
        sideways = browser.execute_script(
            "return [...document.querySelectorAll('.plot')]"
            ".filter((plot) => plot.scrollWidth > plot.clientWidth + 1).length"
        )
        assert sideways == 0
        assert browser.find_element(By.ID, "contents").get_attribute("open") is None
        wide = browser.execute_script(FIRST_COLUMNS)
        assert wide  # what follows is about something
        for offset, share in wide:
            assert 0 <= offset <= 2
            assert share < 0.5
        assert browser.execute_script(BROKEN_WORDS) == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_figures_are_written_as_files_of_their_own(
    folder: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    monkeypatch.chdir(folder)
    arguments = ["report", "foreign", "--database", "study.db", "--figures", "figures"]
    ran = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert ran.output.endswith("wrote figures to figures\n")
    names = {file.name for file in (folder / "figures").iterdir()}
    assert {"foreign-sensitivity-x.svg", "foreign-sensitivity-x.pdf"} <= names
    assert len(names) == 2 * page.read_text("utf-8").count('data-name="foreign-')
    for file in (folder / "figures").iterdir():
        start = b"<svg" if file.suffix == ".svg" else b"%PDF"
        assert file.read_bytes()[:400].lstrip().startswith(start)
