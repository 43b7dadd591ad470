from __future__ import annotations

import io

from rich.console import Console

from dgsearch.database.new_trials import Started
from dgsearch.database.recorder import Ending
from dgsearch.runner.progress import Progress
from dgsearch.runner.queue import Begun
from dgsearch.trainable.reports import EpochReport
from tests.fakes import planned

REPORT = EpochReport("mpbm", 2, 8, True, 0.5, (), 1.0)


def _progress(*, terminal: bool = False) -> tuple[Progress, io.StringIO]:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=terminal, width=200, highlight=False)
    return Progress("demo", total=4, done=1, console=console), shown


def _begun(number: int) -> Begun:
    return Begun(planned(), Started(number + 1, number))


def test_the_line_counts_what_happened() -> None:
    progress, _ = _progress()
    progress.advanced(2, REPORT)
    progress.ended(_begun(0), Ending("COMPLETE", "finished", value=0.75))
    progress.ended(_begun(1), Ending("PRUNED", "halved"))
    line = progress.line()
    assert line.startswith("demo: 3/4 trials done · 1 running (mpbm 2/8) · 1 pruned")
    assert "best so far 0.750 (trial 0)" in line
    assert "left" in line


def test_a_failure_is_told_at_once_on_one_line() -> None:
    progress, shown = _progress()
    with progress:
        text = "loss = nan: [bold]training diverged\nTraceback\n  line"
        progress.ended(_begun(5), Ending("FAIL", "failed", error_type="TrainingError", error=text))
    told = shown.getvalue().splitlines()[1]
    assert told == "trial 5 failed: TrainingError: loss = nan: [bold]training diverged"


def test_of_an_endless_error_only_the_beginning_is_told() -> None:
    progress, shown = _progress()
    with progress:
        ending = Ending("FAIL", "failed", error_type="ValueError", error="x" * 5_000_000)
        progress.ended(_begun(5), ending)
    told = shown.getvalue().replace("\n", "")  # which this console wraps
    assert f"trial 5 failed: ValueError: {'x' * 400}… (5000000 characters)" in told


def test_elsewhere_than_on_a_terminal_there_are_plain_lines() -> None:
    progress, shown = _progress()
    with progress:
        progress.tick()
    assert shown.getvalue() == "demo: 1/4 trials done · starting\n" * 2


def test_a_terminal_gets_a_live_line_that_ends_as_a_plain_one() -> None:
    progress, shown = _progress(terminal=True)
    with progress:
        progress.begun(2)
        progress.ended(_begun(2), Ending("PRUNED", "halved"))
    assert "demo: 2/4 trials done · 1 pruned" in shown.getvalue().splitlines()[-1]


def test_a_trial_counts_as_running_as_soon_as_it_has_a_worker() -> None:
    progress, _ = _progress()
    progress.begun(2)
    assert progress.line() == "demo: 1/4 trials done · 1 running"


def test_the_best_trial_of_an_earlier_run_is_remembered() -> None:
    progress = Progress("demo", total=4, done=1, best=(0.9, 7))
    progress.ended(_begun(8), Ending("COMPLETE", "finished", value=0.75))
    assert "best so far 0.900 (trial 7)" in progress.line()
