"""What a page of 10,000 trials costs: to build, to keep, to open.

Prints the seconds of processor and of the clock that `dgsearch report` takes in a process of its
own, imports included; the size of the page; and the seconds until Chromium has drawn what is in
view and answers a click. Each stands beside its bound. A ratio above 1 misses it.

With an earlier commit, that commit's code makes the same study and its page too, by turns with
this tree's; then the ratios of the least times and of the sizes, now to then, are printed alone.

Usage:
    python -m tests.benchmarks.report_of_10000 [--trials 10000] [--repeat 3]
    python -m tests.benchmarks.report_of_10000 --earlier d371494
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.browsers import chromium
from tests.bulk import bulk_search

REPOSITORY = Path(__file__).parents[2]
_BULK = "from tests.bulk import bulk_search; import sys; bulk_search(sys.argv[1], trials={})"
BUILD_S, OPEN_S, SIZE_MB = 15.0, 3.0, 8.0


def build_seconds(database: Path, page: Path, folder: Path = REPOSITORY) -> tuple[float, float]:
    """Seconds of the clock and of the processor for one page, by the code in a folder."""
    command = [sys.executable, "-m", "dgsearch", "report", "bulk"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [*command, "--database", str(database), "-o", str(page)],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    clock, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def open_seconds(page: Path) -> float:
    """Seconds from the address until a click has changed the colours of page and figures."""
    with tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as driver:
        driver.get("about:blank")
        started = time.perf_counter()
        driver.get(page.as_uri())
        driver.execute_script("document.getElementById('theme').click()")
        return time.perf_counter() - started


def compare(commit: str, trials: int, repeat: int) -> None:
    """Build the page with an earlier commit and with this tree, and print the ratios."""
    with tempfile.TemporaryDirectory() as name:
        folders = {"then": Path(name) / "earlier", "now": REPOSITORY}
        folders["then"].mkdir()
        packed = ["git", "-C", str(REPOSITORY), "archive", commit]
        code = subprocess.run(packed, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", str(folders["then"])], input=code, check=True)
        for which, folder in folders.items():
            url = f"sqlite:///{Path(name) / which}.db"
            made = [sys.executable, "-c", _BULK.format(trials), url]
            subprocess.run(made, check=True, capture_output=True, cwd=folder)
        built: dict[str, list[tuple[float, float]]] = {which: [] for which in folders}
        pages = {which: Path(name) / f"{which}.html" for which in folders}
        for _ in range(repeat):
            for which, folder in folders.items():
                database = Path(name) / f"{which}.db"
                built[which].append(build_seconds(database, pages[which], folder))
        sizes = {which: page.stat().st_size / 1e6 for which, page in pages.items()}
    for place, what in enumerate(("clock", "processor")):
        then, now = (min(times[place] for times in built[which]) for which in folders)
        print(f"build, {what}: then {then:.2f} s, now {now:.2f} s, ratio {now / then:.2f}")
    then, now = sizes["then"], sizes["now"]
    print(f"page: then {then:.2f} MB, now {now:.2f} MB, ratio {now / then:.2f}")


def main() -> None:
    """Make the study, then measure; the median and the least of the repetitions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--earlier", default="", metavar="COMMIT")
    given = parser.parse_args()
    if given.earlier:
        compare(given.earlier, given.trials, given.repeat)
        return
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
