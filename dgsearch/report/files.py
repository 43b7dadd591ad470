"""Names of files that are safe on every system, whatever a study is called."""

from __future__ import annotations

import re

__all__ = ["safe_name"]


def safe_name(study: str) -> str:
    """The study's name with all but letters, digits, ".", "_" and "-" replaced, cut to 80."""
    return re.sub(r"[^\w.-]+", "-", study).strip("-.")[:80] or "study"
