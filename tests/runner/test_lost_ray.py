"""A Ray whose servers die, seen from the driver; no Ray is started here."""

from __future__ import annotations

import contextvars
import json
import os
import signal
import socket
import threading
from types import SimpleNamespace

import pytest
import ray

from dgsearch.errors import DgsearchError
from dgsearch.replies import answer_in_json, choose_json
from dgsearch.runner import cluster, lost_ray
from dgsearch.runner.interrupts import Interrupts
from dgsearch.runner.lost_ray import RayKeeper


class _Driver:
    """Counts what is asked of it."""

    def __init__(self) -> None:
        self.interrupted = 0

    def interrupt_own(self) -> int:
        self.interrupted += 1
        return 1


class _Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def _keeper(driver: _Driver, clock: _Clock) -> RayKeeper:
    return RayKeeper("s", driver, Interrupts(), address=None, clock=clock)  # type: ignore[arg-type]


def _die(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_ray, "dead_server", lambda: "Ray's raylet ended (exit code -9)")
    monkeypatch.setattr(ray, "shutdown", lambda: None)


def test_a_ray_that_lives_is_left_alone(clock: _Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_ray, "dead_server", lambda: "")
    keeper = _keeper(_Driver(), clock)
    clock.now = 10.0
    keeper.check()
    assert not keeper.replaced()  # the interrupt was the user's


def test_a_ray_that_died_is_replaced_three_times(
    clock: _Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _die(monkeypatch)
    driver = _Driver()
    keeper = _keeper(driver, clock)
    keeper.check()  # it is not looked at more often than every other second
    for count in (1, 2, 3):
        clock.now += 3.0
        with pytest.raises(KeyboardInterrupt):
            keeper.check()
        assert keeper.replaced()
        assert not keeper.replaced()
        assert driver.interrupted == count
    assert "s: Ray's raylet ended (exit code -9); Ray is started again" in caplog.messages[0]
    clock.now += 3.0
    with pytest.raises(KeyboardInterrupt):
        keeper.check()
    with pytest.raises(DgsearchError, match=r"exit code -9\), 4 times in this run"):
        keeper.replaced()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("Token authentication is enabled but no authentication token was found", ""),
        ("Failed to connect", "W gcs_client.cc: Unauthenticated: RPC error: InvalidAuthToken"),
    ],
)
def test_a_missing_token_is_told_with_its_remedy(error: str, said: str) -> None:
    message = cluster._not_joined("a:1", ConnectionError(error), said)
    assert message.startswith("--address a:1: the cluster asks for a token")
    assert "~/.ray/auth_token" in message


def test_another_reason_is_told_as_it_is() -> None:
    message = cluster._not_joined("a:1", ConnectionError("Failed to\n connect"), "W refused")
    assert (
        message
        == "--address a:1: Failed to connect; see whether `ray status --address a:1` reaches it"
    )


def test_what_is_written_past_python_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with cluster._standard_error_kept() as said:
        os.write(2, b"from a library\n")
        assert said() == "from a library\n"
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_a_raylet_that_is_late_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray._private import services

    waits: list[float] = []
    answers = iter([RuntimeError("no such node"), RuntimeError("no such node"), {"node": 1}])

    def look(*_: object) -> object:
        answer = next(answers)
        if isinstance(answer, RuntimeError):
            raise answer
        return answer

    monkeypatch.setattr(services, "get_node", look)
    monkeypatch.setattr(cluster.time, "sleep", waits.append)
    asked: list[int] = []
    with cluster._waited_for(60.0, lambda: asked.append(1)):
        assert services.get_node("address", "id") == {"node": 1}
    assert services.get_node is look
    assert len(waits) == len(asked) == 2


def test_signals_are_taken_back_from_whoever_took_them() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as Ray does when it starts
        interrupts.take()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            interrupts.stop_if_asked()
        assert not interrupts.urgent
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert interrupts.urgent
    assert signal.getsignal(signal.SIGTERM) == before


class _EndedError(Exception):
    """Instead of the end of the process."""


@pytest.mark.parametrize("as_json", [False, True])
def test_a_process_that_ends_at_once_answers_first(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def exit_at_once(code: int) -> None:
        raise _EndedError(code)

    def end() -> None:
        with pytest.raises(_EndedError, match="2"):
            lost_ray.end_process("s: Ray does not answer any more")

    def command(**_: object) -> int:
        choose_json("run", as_json)
        context = contextvars.copy_context()  # as the thread that watches has it
        watch = threading.Thread(target=context.run, args=(end,))
        watch.start()
        watch.join()
        return 2

    monkeypatch.setattr(lost_ray.os, "_exit", exit_at_once)
    assert answer_in_json(command) == 2
    shown = capsys.readouterr()
    if not as_json:
        assert shown.out == ""
        assert shown.err == "dgsearch: s: Ray does not answer any more\n"
        return
    (line,) = shown.out.splitlines()
    answer = json.loads(line)
    assert (answer["command"], answer["exit_code"]) == ("run", 2)
    assert answer["error"] == {
        "kind": "DgsearchError",
        "message": "s: Ray does not answer any more",
    }


def test_the_head_of_a_joined_cluster_is_asked_by_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ray._private import worker

    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        node = SimpleNamespace(gcs_address=f"{host}:{port}")
        monkeypatch.setattr(worker, "_global_node", node)
        assert cluster.head_answers()
    assert not cluster.head_answers()
    monkeypatch.setattr(worker, "_global_node", None)  # joined nothing yet
    assert cluster.head_answers()


def test_a_run_whose_joined_head_stays_away_ends_before_ray_aborts_it(
    clock: _Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [True, False, True, *[False] * 30]  # away for a moment first
    ends: list[tuple[float, str]] = []

    def end(message: str) -> None:
        ends.append((clock.now, message))
        raise _EndedError

    class Stopped:
        def wait(self, seconds: float) -> bool:
            clock.now += seconds
            return False

    monkeypatch.setattr(lost_ray, "head_answers", lambda: answers.pop(0))
    monkeypatch.setattr(lost_ray, "end_process", end)
    monkeypatch.setattr(lost_ray, "sign_out_briefly", lambda _: None)
    monkeypatch.setattr(lost_ray, "dead_server", lambda: "")
    keeper = RayKeeper(
        "s",
        _Driver(),  # type: ignore[arg-type]
        Interrupts(),
        address="a:1",
        clock=clock,
    )
    with pytest.raises(_EndedError):
        keeper._watch(Stopped())  # type: ignore[arg-type]
    ((second, message),) = ends
    assert second == 28.0  # it answered last at second 6, and 20 s are allowed
    assert message.startswith("s: the head of the Ray cluster does not answer any more")
