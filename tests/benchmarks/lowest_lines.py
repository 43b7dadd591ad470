"""Which tests of the report run no line that others do not: `make test-lowest` leaves them out.

    .venv-lowest/bin/python -m pip install coverage
    .venv-lowest/bin/python -m tests.benchmarks.lowest_lines > tests/lowest_left_out.txt

Runs what `make test-lowest` runs, twice: once for the seconds of each test, once for the lines of
dgsearch that it runs. The slowest tests go first, as long as every line is still run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

LEAST_S = 0.3  # a quicker test stays
_FOLDER = "tests/report/"
_SETTINGS = "[run]\nsource = dgsearch\ndata_file = {file}\ndynamic_context = test_function\n"
_TESTS = [
    "-q", "-m", "not slow and not gpu and not browser and not postgres and not mysql and not long",
    "tests/database", "tests/analysis", "tests/report", "tests/notebook",
    "--ignore-glob=tests/report/test_browser*",
    "--ignore=tests/report/test_declared_diagnostics.py",
]  # fmt: skip


def main() -> None:
    """Measure, and print an option of pytest a line."""
    with tempfile.TemporaryDirectory() as name:
        seconds, lines = _seconds(Path(name)), _lines(Path(name))
    known = {test: own for test, own in lines.items() if test in seconds}
    runs = Counter(line for own in known.values() for line in own)
    for test in sorted(known, key=lambda each: -seconds[each]):
        needed = any(runs[line] == 1 for line in known[test])
        if seconds[test] >= LEAST_S and test.startswith(_FOLDER) and not needed:
            runs.subtract(known.pop(test))
    left_out = {test for test in lines if test in seconds} - set(known)
    sys.stdout.write("".join(f"--deselect={test}\n" for test in sorted(left_out)))


def _seconds(folder: Path) -> Mapping[str, float]:
    """How long each test takes, with its fixtures."""
    file = folder / "seconds.xml"
    command = [sys.executable, "-m", "pytest", *_TESTS, f"--junit-xml={file}"]
    subprocess.run(command, check=True, stdout=sys.stderr)
    found: Counter[str] = Counter()
    for case in ElementTree.parse(file).iter("testcase"):
        module, test = case.attrib["classname"], case.attrib["name"].partition("[")[0]
        found[f"{module.replace('.', '/')}.py::{test}"] += float(case.attrib["time"])
    return found


def _lines(folder: Path) -> Mapping[str, set[tuple[str, int]]]:
    """The lines of dgsearch that each test runs."""
    settings, data, written = (folder / name for name in ("settings", "data", "lines.json"))
    settings.write_text(_SETTINGS.format(file=data), encoding="utf-8")
    coverage = [sys.executable, "-m", "coverage"]
    run = [*coverage, "run", f"--rcfile={settings}", "-m", "pytest", *_TESTS]
    subprocess.run(run, check=True, stdout=sys.stderr)
    out = [*coverage, "json", f"--rcfile={settings}", "--show-contexts", "-q", "-o", str(written)]
    subprocess.run(out, check=True, stdout=sys.stderr)
    found: dict[str, set[tuple[str, int]]] = {}
    for file, content in json.loads(written.read_text(encoding="utf-8"))["files"].items():
        for line, tests in content["contexts"].items():
            for module, _, test in (name.rpartition(".") for name in tests if name):
                place = f"{module.replace('.', '/')}.py::{test}"
                found.setdefault(place, set()).add((file, int(line)))
    return found


if __name__ == "__main__":
    main()
