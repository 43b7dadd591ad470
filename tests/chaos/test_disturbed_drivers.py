"""Several drivers that are killed, stopped beyond their lease, or live at another time.

Whatever happens, every planned trial is finished once, nothing is left running, and each cell of
the table is that of a study that one driver ran undisturbed. The proposals of a search depend
on which trials had ended when they were made, so that those of a disturbed search may be others:
of a search the number of proposals is compared, that none is made twice, that the best are
confirmed, and the cells with those of an undisturbed grid over the same values.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from dgsearch.database.queries import read_trials
from tests import warm
from tests.chaos.several import Crowd
from tests.chaos.sleeper import with_sleeper
from tests.real_studies import dgsearch_command, repeatable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

HEAD = """
name = "crowd"
method = "sleeper"
seeds = {seeds}
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo", "street"]
[hyperparameters]
sleep = {sleep}
epochs = 3
[retries]
interrupted = 100
lost_worker = 100
{more}
"""
DESIGNS = {
    "grid": '[design]\nkind = "grid"\nvary.x = {values}\n',
    "adaptive-seeds": (
        '[design]\nkind = "adaptive-seeds"\nmax_seeds = 8\nmargin = 0.02\nvary.x = {values}\n'
    ),
    "search": (
        '[design]\nkind = "search"\ntrials = {trials}\nconfirm = 2\n'
        "vary.x = {{ low = 0, high = 1 }}\n"
    ),
}
SEEDS = [0, 1, 2]
VALUES = [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]
PROPOSALS = 24
LEASE_S = {2: 4.0, 4: 10.0}  # by the number of events
ONE_WORKER = "[resources]\nconcurrent = 1"


def _write(
    folder: Path, kind: str, *, sleep: float, values: Sequence[float], more: str = ONE_WORKER
) -> None:
    text = HEAD.format(seeds=SEEDS, sleep=sleep, more=more)
    text += DESIGNS[kind].format(values=list(values), trials=PROPOSALS)
    (folder / "study.toml").write_text(text)


def _run(folder: Path, environment: dict[str, str], database: str) -> None:
    ran = warm.run(
        dgsearch_command(folder, database=database),
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _cells(trials: pd.DataFrame) -> pd.DataFrame:
    """What must repeat, of every trial that was not interrupted; `sleep` changes no result."""
    left = trials[trials["stop_reason"] != "interrupted"]
    cells = repeatable(left, without="continues")
    unlike = ["study", "config_id", "role", "proposed_by", "stages", "sleep", "judged"]
    cells = cells.drop(columns=[name for name in unlike if name in cells])
    return cells.sort_values(["x", "seed"]).reset_index(drop=True)


Undisturbed = Callable[[str, Sequence[float]], pd.DataFrame]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Cells of a study that one driver ran, by its design and the values of x; run once each."""
    environment = with_sleeper(tmp_path_factory.mktemp("plugin"))
    known: dict[tuple[str, tuple[float, ...]], pd.DataFrame] = {}

    def cells(kind: str, values: Sequence[float]) -> pd.DataFrame:
        key = (kind, tuple(values))
        if key not in known:
            folder = tmp_path_factory.mktemp("undisturbed")
            _write(folder, kind, sleep=0.0, values=list(values))
            _run(folder, environment, str(folder / "study.db"))
            known[key] = _cells(read_trials(folder / "study.db"))
        return known[key]

    return cells


def _check_counts(trials: pd.DataFrame) -> pd.DataFrame:
    """Every trial that was not interrupted: finished, and once."""
    assert not trials["state"].isin(["RUNNING", "WAITING"]).any()
    assert not trials["trial_number"].duplicated().any()
    left = trials[trials["stop_reason"] != "interrupted"]
    assert left["stop_reason"].eq("finished").all()
    assert not left.duplicated(["config_id", "seed"]).any()
    return left


def _check_search(left: pd.DataFrame) -> list[float]:
    """So many proposals, none twice, and the best two confirmed; gives the values of x."""
    proposed = left[left["seed"] == SEEDS[0]]
    assert proposed["proposed_by"].eq("sampler").all()
    assert len(proposed) == proposed["x"].nunique() == PROPOSALS
    best = proposed.sort_values("value", ascending=False)["x"][:2]
    later = left[left["seed"] != SEEDS[0]]
    wanted = sorted((x, seed) for x in best for seed in SEEDS[1:])
    assert sorted(zip(later["x"], later["seed"], strict=True)) == wanted
    return sorted(proposed["x"])


@dataclass(frozen=True)
class Round:
    """One study and what befalls it."""

    kind: str
    database: str
    seed: int
    events: int
    values: Sequence[float] = tuple(VALUES)
    sleep: float = 1.0
    more: str = ""

    def run(self, folder: Path, undisturbed: Undisturbed) -> None:
        """Disturb the study, then compare it with one left alone."""
        drivers = random.Random(self.seed).choice((2, 3)) if self.events > 2 else 2
        environment = with_sleeper(folder / "plugin")
        _write(folder, self.kind, sleep=self.sleep, values=self.values, more=self.more)
        crowd = Crowd(
            folder,
            environment,
            database=self.database,
            seed=self.seed,
            lease_s=LEASE_S[self.events],
        )
        crowd.disturb(drivers, events=self.events)
        assert crowd.done == {"stopped": self.events // 2, "killed": self.events // 2}
        ended = read_trials(self.database)
        left, found = _check_counts(ended), _cells(ended)
        if self.kind == "search":
            expected = undisturbed("grid", _check_search(left))
            expected = expected.merge(found[["x", "seed"]], on=["x", "seed"])  # not all confirmed
        else:
            expected = undisturbed(self.kind, self.values)
        assert len(found) == len(expected)
        pd.testing.assert_frame_equal(found, expected[found.columns], check_dtype=False)


def test_two_disturbed_drivers_end_with_the_table_of_one_left_alone(
    tmp_path: Path, undisturbed: Undisturbed
) -> None:
    database = str(tmp_path / "study.db")
    short = Round("grid", database, 1, events=2, values=(0.1, 0.4), sleep=0.2, more=ONE_WORKER)
    short.run(tmp_path, undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_rounds_on_sqlite(tmp_path: Path, undisturbed: Undisturbed, seed: int) -> None:
    database = str(tmp_path / "study.db")
    Round(list(DESIGNS)[seed % 3], database, seed, events=4).run(tmp_path, undisturbed)


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(10, 20))
def test_rounds_on_postgresql(
    tmp_path: Path, undisturbed: Undisturbed, postgres: str, seed: int
) -> None:
    Round(list(DESIGNS)[seed % 3], postgres, seed, events=4).run(tmp_path, undisturbed)
