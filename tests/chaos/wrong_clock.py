"""A module after a first file: `python -m tests.chaos.wrong_clock FILE MODULE ...`.

For a fork of `tests.warm`, which has left behind what Python runs before all else.
"""

from __future__ import annotations

import runpy
import sys

__all__: list[str] = []


def main() -> None:
    """Run the file, and become the module."""
    _, first, *words = sys.argv
    runpy.run_path(first)
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
