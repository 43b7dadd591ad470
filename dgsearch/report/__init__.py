"""The report: frames in, one HTML file out that opens anywhere, offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dgsearch.report.page import write_questions, write_report

__all__ = ["write_questions", "write_report"]


def __getattr__(name: str) -> Any:
    """Import the page when it is first asked for: what `plan` says needs no figures."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dgsearch.report import page

    return getattr(page, name)
