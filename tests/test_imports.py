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


@pytest.mark.parametrize(
    "module",
    [
        "dgsearch",
        "dgsearch.cli",
        "dgsearch.report",
        "dgsearch.report.answers",
        "dgsearch.report.sentences",
        "dgsearch.report.terminal",
        "dgsearch.analysis.sensitivity",
        "dgsearch.database.queries",
        "dgsearch.database.export",
        "dgsearch.notebook",
        "dgsearch.notebook.export",
    ],
)
def test_the_reading_half_imports_neither_torch_nor_ray(module: str) -> None:
    code = f"import {module}, sys; print(sorted({{'torch', 'ray'}} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["dgsearch.runner.commands", "dgsearch.runner.actor"])
def test_a_run_starts_without_what_only_some_studies_need(module: str) -> None:
    late = {"torchvision", "torch._dynamo", "scipy.stats", "sklearn", "plotly"}
    code = f"import {module}, sys; print(sorted({late!r} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_the_public_names_are_these() -> None:
    assert sorted(dgsearch.__all__) == PUBLIC
    assert all(callable(getattr(dgsearch, name)) for name in PUBLIC)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'read_trails'"):
        _ = dgsearch.read_trails
