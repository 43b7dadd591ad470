"""Running a study while its processes are killed at random times, from a seed."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests import warm
from tests.polling import trial_states
from tests.real_studies import dgsearch_command

__all__ = ["Killer", "run_to_the_end"]

_START_S = 300.0


def run_to_the_end(
    folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run what is left of the study, without interference."""
    return warm.run(
        dgsearch_command(folder), capture_output=True, text=True, timeout=600, env=environment
    )


class Killer:
    """Starts the study again and again, and kills its driver or one of its workers."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, seed: int) -> None:
        """Work on the study file in `folder`; times and victims follow from `seed`.

        The environment must hold some trials, so that the study cannot end before the last kill.
        """
        self._folder = folder
        self._environment = environment
        self._random = random.Random(seed)
        self._driver: subprocess.Popen[str] | None = None
        self.killed: Counter[str] = Counter()

    def kill(self, times: int) -> None:
        """Kill so often, a worker as often as the driver; at the end the driver is killed too."""
        victims = ["worker", "driver"] * (times // 2)
        self._random.shuffle(victims)
        try:
            for victim in victims:
                self._kill_one(victim)
                self.killed[victim] += 1
        finally:
            self._end_driver()

    def _kill_one(self, victim: str) -> None:
        if self._driver is None or self._driver.poll() is not None:
            self._driver = warm.Popen(
                dgsearch_command(self._folder),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
                env=self._environment,
            )
        self._wait_for_workers()
        time.sleep(self._random.uniform(0.2, 2.5))
        if victim == "driver":
            self._end_driver()
        else:
            self._random.choice(self._wait_for_workers()).send_signal(signal.SIGKILL)

    def _end_driver(self) -> None:
        """Kill the driver as the kernel would; what trains must end with it.

        Ray's own agents notice it too, but may need a minute or two to leave.
        """
        if self._driver is None or self._driver.poll() is not None:
            return
        workers = self._workers()
        self._driver.kill()
        self._driver.wait()
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert alive == [], f"workers without a driver: {alive}"

    def _workers(self) -> list[psutil.Process]:
        """The processes that train."""
        assert self._driver is not None
        try:
            children = psutil.Process(self._driver.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [child for child in children if _trains(child)]

    def _wait_for_workers(self) -> list[psutil.Process]:
        """The processes that train, once a trial is being trained."""
        assert self._driver is not None
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            assert self._driver.poll() is None, "the driver ended although trials are held"
            if self._anything_running() and (workers := self._workers()):
                return workers
            time.sleep(0.3)
        raise AssertionError("the driver started no trial")

    def _anything_running(self) -> bool:
        return "RUNNING" in trial_states(self._folder / "study.db")


def _trains(process: psutil.Process) -> bool:
    try:
        name = " ".join(process.cmdline())
        return name.startswith("ray::") and ("TrialActor" in name or "Trainable" in name)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
