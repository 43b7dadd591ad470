"""`python -m dgsearch`, and the command `dgsearch`: the command line."""

from __future__ import annotations

import sys

from dgsearch.stopping import take


def main() -> None:
    """Run the command line; a signal ends it in order from its first import to its last line."""
    if "--json" in sys.argv:
        from dgsearch.replies import reply_stopped

        take(reply_stopped)
    else:
        take()
    from dgsearch.cli import main as command_line

    try:
        command_line()
    finally:
        take(lambda: None)  # it has answered


if __name__ == "__main__":
    main()
