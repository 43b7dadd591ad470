"""What is imported when: reading starts without torch and Ray, and the public names stay."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dgsearch

PUBLIC = [
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


READING = (
    "dgsearch",
    "dgsearch.cli",
    "dgsearch.report",
    "dgsearch.report.answers",
    "dgsearch.report.status",
    "dgsearch.analysis.sensitivity",
    "dgsearch.database.queries",
    "dgsearch.database.export",
    "dgsearch.notebook",
    "dgsearch.notebook.export",
)
RUNNING = ("dgsearch.runner.commands", "dgsearch.runner.actor")
CODE = """
import importlib, sys
for module in {modules!r}:
    importlib.import_module(module)
    print(module, sorted({late!r} & set(sys.modules)))
"""


def _imported_too_early(modules: tuple[str, ...], late: set[str]) -> dict[str, str]:
    """Which of `late` are imported when these are, one after another, in a fresh process."""
    code = CODE.format(modules=modules, late=late)
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    found = dict(line.split(" ", 1) for line in shown.stdout.splitlines())
    assert tuple(found) == modules
    return {module: names for module, names in found.items() if names != "[]"}


def test_the_reading_half_imports_neither_torch_nor_ray() -> None:
    assert _imported_too_early(READING, {"torch", "ray"}) == {}


def test_a_run_starts_without_what_only_some_studies_need() -> None:
    late = {"torchvision", "torch._dynamo", "scipy.stats", "sklearn", "plotly"}
    assert _imported_too_early(RUNNING, late) == {}


def test_a_page_needs_neither_plotly_nor_the_slow_parts_of_scipy_to_be_written() -> None:
    late = {"scipy.stats", "sklearn", "plotly"}
    assert _imported_too_early(("dgsearch.report.page",), late) == {}


def test_the_public_names_are_these() -> None:
    assert sorted(dgsearch.__all__) == PUBLIC
    assert all(callable(getattr(dgsearch, name)) for name in PUBLIC)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'read_trails'"):
        _ = dgsearch.read_trails
