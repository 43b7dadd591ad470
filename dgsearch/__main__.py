"""`python -m dgsearch`: the command line."""

from __future__ import annotations

from dgsearch.cli import main

if __name__ == "__main__":
    main()
