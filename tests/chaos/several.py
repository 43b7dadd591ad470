"""Several drivers of one study that are killed and stopped at random times, from a seed."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests import warm
from tests.real_studies import dgsearch_command

__all__ = ["Crowd"]

_ROOT = Path(__file__).parents[2]
_SHIFT_S = 300.0  # by how much one driver's clock is wrong
_ROUND_S = 420.0

# Python reads this first: the clock of the whole process is wrong, as its machine's would be.
_WRONG_CLOCK = """
import os, time

_shift, _time = float(os.environ.get("WRONG_CLOCK_S", "0")), time.time
time.time = lambda: _time() + _shift
"""


class Crowd:
    """Drivers of one study, as many as were asked for, whatever happens to one of them."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        database: str,
        seed: int,
        lease_s: float,
    ) -> None:
        """Drive the study file in a folder.

        Args:
            folder: Holds `study.toml` and the artifacts.
            environment: Of `with_sleeper`; its first path gets the wrong clock.
            database: What the drivers share.
            seed: Decides who is stopped or killed, and when.
            lease_s: Silence after which a driver is dead; one that is stopped sleeps for twice
                as long, so that the others take its trials.
        """
        self._lease_s = lease_s
        self._folder = folder
        self._database = database
        self._held = folder / "held"
        self._lives: Counter[int] = Counter()
        self._random = random.Random(seed)
        self._shift = self._random.choice((-_SHIFT_S, _SHIFT_S))
        self._environment = dict(environment)
        path = Path(self._environment["PYTHONPATH"].partition(":")[0])
        self._clock = path / "sitecustomize.py"
        self._clock.write_text(_WRONG_CLOCK, encoding="utf-8")
        self._drivers: list[subprocess.Popen[bytes]] = []
        self._stopped: dict[int, float] = {}  # place of a stopped driver: until when
        self.done: Counter[str] = Counter()

    def disturb(self, drivers: int, *, events: int) -> None:
        """Let so many drivers work, of which the last has a wrong clock, and disturb them.

        Every other event stops a driver, and the rest kill one; a killed one is started again.
        Until the last event some trials are held, so that the study cannot end before, however
        fast the machine is. At the end all are left alone and must end by themselves, without an
        error.
        """
        try:
            self._held.touch()
            for place in range(drivers):
                self._drivers.append(self._start(place, drivers))
            for event in range(events):
                self._wait_until_one_trains()
                self._pause(self._random.uniform(1.0, 5.0))
                self._stop_one() if event % 2 == 0 else self._kill_one(drivers)
            self._held.unlink()
            self._pause(max([0.0, *self._stopped.values()]) - time.monotonic())
            self._end_well()
        finally:
            for place, driver in enumerate(self._drivers):
                driver.kill()
                driver.wait()
                self._log(place).rename(self._log(place).with_suffix(".txt"))

    def _start(self, place: int, drivers: int) -> subprocess.Popen[bytes]:
        self._lives[place] += 1
        command = dgsearch_command(self._folder, database=self._database)
        environment = {**self._environment, "DGSEARCH_LEASE_S": str(self._lease_s)}
        environment["SLEEPER_HELD_BY"] = str(self._held)
        environment["SLEEPER_TRAINS"] = str(self._trains(place))
        if place == drivers - 1:
            environment["WRONG_CLOCK_S"] = str(self._shift)
            # A fork does not read it, but the processes that it starts do.
            command[2:2] = ["tests.chaos.wrong_clock", str(self._clock)]
        with self._log(place).open("ab") as log:
            return warm.Popen(
                command,
                cwd=_ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _log(self, place: int) -> Path:
        return self._folder / f"driver{place}.log"

    def _trains(self, place: int) -> Path:
        """A trial of this driver writes it in each epoch; a driver begun again has a new one."""
        return self._folder / f"driver{place}.trains{self._lives[place]}"

    def _wait_until_one_trains(self) -> None:
        """Until an event has a driver that it can befall."""
        deadline = time.monotonic() + _ROUND_S
        while not self._awake():
            assert time.monotonic() < deadline, "no driver began a trial"
            self._pause(0.2)

    def _awake(self) -> list[int]:
        """The drivers that live, are not stopped and have begun a trial."""
        return [
            place
            for place in self._places()
            if place not in self._stopped and self._trains(place).exists()
        ]

    def _places(self) -> list[int]:
        """Of the drivers that live."""
        return [place for place, driver in enumerate(self._drivers) if driver.poll() is None]

    def _pause(self, seconds: float) -> None:
        """Wait, and wake whoever has slept long enough."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(0.1)
            for place, until in tuple(self._stopped.items()):
                if time.monotonic() >= until:
                    self._drivers[place].send_signal(signal.SIGCONT)
                    del self._stopped[place]

    def _stop_one(self) -> None:
        place = self._random.choice(self._awake())
        self._drivers[place].send_signal(signal.SIGSTOP)
        self._stopped[place] = time.monotonic() + 2 * self._lease_s
        self.done["stopped"] += 1

    def _kill_one(self, drivers: int) -> None:
        place = self._random.choice(self._places())
        self._drivers[place].kill()
        self._drivers[place].wait()
        self._stopped.pop(place, None)
        self._drivers[place] = self._start(place, drivers)
        self.done["killed"] += 1

    def _end_well(self) -> None:
        for place, driver in enumerate(self._drivers):
            code = driver.wait(timeout=_ROUND_S)
            assert code == 0, self._log(place).read_text(encoding="utf-8")
