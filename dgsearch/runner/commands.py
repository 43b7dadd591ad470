"""What the command line does with a study file: read it and run it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dgsearch.methods.registry import catalogue
from dgsearch.runner import fork_server
from dgsearch.runner.keeping import keep_study
from dgsearch.runner.options import Outcome, RunOptions
from dgsearch.runner.tune import run_study
from dgsearch.study import StudySpec
from dgsearch.study import load_study as load_with


def load_study(path: str | Path, *, overrides: Sequence[str] = ()) -> StudySpec:
    """Read a study file and check it against the installed methods and benchmarks.

    Args:
        path: A TOML file.
        overrides: `KEY=VALUE` pairs that replace entries of the file.

    Raises:
        StudyFileError: With every problem of the file.
    """
    return load_with(path, catalogue(), overrides=overrides)


def run_file(path: Path, options: RunOptions, *, overrides: Sequence[str]) -> Outcome:
    """Run what is left of the study in a file."""
    spec = load_study(path, overrides=overrides)
    fork_server.begin()  # nothing is open yet that two processes must not share
    text = path.read_text(encoding="utf-8")
    changed = "".join(f"# --set {override}\n" for override in overrides)
    outcome = run_study(spec, options, study_file=text + changed)
    if not outcome.interrupted:
        keep_study(spec)  # `plan` finds it there, and does without torch
    return outcome
