"""Ctrl-C and SIGTERM in `report --all` and `import`: what they write is old or new, never cut."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from dgsearch.database.queries import read_scores, read_trials
from dgsearch.errors import DatabaseError
from tests.fakes import DESIGNS, fake_spec, full_study
from tests.importing.test_domainbed import sweep_folder
from tests.stopped import moments, run_and_stop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

FEW, MANY = (0, 1, 3), range(4, 60)  # one of the few is while a module is imported


def _pages(folder: Path) -> dict[str, str]:
    """Every file of a folder, hidden ones too."""
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


def _stop_reports(folder: Path, database: str, seeds: Sequence[int]) -> None:
    for name in ("one", "two"):
        full_study(database, spec=fake_spec(name=name, design=DESIGNS["a-a"], baselines=[]))
    pages = folder / "pages"
    words = ["report", "--all", str(pages), "--database", database]
    moments(words, folder)
    # of a run that finds pages of an earlier one
    events = moments(words, folder) | moments(words, folder, cold=True)
    known = {name: {text} for name, text in _pages(pages).items()}
    assert sorted(known) == ["index.html", "one.html", "two.html"]
    for seed in seeds:
        run_and_stop(words, events, seed).check()
        found = _pages(pages)
        assert sorted(found) == sorted(known)
        for name, text in found.items():
            assert text in known[name] or text.rstrip().endswith("</html>")
    moments(words, folder)
    assert sorted(_pages(pages)) == sorted(known)


def test_pages_are_old_or_new_when_their_making_is_stopped(tmp_path: Path, database: str) -> None:
    _stop_reports(tmp_path, database, FEW)


@pytest.mark.long
def test_pages_are_old_or_new_whenever_their_making_is_stopped(
    tmp_path: Path, database: str
) -> None:
    _stop_reports(tmp_path, database, MANY)


def _imported(database: Path) -> pd.DataFrame | None:
    """What a database holds of every study, without the numbers of rows; None: nothing."""
    try:
        trials, scores = read_trials(database), read_scores(database)
    except DatabaseError:
        return None
    return trials.merge(scores, on=["study", "trial_number"]) if len(trials) else None


def _stop_imports(folder: Path, seeds: Sequence[int]) -> None:
    sweep = sweep_folder(folder / "sweep", 4)
    for place, run in enumerate(sorted(sweep.glob("*/results.jsonl"))):
        records = [json.loads(line) for line in run.read_text().splitlines()]
        for record in records:
            record["args"]["dataset"] = ("PACS", "VLCS")[place % 2]
        run.write_text("".join(json.dumps(record) + "\n" for record in records))
    whole = folder / "whole.db"
    words = ["import", str(sweep), "--database", str(whole)]
    events = moments(words, folder)
    expected = _imported(whole)
    assert expected is not None
    assert expected["study"].nunique() == 2
    whole.unlink()
    if any(seed % 4 == 3 for seed in seeds):
        events |= moments(words, folder, cold=True)
    for seed in seeds:
        database = folder / f"stopped{seed}.db"
        words = ["import", str(sweep), "--database", str(database)]
        run_and_stop(words, events, seed).check()
        if (found := _imported(database)) is not None:
            pd.testing.assert_frame_equal(found, expected)
        moments(words, folder)
        pd.testing.assert_frame_equal(_imported(database), expected)


def test_a_stopped_import_leaves_whole_studies_or_nothing(tmp_path: Path) -> None:
    _stop_imports(tmp_path, (0, 1, 2))


@pytest.mark.long
def test_an_import_stopped_at_any_moment_leaves_whole_studies_or_nothing(tmp_path: Path) -> None:
    _stop_imports(tmp_path, MANY)
