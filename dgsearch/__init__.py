"""dgsearch: hyperparameter studies for domain generalisation and knowledge distillation.

Reading needs neither torch nor Ray; the functions that run a study import them when called.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dgsearch.database.export import write_frame
    from dgsearch.database.frames import describe_frames
    from dgsearch.database.predictions import read_predictions
    from dgsearch.database.queries import read_curves, read_scores, read_studies, read_trials
    from dgsearch.database.zones import time_zone
    from dgsearch.errors import DgsearchError
    from dgsearch.notebook.handle import open_study
    from dgsearch.report.page import write_report
    from dgsearch.runner.commands import load_study
    from dgsearch.runner.embedding import run_study
    from dgsearch.runner.options import RunOptions
    from dgsearch.study.spec import StudySpec

__all__ = [
    "DgsearchError",
    "RunOptions",
    "StudySpec",
    "describe_frames",
    "load_study",
    "open_study",
    "read_curves",
    "read_predictions",
    "read_scores",
    "read_studies",
    "read_trials",
    "run_study",
    "time_zone",
    "write_frame",
    "write_report",
]

__version__ = version("dgsearch")

_HOMES = {
    "StudySpec": "dgsearch.study.spec",
    "DgsearchError": "dgsearch.errors",
    "describe_frames": "dgsearch.database.frames",
    "open_study": "dgsearch.notebook.handle",
    "write_frame": "dgsearch.database.export",
    "read_curves": "dgsearch.database.queries",
    "read_predictions": "dgsearch.database.predictions",
    "read_scores": "dgsearch.database.queries",
    "read_studies": "dgsearch.database.queries",
    "read_trials": "dgsearch.database.queries",
    "time_zone": "dgsearch.database.zones",
    "write_report": "dgsearch.report.page",
    "load_study": "dgsearch.runner.commands",
    "RunOptions": "dgsearch.runner.options",
    "run_study": "dgsearch.runner.embedding",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that reading starts fast."""
    if name not in _HOMES:
        raise AttributeError(f"module 'dgsearch' has no attribute {name!r}")
    import warnings
    from importlib import import_module

    with warnings.catch_warnings():
        # Of tqdm, which Optuna imports, in a notebook without ipywidgets; no bar of it is shown.
        warnings.filterwarnings("ignore", message="IProgress not found")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
