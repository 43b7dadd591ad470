"""Fake frames of the studies that answer open questions, with effects planted in them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.questions import StudyFrames

__all__ = ["frames", "rows", "values"]

NOISE = (-0.004, 0.003, -0.001, 0.002, 0.004, -0.003, 0.001, -0.002)
WILD = (-0.1, 0.08, -0.03, 0.06, 0.09, -0.08, 0.02, -0.05)  # hides every effect of the tests


def frames(trials: Sequence[Mapping[str, Any]], **changes: Any) -> StudyFrames:
    """A study of trials that say row, seed and accuracy (0..1), and whatever else is asked for.

    `diagnostics` of a trial become scores; three epochs of accuracies rise to the last one.
    """
    table, scores = [], []
    for number, trial in enumerate(trials):
        plain = {key: value for key, value in trial.items() if key != "diagnostics"}
        config = "|".join(str(v) for k, v in plain.items() if k not in ("seed", "accuracy"))
        table.append({
            "study": "s", "trial_number": number, "state": "COMPLETE", "role": "point",
            "config_id": config, "value": plain["accuracy"], "wall_s": 1.0, "saved_s": 0.0,
            "peak_memory_mb": 100.0, "accuracy/t": plain["accuracy"], **plain,
        })  # fmt: skip
        measured = {"accuracy": plain["accuracy"], **trial.get("diagnostics", {})}
        for epoch, (metric, value) in itertools.product((1, 2), measured.items()):
            shown = value - 0.1 * (2 - epoch) if metric == "accuracy" else value
            for split in ("test", "validation") if metric == "accuracy" else ("train",):
                scores.append({
                    "trial_number": number, "epoch": epoch, "split": split, "metric": metric,
                    "domain": "t", "value": shown,
                })  # fmt: skip
    trials_frame = pd.DataFrame(table).drop(columns="accuracy")
    scores_frame = pd.DataFrame(scores)
    return StudyFrames("s", trials_frame, scores_frame, ["t"], **changes)


def rows(
    levels: Mapping[str, float], *, seeds: int = 5, noise: Sequence[float] = NOISE, **more: Any
) -> list[dict[str, Any]]:
    """Trials of named rows: each level, a shift that seeds share, and noise of their own."""
    return [
        {
            "row": row, "seed": seed, "accuracy": level + 0.02 * seed + _own(noise, place, seed),
            **{key: value(row, seed) for key, value in more.items()},
        }
        for place, (row, level) in enumerate(levels.items())
        for seed in range(seeds)
    ]  # fmt: skip


def values(
    levels: Mapping[tuple[Any, ...], float], names: Sequence[str], *, seeds: int = 5,
    noise: Sequence[float] = NOISE,
) -> list[dict[str, Any]]:  # fmt: skip
    """Trials of a design that varies hyperparameters: one level for each tuple of values."""
    return [
        {
            "row": "mpbm", "seed": seed,
            "accuracy": level + 0.02 * seed + _own(noise, place, seed),
            **dict(zip(names, point, strict=True)),
        }
        for place, (point, level) in enumerate(levels.items())
        for seed in range(seeds)
    ]  # fmt: skip


def _own(noise: Sequence[float], place: int, seed: int) -> float:
    """Noise of one row and seed: nothing for the first row, another order for each further one."""
    return 0.0 if place == 0 else float(np.roll(noise, place)[seed % len(noise)])
