"""What a person sees while a study runs: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter

from rich.console import Console
from rich.live import Live
from rich.text import Text

from dgsearch import inert
from dgsearch.database.recorder import Ending
from dgsearch.endings import StopReason
from dgsearch.errors import shorten
from dgsearch.runner.queue import Begun
from dgsearch.trainable.reports import EpochReport
from dgsearch.wording import short_duration

_PLAIN_EVERY_S = 15.0
_ERROR_CHARACTERS = 400  # of a failure; the database has all of it


class Progress:
    """Counts of a study's trials, the best value so far and the time left.

    Use it as a context manager around the run.
    """

    def __init__(
        self,
        study: str,
        *,
        total: int,
        done: int,
        best: tuple[float, int] | None = None,
        maximise: bool | None = True,
        console: Console | None = None,
    ) -> None:
        """Show the progress of a study.

        Args:
            study: Its name.
            total: Trials that it will have.
            done: Trials that had ended before.
            best: Best value of these, and the number of its trial.
            maximise: Whether a higher value is better; None: none can be called so as they come.
            console: Where to; None: the standard output.
        """
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._study = study
        self._total = total
        self._done_before = done
        self._ended: Counter[str] = Counter()
        self._running: dict[int, EpochReport | None] = {}
        self._best = None if maximise is None else best
        self._maximise = maximise
        self._started_at = time.monotonic()
        self._printed_at = self._started_at
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        """Begin to show."""
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
            self.tick()
        else:
            self._show(self.line())
        return self

    def __exit__(self, *exc: object) -> None:
        """Leave the last state on the screen."""
        if self._live is not None:
            self._live.stop()
        self._show(self.line())

    def begun(self, number: int) -> None:
        """A trial was handed to a worker."""
        self._running[number] = None

    def advanced(self, number: int, report: EpochReport) -> None:
        """A trial reported."""
        self._running[number] = report

    def ended(self, begun: Begun, ending: Ending) -> None:
        """A trial ended."""
        number = begun.started.number
        self._running.pop(number, None)
        if ending.stop_reason == StopReason.INTERRUPTED:
            self._show(f"trial {number} was lost: {ending.error_type}; it is tried again")
            return
        self._ended[ending.state] += 1
        if ending.value is not None and self._is_best(ending.value):
            self._best = (ending.value, number)
        if ending.state == "FAIL":
            first_line = "".join((ending.error or "").splitlines()[:1])
            told = shorten(first_line, characters=_ERROR_CHARACTERS)
            self._show(f"trial {number} failed: {ending.error_type}: {told}")

    def _is_best(self, value: float) -> bool:
        if self._maximise is None:
            return False
        if self._best is None:
            return True
        return value > self._best[0] if self._maximise else value < self._best[0]

    def expect(self, total: int) -> None:
        """So many trials will be run, besides those that had ended before."""
        self._total = self._done_before + total

    def tick(self) -> None:
        """Show the present state, if it is time."""
        if self._live is not None:
            self._live.update(Text(inert.line(self.line()), overflow="ellipsis", no_wrap=True))
        elif time.monotonic() - self._printed_at > _PLAIN_EVERY_S:
            self._printed_at = time.monotonic()
            self._show(self.line())

    def line(self) -> str:
        """The present state on one line."""
        done = self._done_before + sum(self._ended.values())
        parts = [f"{self._study}: {done}/{self._total} trials done"]
        if self._running:
            stages = self._stages()
            parts.append(f"{len(self._running)} running" + (f" ({stages})" if stages else ""))
        elif not self._ended and self._done_before < self._total:
            parts.append("starting")
        if self._ended["PRUNED"]:
            parts.append(f"{self._ended['PRUNED']} pruned")
        if self._ended["FAIL"]:
            parts.append(f"{self._ended['FAIL']} failed")
        if self._best is not None:
            parts.append(f"best so far {self._best[0]:.3f} (trial {self._best[1]})")
        left = self._seconds_left()
        if left is not None:
            parts.append(f"about {short_duration(left)} left")
        return " · ".join(parts)

    def _show(self, text: str) -> None:
        """Print a line that holds names and errors of others."""
        self._console.print(inert.line(text), markup=False)

    def _stages(self) -> str:
        reports = [report for _, report in sorted(self._running.items()) if report is not None]
        return ", ".join(f"{r.stage} {r.stage_epoch}/{r.stage_epochs}" for r in reports[:4])

    def _seconds_left(self) -> float | None:
        ended = sum(self._ended.values())
        left = self._total - self._done_before - ended
        if ended == 0 or left <= 0:
            return None
        return (time.monotonic() - self._started_at) / ended * left
