"""The report: frames in, one HTML file out that opens anywhere, offline."""

from __future__ import annotations

from dgsearch.report.page import write_questions, write_report

__all__ = ["write_questions", "write_report"]
