"""Signals, a Ray that dies, a database that refuses: the run goes on, or ends with a reason."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import optuna
import psutil
import pytest
import sqlalchemy

from dgsearch.database.queries import read_trials
from tests import warm
from tests.chaos.sleeper import with_sleeper
from tests.polling import trial_states
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

STUDY = """
name = "outside"
method = "sleeper"
seeds = [0]
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[hyperparameters]
sleep = 0.5
epochs = 2
[design]
kind = "grid"
vary.x = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
[resources]
concurrent = 1
"""


class Run:
    """A study that runs in another process; it cannot end before it is waited for."""

    def __init__(self, folder: Path, database: str | None = None, study: str = STUDY) -> None:
        (folder / "study.toml").write_text(study)
        self.folder = folder
        self.database = database or f"sqlite:///{folder / 'study.db'}"
        self._log = folder / "log"
        self._held = folder / "held"
        self._held.touch()
        held = {"DGSEARCH_LEASE_S": "6", "SLEEPER_HELD_BY": str(self._held)}
        with self._log.open("w") as log:
            self.process = warm.Popen(
                dgsearch_command(folder, database=database),
                env=with_sleeper(folder / "plugin", **held),
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C of whoever runs the tests is not for it
            )

    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def states(self) -> list[str]:
        return trial_states(self.database)

    def left_nothing_running(self) -> bool:
        states = self.states()
        return "COMPLETE" in states and "RUNNING" not in states

    def wait_for(self, text: str = "", *, complete: int = 0) -> None:
        """Until the output has a text and so many trials are complete."""
        deadline = time.monotonic() + 400
        while text not in self.output() or (
            complete and self.states().count("COMPLETE") < complete
        ):
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.3)

    def end(self) -> int:
        self._held.unlink(missing_ok=True)
        return self.process.wait(timeout=600)

    def servers(self, name: str) -> list[psutil.Process]:
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it has just ended
                found += [child] if child.name() == name else []
        return found


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A study of six trials, of which one has ended and others run."""
    started = Run(tmp_path)
    started.wait_for(complete=1)
    yield started
    started.process.kill()
    started.process.wait()


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_a_signal_ends_a_run_cleanly(run: Run, number: signal.Signals) -> None:
    run.process.send_signal(number)
    assert run.end() == 130, run.output()
    assert "stopped; what was recorded is kept. Run the same command again" in run.output()
    assert "Traceback" not in run.output()
    assert "SIGTERM received" not in run.output()
    assert run.left_nothing_running()


def test_a_ray_that_does_not_answer_any_more_ends_the_run(run: Run) -> None:
    for server in run.servers("gcs_server"):
        server.kill()
    code = run.end()
    if code == 2:
        assert "Ray's gcs_server ended (exit code -9), and Ray does not answer" in run.output()
        assert "Traceback" not in run.output()
        assert run.left_nothing_running()
        again = Run(run.folder)
        code = again.end()
    assert code == 0, run.output()
    assert run.states().count("COMPLETE") == 6


def test_a_raylet_that_starts_late_is_waited_for_and_one_that_dies_replaced(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path)
    while not (found := run.servers("raylet")):
        assert run.process.poll() is None, run.output()
        time.sleep(0.03)
    found[0].suspend()
    try:
        run.wait_for("s; waiting for it")
    finally:
        found[0].resume()
    run.wait_for(complete=1)
    for raylet in run.servers("raylet"):
        raylet.kill()
    assert run.end() == 0, run.output()
    assert "Ray's raylet ended (exit code -9); Ray is started again" in run.output()
    assert "(raylet)" not in run.output()  # nor does Ray print its log
    assert run.states().count("COMPLETE") == 6
    assert run.left_nothing_running()


def test_a_deleted_database_file_ends_the_run(run: Run) -> None:
    for file in run.folder.glob("study.db*"):
        file.unlink()
    assert run.end() == 2, run.output()
    assert "its file was deleted while the study ran" in run.output()
    assert "Traceback" not in run.output()
    saved = read_trials(run.folder / "study.db.saved")
    assert (saved["state"] == "COMPLETE").any()


def test_a_study_deleted_while_it_runs_ends_the_run(run: Run) -> None:
    optuna.delete_study(study_name="outside", storage=run.database)
    assert run.end() == 2, run.output()
    assert "the study was deleted or renamed while it ran" in run.output()
    assert "Traceback" not in run.output()


def _read_only(server: str, setting: str) -> None:
    """Switch a whole server; sessions that are open hear of it too."""
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        connection.exec_driver_sql(f"ALTER SYSTEM SET default_transaction_read_only = {setting}")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()


@pytest.mark.postgres
def test_a_failover_is_waited_for_and_ctrl_c_twice_does_not_wait(
    postgres: str, tmp_path: Path
) -> None:
    run = Run(tmp_path, database=postgres)
    run.wait_for(complete=1)
    _read_only(postgres, "on")
    try:
        run.wait_for("the database is read-only; waiting for it")
    finally:
        _read_only(postgres, "off")
    assert run.end() == 0, run.output()
    assert run.states().count("COMPLETE") == 6

    run = Run(tmp_path, database=postgres, study=STUDY.replace("outside", "again"))
    run.wait_for("running")
    _read_only(postgres, "on")
    try:
        run.wait_for("the database is read-only; waiting for it")
        run.process.send_signal(signal.SIGINT)
        run.wait_for("stopping; what was recorded is kept")
        run.process.send_signal(signal.SIGINT)
        code = run.end()
        assert "no answer for" not in run.output()  # it did not wait until its patience ended
        assert "read-only for" not in run.output()
    finally:
        _read_only(postgres, "off")
    assert code == 130, run.output()
    assert "Traceback" not in run.output()
