"""What a page of 10,000 trials costs: to build, to keep, to open.

Prints the seconds of processor and of the clock that `dgsearch report` takes in a process of its
own, imports included; the size of the page; and the seconds until Chromium has drawn what is in
view and answers a click. Each stands beside its bound. A ratio above 1 misses it.

Usage: python -m tests.benchmarks.report_of_10000 [--trials 10000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.browser import chromium
from tests.bulk import bulk_search

BUILD_S, OPEN_S, SIZE_MB = 15.0, 3.0, 8.0


def build_seconds(database: Path, page: Path) -> tuple[float, float]:
    """Seconds of the clock and of the processor for one page."""
    command = [sys.executable, "-m", "dgsearch", "report", "bulk"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [*command, "--database", str(database), "-o", str(page)], check=True, capture_output=True
    )
    clock, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def open_seconds(page: Path) -> float:
    """Seconds from the address until a click has changed the colours of page and figures."""
    with chromium() as driver:
        driver.get("about:blank")
        started = time.perf_counter()
        driver.get(page.as_uri())
        driver.execute_script("document.getElementById('theme').click()")
        return time.perf_counter() - started


def main() -> None:
    """Make the study, then measure; the median and the least of the repetitions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        database, page = Path(name) / "study.db", Path(name) / "page.html"
        bulk_search(f"sqlite:///{database}", trials=given.trials)
        built = [build_seconds(database, page) for _ in range(given.repeat)]
        opened = [open_seconds(page) for _ in range(given.repeat)]
        size = page.stat().st_size / 1e6
    for what, numbers, bound in (
        ("build, clock", [clock for clock, _ in built], BUILD_S),
        ("build, processor", [processor for _, processor in built], BUILD_S),
        ("open and click", opened, OPEN_S),
        ("page, MB", [size], SIZE_MB),
    ):
        least = min(numbers)
        median = sorted(numbers)[len(numbers) // 2]
        print(
            f"{what:18} least {least:6.2f}  median {median:6.2f}  bound {bound:5.1f}  "
            f"ratio of the least {least / bound:.2f}"
        )


if __name__ == "__main__":
    main()
