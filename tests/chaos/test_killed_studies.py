"""Studies whose driver and workers are killed end as if nothing had happened."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy

from dgsearch.database.queries import read_curves, read_trials
from dgsearch.database.tables import OWN_TRIALS
from dgsearch.trainable.store import Store
from tests.chaos.killing import Killer, run_to_the_end
from tests.chaos.patient import LONGER, STUDY, with_patient
from tests.real_studies import repeatable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

HALVING = "[halving]\ngrace_epochs = 1\nkeep_one_in = 3\nallow_truncated = true\n"


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The longer study, run without interference and without halving."""
    folder = tmp_path_factory.mktemp("longer")
    (folder / "study.toml").write_text(LONGER)
    ran = run_to_the_end(folder, with_patient(folder / "plugin"))
    assert ran.returncode == 0, ran.stderr
    return folder


def _killed(folder: Path, text: str, *, kills: int, seed: int) -> pd.DataFrame:
    """Every trial of the study after so many kills and a last run to its end."""
    (folder / "study.toml").write_text(text)
    held = folder / "held"
    held.touch()
    environment = with_patient(folder / "plugin", held_by=held, pause_s=0.05)
    killer = Killer(folder, environment, seed=seed)
    killer.kill(kills)
    assert killer.killed == {"driver": kills // 2, "worker": kills // 2}
    held.unlink()
    ran = run_to_the_end(folder, with_patient(folder / "plugin"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    trials = read_trials(folder / "study.db")
    assert not trials["state"].isin(["RUNNING", "WAITING"]).any()
    assert not trials["trial_number"].duplicated().any()
    left = trials[trials["stop_reason"] != "interrupted"]
    assert len(left) == (8 if text == STUDY else 24)
    assert not left.duplicated(["config_id", "seed"]).any()
    assert _surplus_of_stages(folder, seeds=2 if text == STUDY else 3) <= kills
    return left


def stages_trained(folder: Path) -> list[str]:
    """The key of every stage that a trial trained, once for each configuration and seed."""
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'study.db'}")
    query = sqlalchemy.select(OWN_TRIALS.c.config_id, OWN_TRIALS.c.seed, OWN_TRIALS.c.stages_json)
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    trained = {
        (row.config_id, row.seed, use["key"])
        for row in rows
        for use in json.loads(row.stages_json or "[]")
        if not use["taken"]
    }
    return [key for _, _, key in trained]


def _surplus_of_stages(folder: Path, *, seeds: int) -> int:
    """How often a stage was trained beyond the first time, over all trials.

    A trial that is killed between storing a stage and reporting it leaves no record of it.
    """
    counts = Counter(stages_trained(folder))
    stored = {item.key for item in Store(folder / "artifacts" / "stages").listed()}
    assert len(stored) == seeds  # pre-training at each seed
    assert counts.keys() <= stored
    return counts.total() - len(counts)


def _assert_same(killed: pd.DataFrame, undisturbed: Path) -> None:
    found = repeatable(killed, without="continues")
    expected = repeatable(read_trials(undisturbed / "study.db"), without="continues")
    pd.testing.assert_frame_equal(found, expected[found.columns], check_dtype=False)


def test_a_killed_study_ends_with_the_results_of_one_left_alone(
    undisturbed: Path, tmp_path: Path
) -> None:
    _assert_same(_killed(tmp_path, STUDY, kills=4, seed=1), undisturbed)


@pytest.mark.long
def test_fifty_kills_change_nothing_either(longer: Path, tmp_path: Path) -> None:
    _assert_same(_killed(tmp_path, LONGER, kills=50, seed=2), longer)


@pytest.mark.long
def test_with_halving_every_decision_fits_what_was_recorded(longer: Path, tmp_path: Path) -> None:
    trials = _killed(tmp_path, LONGER + HALVING, kills=6, seed=3)
    assert set(trials["stop_reason"]) == {"finished", "halved"}
    pruned = trials[trials["stop_reason"] == "halved"]
    curves = _curves(tmp_path)
    whole = _curves(longer)
    for key, curve in curves.items():
        assert curve == whole[key][: len(curve)], key
    for row in pruned.itertuples():
        curve = curves[row.config_id, row.seed]
        assert len(curve) == row.rung
        assert curve[-1] < row.cutoff
    for rung in (1, 3):
        there = {key: curve[rung - 1] for key, curve in curves.items() if len(curve) >= rung}
        best = max(there, key=lambda key: there[key])
        assert len(curves[best]) > rung  # the best of a rung is never stopped there


def _curves(folder: Path) -> dict[tuple[str, int], list[float]]:
    """The values of each trial that was not interrupted, by (config_id, seed)."""
    trials = read_trials(folder / "study.db")
    keys = {
        row.trial_number: (row.config_id, row.seed)
        for row in trials.itertuples()
        if row.stop_reason != "interrupted"
    }
    found: dict[tuple[str, int], list[float]] = {}
    for row in (
        read_curves(folder / "study.db").sort_values(["trial_number", "epoch"]).itertuples()
    ):
        if row.trial_number in keys:
            found.setdefault(keys[row.trial_number], []).append(row.value)
    return found
