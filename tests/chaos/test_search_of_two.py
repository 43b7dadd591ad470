"""Two `dgsearch run` of one search at once."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
import sqlalchemy

from dgsearch.database.queries import read_trials
from dgsearch.database.tables import OWN_TRIALS
from tests import warm
from tests.chaos.sleeper import with_sleeper
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STUDY = """
name = "two"
method = "sleeper"
seeds = [0, 1]
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[hyperparameters]
sleep = 0.05
epochs = 1
[design]
kind = "search"
trials = 20
confirm = 2
vary.x = { low = 0, high = 1 }
[resources]
concurrent = 1
"""


def _start(folder: Path, held: Path, trains: Path) -> subprocess.Popen[str]:
    """A driver whose trials are held while one file exists, and write the other one."""
    return warm.Popen(
        dgsearch_command(folder),
        env=with_sleeper(folder / "plugin", SLEEPER_HELD_BY=str(held), SLEEPER_TRAINS=str(trains)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.long
def test_two_drivers_make_twenty_proposals_together_and_confirm_the_best_two(
    tmp_path: Path,
) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    held = tmp_path / "held"
    held.touch()
    trains = [tmp_path / f"trains{place}" for place in range(2)]
    drivers = [_start(tmp_path, held, file) for file in trains]
    while not all(file.exists() for file in trains):  # until then neither ends its proposals
        assert all(driver.poll() is None for driver in drivers)
        time.sleep(0.1)
    held.unlink()
    outputs = [driver.communicate(timeout=200)[0] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], "\n".join(outputs)
    trials = read_trials(tmp_path / "study.db")
    assert trials["stop_reason"].eq("finished").all()
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'study.db'}")
    with engine.connect() as connection:
        at_work = connection.scalars(sqlalchemy.select(OWN_TRIALS.c.driver_id).distinct()).all()
    assert len(at_work) == 2
    proposed = trials[trials["seed"] == 0]
    assert len(proposed) == proposed["x"].nunique() == 20
    best = proposed.sort_values("value", ascending=False)["config_id"][:2]
    confirmed = trials[trials["seed"] == 1]
    assert sorted(confirmed["config_id"]) == sorted(best)
