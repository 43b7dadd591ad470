"""Prints the lowest versions that pyproject allows, of what the reading half needs.

`make test-lowest` installs them into an environment without torch and Ray.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_RUNNING_HALF = ("torch", "torchvision", "ray[tune]", "torchmetrics", "safetensors")
_TESTS = ("pytest", "pytest-timeout", "pytest-xdist", "hypothesis")
_ENTRY = re.compile(r"([\w\[\]-]+)>=([\d.]+)")


def lowest() -> Iterator[str]:
    """One requirement a line, pinned to the lower end of its range."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        entry for entry in project["dependencies"] if entry.partition(">=")[0] not in _RUNNING_HALF
    ]
    for extra in ("postgres", "mysql"):  # their drivers read too
        wanted += project["optional-dependencies"][extra]
    for entry in wanted:
        found = _ENTRY.fullmatch(entry)
        assert found, f"{entry}: its lower end is not readable"
        yield f"{found[1]}=={found[2]}"
    yield from _TESTS


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest()) + "\n")
