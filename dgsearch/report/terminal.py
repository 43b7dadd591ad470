"""What `dgsearch status` prints: studies with their counts, the best trial, age and progress."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from dgsearch.inert import line
from dgsearch.report.status import Standing, standings
from dgsearch.wording import short_duration

__all__ = ["age_text", "best_text", "done_text", "status_table"]


def status_table(database: str | os.PathLike[str] | None, study: str | None) -> Table:
    """The studies of a database as a table for the terminal.

    Args:
        database: URL or path; None: the default database.
        study: Only this one; None: all.

    Raises:
        DatabaseError: If the database cannot be read or has no such study.
    """
    table = Table(
        title="best: best value of a finished trial on the validation images that select; of "
        "studies that dgsearch did not write, the best value"
    )
    for heading in _HEADINGS:
        right = heading in ("done", "running", "pruned", "failed", "saved")
        table.add_column(
            heading,
            justify="right" if right else "left",
            no_wrap=heading == "study",
            overflow="fold",
        )
    mixed: list[str] = []
    for each in standings(database, study):
        table.add_row(*(Text(line(cell)) for cell in _cells(each)))
        if each.differing:
            shown = ", ".join(each.differing)
            mixed.append(f"{each.study}: trials differ in {shown}; see its page")
    table.caption = Text(line("; ".join(mixed))) if mixed else None
    return table


_HEADINGS = (
    "study",
    "method",
    "done",
    "running",
    "pruned",
    "failed",
    "best",
    "saved",
    "last activity",
    "time left",
)


def _cells(each: Standing) -> list[str]:
    return [
        each.study,
        each.method or "–",
        done_text(each.complete, each.planned, each.superseded),
        str(each.running),
        str(each.pruned),
        str(each.failed),
        best_text(each),
        short_duration(each.saved_s) if each.saved_s else "–",
        age_text(each.last_activity),
        _time_left(each),
    ]


def done_text(complete: int, planned: int, aside: int) -> str:
    """Finished and planned trials; there are more of the former where the plan became smaller."""
    shown = f"{complete}/{planned}" if complete <= planned else f"{complete} ({planned} planned)"
    return f"{shown} (+{aside} of an earlier version)" if aside else shown


def best_text(each: Standing) -> str:
    """The best value and whose it is."""
    if each.best is None:
        return "–"
    number = each.best
    plain = f"{number:.3f}" if 1e-2 <= abs(number) < 1e6 or number == 0 else f"{number:.4g}"
    side = "highest" if each.higher_is_better else "lowest"
    return f"{plain} (trial {each.best_trial}, {side})"


def _time_left(each: Standing) -> str:
    """From the mean time of the trials so far, while some are running."""
    if each.left > 0 and not each.running:
        return "run it again"
    return "–" if each.left_s is None else f"about {short_duration(each.left_s)}"


def age_text(moment: datetime | None) -> str:
    """How long ago, in the largest unit that fits."""
    if moment is None:
        return "–"
    seconds = (datetime.now(UTC) - moment).total_seconds()
    return f"{short_duration(max(seconds, 0), units=1)} ago"
