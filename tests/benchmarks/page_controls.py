"""How long the controls of a page take to show other settings, and what their numbers cost.

A grid of 50 configurations at 20 seeds, 1,000 finished trials: sign-flip tests of 20 pairs are
samples of 100,000 patterns, the most that one row can cost. Each setting is clicked in Chromium;
a time is that from the click until the browser has painted. Times stand beside their bound of
200 ms; a ratio above 1 misses it. The block of numbers is set beside the page that holds it.

Usage: python -m tests.benchmarks.page_controls [--seeds 20] [--values 5 5 2]
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from pathlib import Path

import numpy as np

from dgsearch.designs.points import PlannedTrial
from dgsearch.report import write_report
from tests.browsers import chromium
from tests.fakes import fake_spec, full_study

BOUND_MS = 200.0
REPEATS = 5
_CLICKS = {
    "a target": "fieldset:nth-of-type(1) input",
    "a seed": "fieldset:nth-of-type(2) input",
    "a group": "fieldset:nth-of-type(3) label:last-child input",
}
_MEASURE = """
const [selector, done] = arguments;
const box = document.querySelector(".controls").querySelector(selector);
const start = performance.now();
box.click();
requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
"""
_LEVEL = """
const select = [...document.querySelectorAll(".controls select")][1], done = arguments[0];
const start = performance.now();
select.value = select.value === "0" ? "1" : "0";
select.dispatchEvent(new Event("change"));
requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
"""


def _accuracy(trial: PlannedTrial, random: np.random.Generator) -> float:
    return float(0.5 + 0.01 * trial.seed / 20 + random.normal(0, 0.02))


def _study(database: str, seeds: int, counts: list[int]) -> None:
    vary = {
        "lambda_adv": [0.5, 0.0, 0.25, 0.75, 1.0][: counts[0]],
        "T": [5, 1, 2, 7, 10][: counts[1]],
        "lr": [1e-3, 1e-2][: counts[2]],
    }
    design = {"kind": "grid", "vary": vary}
    spec = fake_spec(name="grid", seeds=list(range(seeds)), design=design, baselines=[])
    full_study(database, _accuracy, spec)


def _measured(page: Path) -> dict[str, list[float]]:
    """Milliseconds of each kind of click, the first of each kind among them."""
    with tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as driver:
        driver.get(page.as_uri())
        time.sleep(10)  # until the figures below the view are drawn
        driver.execute_script("document.querySelector('.controls').open = true")
        found = {
            what: [driver.execute_async_script(_MEASURE, selector) for _ in range(2 * REPEATS)]
            for what, selector in _CLICKS.items()
        }
        found["confidence"] = [driver.execute_async_script(_LEVEL) for _ in range(REPEATS)]
    return found


def main() -> None:
    """Make the study and its page, click, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--values", type=int, nargs=3, default=[5, 5, 2])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        database, page = Path(name) / "study.db", Path(name) / "page.html"
        _study(f"sqlite:///{database}", given.seeds, given.values)
        write_report(database, ["grid"], page)
        text = page.read_text("utf-8")
        found = _measured(page)
    (block,) = re.findall(r'class="study-data">(.*?)</script>', text, re.DOTALL)
    share = len(block) / len(text)
    print(f"block {len(block) / 1e3:.0f} kB of {len(text) / 1e6:.2f} MB, share {share:.3f}")
    for what, times in found.items():
        median = float(np.median(times))
        print(
            f"{what:10} median {median:6.1f} ms  most {max(times):6.1f} ms  "
            f"ratio of the median {median / BOUND_MS:.2f}, of the most {max(times) / BOUND_MS:.2f}"
        )


if __name__ == "__main__":
    main()
