"""A study in MySQL is read by a role that may only read; MariaDB stands for MySQL."""

from __future__ import annotations

import getpass
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from optuna.storages import RDBStorage
from sqlalchemy.exc import OperationalError

from dgsearch.database.declared import read_declared
from dgsearch.database.queries import read_curves, read_studies, read_trials
from dgsearch.report import write_report

pytestmark = pytest.mark.mysql
_STARTS_IN_S = 60


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URL of a MariaDB server of its own, for the user who may do everything."""
    pytest.importorskip("pymysql", reason="PyMySQL is not installed")
    installer, daemon = shutil.which("mariadb-install-db"), shutil.which("mariadbd")
    if installer is None or daemon is None or shutil.which("my_print_defaults") is None:
        pytest.skip("MariaDB is not installed: its server, and its client, whose part is asked")
    with tempfile.TemporaryDirectory() as folder:  # a socket's path may have 107 characters
        options = ["--no-defaults", f"--datadir={folder}/data", f"--user={getpass.getuser()}"]
        normal = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run([installer, *options, *normal], check=True, capture_output=True)
        running = subprocess.Popen(
            [daemon, *options, f"--socket={folder}/s", "--skip-networking"],
            stderr=subprocess.DEVNULL,
        )
        url = f"mysql+pymysql://root@localhost/?unix_socket={folder}/s"
        try:
            _wait_for(Path(folder, "s"))
            yield url
        finally:
            running.terminate()
            running.wait()


def _wait_for(socket: Path) -> None:
    """The server makes its socket when it can be asked."""
    until = time.monotonic() + _STARTS_IN_S
    while not socket.exists():
        assert time.monotonic() < until, "MariaDB did not start"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def written(server: str) -> Iterator[tuple[optuna.Study, str]]:
    """A study, and the URL by which a role reads it that may do nothing else."""
    url = sqlalchemy.make_url(server)
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in (
            "CREATE DATABASE studies CHARACTER SET utf8mb4",
            "CREATE USER reader@localhost IDENTIFIED BY 's3cret'",
            "GRANT SELECT ON studies.* TO reader@localhost",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    url = url.set(database="studies")
    storage = RDBStorage(url.render_as_string(hide_password=False))
    study = optuna.create_study(storage=storage, study_name="λ", direction="maximize")
    study.optimize(_objective, n_trials=6, catch=ValueError)
    study.ask()
    reader = url.set(username="reader", password="s3cret")
    yield study, reader.render_as_string(hide_password=False)
    storage.engine.dispose()


def _objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 0.1, 1, log=True)
    trial.suggest_categorical("c", ["a", None, 1])
    for step, value in enumerate((x, float("inf"), float("nan"))):
        trial.report(value, step)
    trial.set_user_attr("note", {"λ": x})
    if trial.number == 2:
        raise ValueError("broken")
    return float("inf") if trial.number == 4 else x


def test_a_role_that_may_only_read_reads_a_study(written: tuple[optuna.Study, str]) -> None:
    study, reader = written
    engine = sqlalchemy.create_engine(reader)
    with engine.connect() as connection, pytest.raises(OperationalError, match="denied"):
        connection.exec_driver_sql("DELETE FROM trials")
    engine.dispose()
    frame, theirs = read_trials(reader), study.get_trials()
    assert frame["state"].tolist() == [trial.state.name for trial in theirs]
    assert frame["value"].tolist()[4] == float("inf")
    assert frame["x"].tolist()[:6] == [trial.params["x"] for trial in theirs[:6]]
    assert frame["c"].tolist()[:6] == [trial.params["c"] for trial in theirs[:6]]
    assert frame["attribute/note"].tolist()[0] == {"λ": theirs[0].params["x"]}
    started = [trial.datetime_start.astimezone() for trial in theirs if trial.datetime_start]
    assert frame["started_at"].tolist() == started
    assert len(read_curves(reader)) == 18
    assert read_studies(reader)["direction"].tolist() == ["MAXIMIZE"]
    assert read_declared(reader, "λ").distributions["x"].log
    assert sum(map(len, read_trials(reader, chunksize=2))) == 7


def test_a_study_in_mysql_has_a_page(written: tuple[optuna.Study, str], tmp_path: Path) -> None:
    assert write_report(written[1], ["λ"], tmp_path / "page.html").stat().st_size
