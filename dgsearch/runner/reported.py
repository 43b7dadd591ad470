"""What a trial reports, as the database keeps it: its columns, and how it ended."""

from __future__ import annotations

import json
import math
from typing import Any

from dgsearch.database.halving_records import Cut
from dgsearch.database.recorder import Ending
from dgsearch.endings import StopReason
from dgsearch.trainable.reports import EpochReport


def end_of(values: list[float], cut: Cut | None, selection: str, *, maximise: bool) -> Ending:
    """How a trial ended that did not fail.

    Args:
        values: Of every epoch of its last stage.
        cut: Where halving stopped it; None: it was not stopped.
        selection: Which epoch counts: "last", or anything else for the best.
        maximise: Whether a higher value is better.
    """
    if cut is not None:
        return Ending(
            "PRUNED",
            StopReason.HALVED,
            rung=cut.rung,
            cutoff=cut.cutoff,
            selected_epoch=len(values),
        )
    epoch = selected_epoch(values, selection, maximise=maximise)
    return Ending("COMPLETE", StopReason.FINISHED, value=values[epoch - 1], selected_epoch=epoch)


def selected_epoch(values: list[float], selection: str, *, maximise: bool = True) -> int:
    """The epoch that counts, from 1: the last, or the first of those with the best value."""
    numbers = [value for value in values if not math.isnan(value)]
    if selection == "last" or not numbers:
        return len(values)
    return 1 + values.index(max(numbers) if maximise else min(numbers))


def columns_of(report: EpochReport, result: dict[str, Any]) -> dict[str, Any]:
    """Columns of `dgsearch_trial_facts` that a report fills."""
    return {
        "wall_s": result["wall_s"],
        "train_s": report.seconds,
        "evaluation_s": report.evaluation_s,
        "saved_s": sum(use.saved_s for use in report.stages),
        "device": result["device"],
        "host": result["host"],
        "peak_memory_mb": report.peak_memory_mb,
        "warnings": "\n".join(report.warnings) or None,
        "stages_json": json.dumps([vars(use) for use in report.stages]),
    }
