"""What a person types in a notebook: small steps from frames to frames, one study at a time."""

from __future__ import annotations

from dgsearch.analysis.reference import reported_table
from dgsearch.notebook.handle import Study, open_study
from dgsearch.notebook.summaries import best, compare, grid, over_seeds

__all__ = ["Study", "best", "compare", "grid", "open_study", "over_seeds", "reported_table"]
