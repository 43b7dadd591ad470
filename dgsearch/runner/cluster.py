"""Ray for the time of a study: started here or joined, watched while it runs, ended with it.

Ray gives its own processes 30 s to start and then fails; on a busy machine they need longer. One
of them that dies later is noticed here, as Ray itself would wait for it.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dgsearch.environment import seconds
from dgsearch.errors import DgsearchError
from dgsearch.processes import available_cores
from dgsearch.runner.bare_ray import bare_ray
from dgsearch.runner.guard import guarded
from dgsearch.runner.replacing import replaced
from dgsearch.runner.sessions import mark_session, sweep_sessions

logger = logging.getLogger(__name__)

_OBJECT_STORE_BYTES = 200 * 10**6  # trials exchange nothing but their reports

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to anybody
    "RAY_AIR_NEW_OUTPUT": "0",  # `Progress` shows the study; the reporter of Tune is silenced
    "RAY_DEDUP_LOGS": "0",  # no output of workers is shown, so none is compared
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",  # no part of Ray Train is used
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths of the study file hold in workers too
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a trial on the CPU still sees what GPUs there are
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the database is the log; no CSV and JSON a trial
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # epochs of earlier stages report no value
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # `run_study` stops at Ctrl-C itself
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",  # Ray's own snapshots are not needed
    "TUNE_WARN_THRESHOLD_S": "10",  # the database may wait for its lock for some seconds
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # `Progress` shows each error, on one line
    "RAY_ROTATION_MAX_BYTES": str(10 * 2**20),  # of what each worker prints, twice
    "RAY_ROTATION_BACKUP_COUNT": "1",  # logs of a long study would fill the disk
    "TUNE_MAX_PENDING_TRIALS_PG": "100000",  # how many wait is `QueueSearcher`'s to say
}

# What Ray logs as errors, such as the log of a raylet that died, is told by exceptions or here.
_SILENT: dict[str, Any] = {"logging_level": logging.CRITICAL, "log_to_driver": False}

# Evaluated by Ray when it is imported: with it Ray listens on the loopback address alone.
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}

_TOLD_S = 30.0  # after so long it is said that Ray is waited for
_POLL_S = 0.2
_SERVERS = ("raylet", "gcs_server")  # without one of these no trial is started any more
_AUTHENTICATION = ("authenticat", "authtoken", "unauthorized")
_STANDARD_ERROR = 2
_READ_BYTES = 2**20
_ANSWER_S = 5.0
_LEAST_BYTES = 20 * 10**6  # of temporary files: logs and sockets of a session


@contextmanager
def ray_cluster(
    address: str | None, *, on_wait: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Ray for the time of a study: joined at `address`, or started on this machine's loopback.

    Args:
        address: Of a cluster; None: start one.
        on_wait: Called again and again while Ray starts.

    Raises:
        DgsearchError: If the cluster cannot be reached, or does not start.
    """
    settings = _QUIET if address else _QUIET | _LOOPBACK
    os.environ.update({key: os.environ.get(key, value) for key, value in settings.items()})
    import ray

    if ray.is_initialized():
        yield
        return
    with ExitStack() as stack:
        stack.callback(ray.shutdown)
        stack.enter_context(_unprinted())
        try:
            if address is None:
                stack.enter_context(guarded(_started(on_wait)))
            else:
                _join(address)
        except SystemExit:  # Ray answers a SIGTERM so while it starts
            raise KeyboardInterrupt from None
        except DgsearchError:
            raise
        except Exception as error:
            raise DgsearchError(_not_started(error)) from error
        yield


@contextmanager
def _unprinted() -> Iterator[None]:
    """Keep Ray from printing the log of a server that died among our own lines (2.60).

    Its thread that listens for such lines would do nothing else; while the head of a cluster is
    away it takes a whole processor.
    """
    from ray._private import worker

    with (
        replaced(worker, "print_to_stdstream", lambda *_, **__: None),
        replaced(worker, "listen_error_messages", lambda *_, **__: None),
    ):
        yield


def _join(address: str) -> None:
    """Join a cluster.

    Raises:
        DgsearchError: If it cannot be reached, or does not let this process in.
    """
    import ray

    with _standard_error_kept() as said:
        try:
            ray.init(address=address, **_SILENT)
        except Exception as error:
            raise DgsearchError(_not_joined(address, error, said())) from error


@contextmanager
def _standard_error_kept() -> Iterator[Callable[[], str]]:
    """Hold back what is written to standard error, by Ray's own code past Python too.

    Yields:
        Gives what was written so far.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        before = os.dup(_STANDARD_ERROR)
        os.dup2(kept.fileno(), _STANDARD_ERROR)
        try:
            yield lambda: os.pread(kept.fileno(), _READ_BYTES, 0).decode(errors="replace")
        finally:
            os.dup2(before, _STANDARD_ERROR)
            os.close(before)


def _started(on_wait: Callable[[], None]) -> Path:
    """Start Ray on this machine; gives the folder of its session."""
    import ray

    check_room()
    patience = seconds("DGSEARCH_RAY_START_S")
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", str(int(patience)))
    # A worker that has not come forward by then is killed and begun anew; by default after 60 s.
    os.environ.setdefault("RAY_worker_register_timeout_seconds", str(int(patience)))
    with _waited_for(patience, on_wait), bare_ray():
        started: Any = ray.init(
            address="local",  # never another's cluster that happens to run here
            num_cpus=available_cores(),
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            **_SILENT,
        )
    session = Path(started.address_info["session_dir"])
    mark_session(session)
    sweep_sessions(session.parent)
    return session


def check_room() -> None:
    """Refuse a folder of temporary files without room: Ray waits there for files to appear.

    Raises:
        DgsearchError: If there is none.
    """
    folder = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or tempfile.gettempdir()
    try:
        free = shutil.disk_usage(folder).free
    except OSError:  # Ray makes it
        return
    if free < _LEAST_BYTES:
        raise DgsearchError(
            f"this machine: the folder of temporary files {folder} has {free / 1e6:.0f} MB of "
            f"room, and Ray needs {_LEAST_BYTES / 1e6:.0f}; make room there or set TMPDIR to "
            "another folder, then run the same command again"
        )


@contextmanager
def _waited_for(patience_s: float, on_wait: Callable[[], None]) -> Iterator[None]:
    """Let Ray wait for its raylet for longer than the 30 s that are written in its code (2.60).

    It looks for its node again and again; here a look lasts until there is something to see.
    """
    from ray._private import services

    look: Callable[..., Any] = services.get_node
    began = time.monotonic()

    def patiently(*arguments: Any) -> Any:
        told = False
        while True:
            try:
                return look(*arguments)
            except RuntimeError:  # there is no such node yet
                waited = time.monotonic() - began
                if waited > patience_s:
                    raise
                if waited > _TOLD_S and not told:
                    logger.warning("Ray has not started after %.0f s; waiting for it", waited)
                    told = True
            on_wait()
            time.sleep(_POLL_S)

    services.get_node = patiently
    try:
        yield
    finally:
        services.get_node = look


def _not_started(error: Exception) -> str:
    """What to say of a Ray that did not start on this machine."""
    return (
        f"this machine: Ray could not be started: {_reason(error)}; it was given "
        "$DGSEARCH_RAY_START_S (120) seconds. See whether the machine is overloaded, short of "
        "memory or of room in /tmp, then run the same command again"
    )


def _not_joined(address: str, error: Exception, said: str) -> str:
    """What to say of a cluster that cannot be joined.

    Args:
        address: Its address.
        error: As Ray raised it.
        said: What Ray wrote to standard error.
    """
    reason = _reason(error)
    if any(sign in f"{reason} {said}".lower() for sign in _AUTHENTICATION):
        return (
            f"--address {address}: the cluster asks for a token, and this process has none or "
            "another one. Write the cluster's token into ~/.ray/auth_token (or name its file in "
            "RAY_AUTH_TOKEN_PATH, or set RAY_AUTH_TOKEN), set RAY_AUTH_MODE=token, then run the "
            "same command again"
        )
    return (
        f"--address {address}: {reason}; see whether `ray status --address {address}` reaches it"
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def dead_server() -> str:
    """Which of the processes without which Ray starts nothing has died; empty if none has."""
    from ray._private import worker

    node: Any = worker._global_node
    if node is None:
        return ""
    if not node.all_processes:  # of a cluster that was joined
        return _dead_node()
    for kind, process in node.dead_processes():
        if kind in _SERVERS:
            return f"Ray's {kind} ended (exit code {process.poll()})"
    return ""


def head_answers() -> bool:
    """Whether the head of the cluster that this process has joined takes connections.

    Asked of the network and not of Ray, whose calls wait for a head that is away.
    """
    from ray._private import worker

    node: Any = worker._global_node
    if node is None:
        return True
    host, _, port = str(node.gcs_address).rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
    except OSError:
        return False
    return True


def _dead_node() -> str:
    """Whether the node of a cluster through which this process joined it has died."""
    import ray

    mine = ray.get_runtime_context().get_node_id()
    if any(node["NodeID"] == mine and not node["Alive"] for node in ray.nodes()):
        return "the node of the Ray cluster that this run is connected to died"
    return ""
